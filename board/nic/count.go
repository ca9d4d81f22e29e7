package nic

import (
	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// Count is how often a rule decided.
type Count struct {
	Rule    Rule
	Packets uint64
	Bytes   uint64
}

// Counts reads what the kernel counted, in the order in which rules are asked;
// none where there is no firewall.
func (n *Network) Counts() []Count {
	n.mu.Lock()
	rules := n.wallOrder
	n.mu.Unlock()
	c, err := nftables.New()
	if err != nil || len(rules) == 0 {
		return nil
	}
	t := &nftables.Table{Name: firewallTable, Family: nftables.TableFamilyINet}
	there, err := c.GetRules(t, &nftables.Chain{Name: inputChain, Table: t})
	if err != nil || len(there) != len(rules)+firewallOwn {
		return nil // it changes at this moment
	}
	var out []Count
	for i, r := range rules {
		count := Count{Rule: r}
		for _, e := range there[firewallOwn+i].Exprs {
			if k, ok := e.(*expr.Counter); ok {
				count.Packets, count.Bytes = k.Packets, k.Bytes
			}
		}
		out = append(out, count)
	}
	return out
}

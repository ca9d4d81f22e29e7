package nic

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Action is what a firewall rule does with a packet.
type Action uint8

// Drop says nothing to the sender; Reject tells it.
const (
	Allow Action = iota
	Drop
	Reject
)

// Rule decides on new connections to the machine itself. Rules are asked in
// order of their priority, the least first, and the first that fits decides;
// what none fits is allowed, since nothing listens that the configuration does
// not want.
type Rule struct {
	Index    int // whoever made the rule knows it by; 0: nobody does
	Priority int
	LAN      int          // 0: any
	From     netip.Prefix // invalid: anybody
	Protocol string       // "tcp", "udp"; empty: any
	First    int          // port; 0: any
	Last     int
	Action   Action
}

// firewallTable is ours alone; what others put into theirs stays.
const (
	firewallTable = "sallyport"
	inputChain    = "input"
	firewallOwn   = 4 // rules before those of the plan
)

// firewall replaces the whole table in one step: there is never a moment with
// half the rules. It returns the rules in the order in which they are asked.
func firewall(rules []Rule, marks []Mark, names map[int]string) ([]Rule, error) {
	c, err := nftables.New()
	if err != nil {
		return nil, err
	}
	t := c.AddTable(&nftables.Table{Name: firewallTable, Family: nftables.TableFamilyINet})
	c.DelTable(t)
	if len(rules) == 0 && len(marks) == 0 {
		return nil, flush(c)
	}
	t = c.AddTable(&nftables.Table{Name: firewallTable, Family: nftables.TableFamilyINet})
	addMarks(c, t, marks)
	asked := addRules(c, t, rules, names)
	return asked, flush(c)
}

func addRules(c *nftables.Conn, t *nftables.Table, rules []Rule, names map[int]string) (asked []Rule) {
	if len(rules) == 0 {
		return nil
	}
	accept := nftables.ChainPolicyAccept
	in := c.AddChain(&nftables.Chain{
		Name: inputChain, Table: t, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter, Policy: &accept,
	})
	add := func(e ...expr.Any) { c.AddRule(&nftables.Rule{Table: t, Chain: in, Exprs: e}) }
	add(append(established(), verdict(expr.VerdictAccept))...)
	add(append(arrivesBy("lo"), verdict(expr.VerdictAccept))...)
	add(append(neighbours(), verdict(expr.VerdictAccept))...)
	add(append(dhcp6Answers(), verdict(expr.VerdictAccept))...)
	ordered := slices.Clone(rules)
	slices.SortStableFunc(ordered, func(a, b Rule) int { return cmp.Compare(a.Priority, b.Priority) })
	for _, r := range ordered {
		if r.LAN != 0 && names[r.LAN] == "" {
			continue // nothing arrives there
		}
		add(r.expressions(names[r.LAN])...)
		asked = append(asked, r)
	}
	return asked
}

func flush(c *nftables.Conn) error {
	if err := c.Flush(); err != nil {
		return fmt.Errorf("firewall: %w", err)
	}
	return nil
}

func (r Rule) expressions(iface string) []expr.Any {
	var e []expr.Any
	if iface != "" {
		e = append(e, arrivesBy(iface)...)
	}
	if r.From.IsValid() && r.From.Bits() >= 0 {
		e = append(e, comesFrom(r.From.Masked())...)
	}
	if r.Protocol != "" {
		e = append(e, &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, equal([]byte{protocol(r.Protocol)}))
		if r.First != 0 {
			e = append(e, &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
				&expr.Range{Op: expr.CmpOpEq, Register: 1, FromData: port(r.First), ToData: port(max(r.First, r.Last))})
		}
	}
	e = append(e, &expr.Counter{})
	switch r.Action {
	case Drop:
		return append(e, verdict(expr.VerdictDrop))
	case Reject:
		return append(e, &expr.Reject{Type: unix.NFT_REJECT_ICMPX_UNREACH, Code: unix.NFT_REJECT_ICMPX_ADMIN_PROHIBITED})
	}
	return append(e, verdict(expr.VerdictAccept))
}

func verdict(k expr.VerdictKind) expr.Any { return &expr.Verdict{Kind: k} }

func equal(b []byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: b} }

func port(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

// established fits packets of connections that were allowed once, so that a new
// rule does not cut what runs.
func established() []expr.Any {
	states := binaryutil.NativeEndian.PutUint32(expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED)
	return []expr.Any{
		&expr.Ct{Register: 1, Key: expr.CtKeySTATE},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: states, Xor: []byte{0, 0, 0, 0}},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: []byte{0, 0, 0, 0}},
	}
}

// neighbours fits what IPv6 lives by on a link, as ARP does for IPv4, which no
// rule here can reach: RFC 4861's messages, sent on this very link.
func neighbours() []expr.Any {
	const solicitation, redirect, hopLimit = 133, 137, 255 // redirects are not taken
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, equal([]byte{unix.NFPROTO_IPV6}),
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, equal([]byte{unix.IPPROTO_ICMPV6}),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 7, Len: 1}, equal([]byte{hopLimit}),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Len: 1},
		&expr.Range{Op: expr.CmpOpEq, Register: 1, FromData: []byte{solicitation}, ToData: []byte{redirect - 1}},
	}
}

// dhcp6Answers fits what DHCPv6 servers of the link send: the question went to a
// group, so that the kernel does not know the answer as one.
func dhcp6Answers() []expr.Any {
	const clientPort = 546
	return append(comesFrom(netip.MustParsePrefix("fe80::/10")),
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, equal([]byte{unix.IPPROTO_UDP}),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2}, equal(port(clientPort)))
}

func arrivesBy(name string) []expr.Any {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1}, equal(b)}
}

func comesFrom(p netip.Prefix) []expr.Any {
	family, offset, size := byte(unix.NFPROTO_IPV4), uint32(12), uint32(4)
	if p.Addr().Is6() {
		family, offset, size = unix.NFPROTO_IPV6, 8, 16
	}
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, equal([]byte{family}),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: size},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: size, Mask: ipNet(p).Mask, Xor: make([]byte, size)},
		equal(p.Addr().AsSlice()),
	}
}

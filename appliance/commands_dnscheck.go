package appliance

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/dnscheck"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// dnsCheckTime bounds the questions of one check.
const dnsCheckTime = 60 * time.Second

// dnsCheck asks name servers for the records of a domain.
func dnsCheck(n *Node, ctx context.Context, args xapi.Args, _ config.Who) (*xapi.Node, error) {
	p, err := n.dnsPlan(args)
	if err == nil {
		err = p.Check()
	}
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(ctx, dnsCheckTime)
	defer stop()
	found := p.Run(ctx)
	result := xapi.NewNode("Result").Int("Findings", len(found))
	for i, f := range found {
		result.Nth("Finding", i+1).Str("Where", f.Where).Str("Name", f.Name).Str("Text", f.Text)
	}
	for i, line := range strings.Split(strings.TrimSpace(p.Records()), "\n") {
		result.Nth("Record", i+1).Str("Line", strings.ReplaceAll(line, "\t", " "))
	}
	return result, nil
}

func (n *Node) dnsPlan(args xapi.Args) (p dnscheck.Plan, err error) {
	snap := n.store.Snapshot()
	p.Domain, p.ServerDomain = uc.Canonical(one(args, "Domain")), one(args, "ServerDomain")
	if p.ServerDomain == "" && n.cfg.Role == xapi.Edge {
		p.ServerDomain = snap.Str(xapi.IPDNSDomainName)
	}
	for _, text := range args["Location"] {
		l, err := dnscheck.ParseLocation(text)
		if err != nil {
			return p, err
		}
		p.Locations = append(p.Locations, l)
	}
	for _, name := range []string{one(args, "Alias"), one(args, "BackupAlias")} {
		if name != "" {
			p.Aliases = append(p.Aliases, name)
		}
	}
	p.Nodes = args["Node"]
	if len(p.Nodes) == 0 {
		p.Nodes = n.callControlOf(snap, p.Domain)
	}
	if p.Public, err = serversFrom(args["PublicServer"]); err != nil {
		return p, err
	}
	p.Internal, err = serversFrom(args["InternalServer"])
	return p, err
}

// callControlOf lists the discovered Unified CM nodes that serve a domain, by
// name; 64 at most, which is more than one answer of DNS holds.
func (n *Node) callControlOf(snap *config.Snapshot, domain string) (out []string) {
	top := n.topology(snap)
	of, _ := top.OfDomain(domain)
	seen := map[string]bool{}
	for _, node := range top.Nodes() {
		_, notName := netip.ParseAddr(node.Host)
		if node.Discovered && node.Is(uc.UnifiedCM) && node.Deployment == of && notName != nil && !seen[node.Host] && len(out) < 64 {
			seen[node.Host] = true
			out = append(out, node.Host)
		}
	}
	return out
}

func serversFrom(all []string) (out []netip.AddrPort, err error) {
	for _, text := range all {
		at, err := netip.ParseAddrPort(text)
		if err != nil {
			addr, addrErr := netip.ParseAddr(text)
			if addrErr != nil {
				return nil, fmt.Errorf("%q is no address of a name server", text)
			}
			at = netip.AddrPortFrom(addr, 53)
		}
		out = append(out, at)
	}
	return out, nil
}

package xmpp

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"sallyport/appliance/config"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// GatePlan is where edge takes chat streams of remote clients, and for whom.
type GatePlan struct {
	Listen  []netip.AddrPort  // none: off
	Domains map[string]string // chat domains, lower case, to the zone of their core; "" = the first
	DSCP    int               // of packets to clients
	Fcm     bool              // push through Google's service; a change ends all streams

	Maintenance bool // new streams are sent away; those that there are go on
}

// Equal tells whether two plans want the same.
func (p GatePlan) Equal(q GatePlan) bool {
	return slices.Equal(p.Listen, q.Listen) && maps.Equal(p.Domains, q.Domains) && p.DSCP == q.DSCP && p.Fcm == q.Fcm && p.Maintenance == q.Maintenance
}

// GatePlanFrom reads edge's part of a snapshot. Without a chat domain nothing
// listens.
func GatePlanFrom(snap *config.Snapshot) GatePlan {
	p := GatePlan{Domains: map[string]string{}, DSCP: snap.Int(xapi.QoSXMPP), Fcm: snap.Bool(xapi.FcmService),
		Maintenance: snap.Bool(xapi.SystemUnitMaintenance)}
	for i, name := range chatDomains(snap) {
		p.Domains[name] = snap.Str(xapi.SIPDomainAuthzone, i)
	}
	if len(p.Domains) == 0 {
		return p
	}
	for _, a := range snap.Outside(xapi.Edge) {
		p.Listen = append(p.Listen, netip.AddrPortFrom(a, uint16(snap.Int(xapi.XMPPPort))))
	}
	return p
}

// chatDomains are the names of the domains whose chat is carried, by index.
func chatDomains(snap *config.Snapshot) map[int]string {
	out := map[int]string{}
	if !snap.Bool(xapi.CollaborationEdgeEnabled) {
		return out
	}
	for _, i := range snap.Indexes(xapi.SIPDomainName.Item) {
		if name := snap.Str(xapi.SIPDomainName, i); name != "" && snap.Bool(xapi.SIPDomainEdgexmpp, i) {
			out[i] = strings.ToLower(name)
		}
	}
	return out
}

// Plan is what core serves: the chat domains, lower case, with their nodes,
// best first. A domain has none but its own, so its users reach no other's.
type Plan struct {
	Domains map[string][]Node
	DSCP    int // of packets to nodes
}

// PlanFrom reads core's part of a snapshot. An error names what cannot work;
// the rest can be applied. A node that the topology knows in one deployment
// serves no domain of another.
func PlanFrom(snap *config.Snapshot, top *uc.Topology) (Plan, error) {
	p := Plan{Domains: map[string][]Node{}, DSCP: snap.Int(xapi.QoSXMPP)}
	deployment := map[string]int{}
	for i, name := range chatDomains(snap) {
		p.Domains[name], deployment[name] = nil, snap.Int(xapi.SIPDomainDeployment, i)
	}
	var errs []error
	for _, i := range snap.Indexes(xapi.XMPPNodeAddress.Item) {
		n := Node{
			Host: strings.ToLower(snap.Str(xapi.XMPPNodeAddress, i)), Port: uint16(snap.Int(xapi.XMPPNodePort, i)),
			TLS: snap.Enum(xapi.XMPPNodeTransport, i) == "TLS", Verify: snap.Bool(xapi.XMPPNodeVerify, i),
		}
		if n.Host == "" {
			continue
		}
		for _, d := range split(snap.Str(xapi.XMPPNodeDomains, i)) {
			if !isDomain(snap, d) {
				errs = append(errs, fmt.Errorf("XMPP Node %d: %s is no domain of this node; add it by DomainAdd", i, d))
			}
			list, chat := p.Domains[d]
			at, ok := top.OfHost(n.Host)
			switch {
			case !chat || slices.Contains(list, n):
			case ok && at != deployment[d]:
				errs = append(errs, fmt.Errorf("XMPP Node %d: %s belongs to deployment %s, and %s to %s", i, n.Host, top.Name(at), d, top.Name(deployment[d])))
			default:
				p.Domains[d] = append(list, n)
			}
		}
	}
	p.addDiscovered(top, deployment)
	return p, errors.Join(errs...)
}

// addDiscovered gives each chat domain the discovered nodes of its deployment
// behind those that are configured; a cluster that tells its domains serves no
// other.
func (p Plan) addDiscovered(top *uc.Topology, deployment map[string]int) {
	for name, list := range p.Domains {
		for _, n := range top.Serving(deployment[name], uc.IMPresence) {
			c, ok := top.Cluster(n.Publisher)
			if !n.Discovered || !ok || len(c.Domains) > 0 && !slices.Contains(c.Domains, name) {
				continue
			}
			node := Node{Host: n.Host, Port: discoveredPort, TLS: true, Verify: c.Verified}
			if !slices.ContainsFunc(list, func(have Node) bool { return have.Host == n.Host }) {
				list = append(list, node)
			}
		}
		p.Domains[name] = list
	}
}

// discoveredPort is where presence nodes take clients.
const discoveredPort = 5222

// split reads a comma list of domains.
func split(list string) (out []string) {
	for d := range strings.SplitSeq(list, ",") {
		if d = strings.ToLower(strings.TrimSpace(d)); d != "" {
			out = append(out, d)
		}
	}
	return out
}

func isDomain(snap *config.Snapshot, name string) bool {
	return slices.ContainsFunc(snap.Indexes(xapi.SIPDomainName.Item), func(i int) bool {
		return strings.EqualFold(snap.Str(xapi.SIPDomainName, i), name)
	})
}

// Check refuses nodes whose domains do not exist. It is a config.Check.
func Check(snap *config.Snapshot) error {
	nothing, err := uc.New(uc.Facts{})
	if err == nil {
		_, err = PlanFrom(snap, nothing)
	}
	return err
}

package core

import (
	"net/netip"
	"slices"
	"strings"

	"sallyport/appliance/config"
	"sallyport/appliance/flow"
	"sallyport/appliance/sip"
	"sallyport/appliance/xapi"
	"sallyport/appliance/zone"
)

// Plan is what core's decisions need of the configuration.
type Plan struct {
	Enabled bool // CollaborationEdge Enabled
	Path    bool // CollaborationEdge RFC3327Enabled
	Domains []Domain
	Zones   *zone.Plan

	LinkRTP, LinkRTCP uint16 // edge's shared media ports

	listen map[string]netip.AddrPort // by transport
}

// PlanFrom reads the plan of the role; the planes have their own.
func PlanFrom(snap *config.Snapshot, zones *zone.Plan, listeners []flow.Listener) *Plan {
	p := &Plan{
		Enabled: snap.Bool(xapi.CollaborationEdgeEnabled),
		Path:    snap.Bool(xapi.CollaborationEdgeRFC3327),
		Zones:   zones,

		LinkRTP:  uint16(snap.Int(xapi.MediaDemuxRTPPort)),
		LinkRTCP: uint16(snap.Int(xapi.MediaDemuxRTCPPort)),

		listen: map[string]netip.AddrPort{},
	}
	for _, i := range snap.Indexes(xapi.SIPDomainName.Item) {
		if name := snap.Str(xapi.SIPDomainName, i); name != "" && snap.Bool(xapi.SIPDomainEdge, i) && snap.Bool(xapi.SIPDomainSip, i) {
			p.Domains = append(p.Domains, Domain{strings.ToLower(name), snap.Str(xapi.SIPDomainAuthzone, i)})
		}
	}
	for _, l := range listeners {
		if _, first := p.listen[l.Network]; !first {
			p.listen[l.Network] = l.Addr
		}
	}
	return p
}

// A Domain is one that remote users may register for.
type Domain struct {
	Name string // lower case
	Zone string // neighbor zone of its registrar; "" = as the search rules say
}

// Domain finds the domain that a user registers for.
func (p *Plan) Domain(name string) (Domain, bool) {
	i := slices.IndexFunc(p.Domains, func(d Domain) bool { return strings.EqualFold(d.Name, name) })
	if i < 0 {
		return Domain{}, false
	}
	return p.Domains[i], true
}

// registrars lists where the registrations of a domain's user may go.
func (p *Plan) registrars(d Domain, source string, user, requestURI sip.URI) []target {
	if z := p.Zones.Zone(d.Zone); z != nil && z.Type == zone.Neighbor {
		return peersOf(z, requestURI.String())
	}
	ts := targetsOf(p.Zones.Next(zone.Query{Source: source, Alias: bare(user), Method: "REGISTER"}), requestURI)
	for i := range ts {
		ts[i].uri = requestURI.String() // a registrar is asked by its own name
	}
	return ts
}

// Listen is where inside systems reach core over a transport. Without a
// listener of that transport it is that of another: a peer that got our
// address over TLS can still answer on its connection.
func (p *Plan) Listen(network string) netip.AddrPort {
	for _, n := range [...]string{network, "TCP", "TLS", "UDP"} {
		if a, ok := p.listen[n]; ok {
			return a
		}
	}
	return netip.AddrPort{}
}

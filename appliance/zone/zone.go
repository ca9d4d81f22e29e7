package zone

import (
	"net/netip"
	"slices"
	"strings"
)

// Type is what stands at the other end of a zone.
type Type uint8

// A zone without a type leads nowhere.
const (
	Untyped Type = iota
	Neighbor
	TraversalClient // we are core; the peers are edges
	TraversalServer // we are edge; the peers are cores
	DNS             // whoever the name service says serves a domain
	ENUM            // numbers that the name service turns into addresses
)

// String is the word that the configuration uses.
func (t Type) String() string {
	switch t {
	case Neighbor:
		return "Neighbor"
	case TraversalClient:
		return "TraversalClient"
	case TraversalServer:
		return "TraversalServer"
	case DNS:
		return "DNS"
	case ENUM:
		return "ENUM"
	}
	return ""
}

// Zone is one zone as it is configured.
type Zone struct {
	Index    int // in "Zones Zone [n]"
	Name     string
	Type     Type
	HopCount int      // most hops that a request sent there may still take
	SIP      bool     // SIP may pass
	Peers    []string // addresses or names, in order; of a TraversalServer none

	Port            int
	Transport       string // "TLS", "TCP" or "UDP"
	TLSVerify       bool   // the peer's certificate must bear its name
	SubjectName     string // of a TraversalServer: the name that core must bear
	MediaEncryption string // "Off", "On", "BestEffort" or "Auto"
	NoGCM           bool   // the GCM suites of SRTP are not offered and not taken
	ICEPassThrough  bool   // ICE and keys of clients outside pass
	Path            bool   // the registrar knows Path (RFC 3327)
	TrustIdentity   bool   // asserted identities from there are believed
	Monitor         bool   // peers are asked whether they live
	HideIdentifiers bool
	Edge            bool // carries remote access

	AnyCaller bool     // of a TraversalClient: edges may speak for whom core saw no registration of
	Domains   []string // that its edges may speak for, in lower case; none: all

	MaxPeers       int    // most addresses that SRV records may give for a peer
	Preloaded      bool   // requests from there may bring a route
	IncludeAddress bool   // of a DNS zone: a domain's own addresses will do
	Inside         bool   // of a DNS zone: records may lead to the inside
	Suffix         string // of an ENUM zone: the domain below which numbers are
	Automatic      bool   // made by discovery, nobody can edit it
	Tokens         bool   // its peer takes SIP of clients with access tokens

	addresses []netip.Addr // of the peers of a neighbor, those that are not names
}

// Plan is all zones and rules: first those of the configuration, then those
// that discovery made.
type Plan struct {
	Zones      []*Zone // by index
	Transforms []*Transform
	Rules      []*Rule // by priority, then index; automatic ones behind

	configured, configuredRules int // of the configuration; all without WithNodes
	automatic                   automatic
}

// own are the zones of the configuration.
func (p *Plan) own() []*Zone {
	if p.automatic.zones == nil {
		return p.Zones
	}
	return p.Zones[:p.configured]
}

// Zone returns the zone of that name, or nil. Names differ by more than case.
func (p *Plan) Zone(name string) *Zone {
	for _, z := range p.own() {
		if strings.EqualFold(z.Name, name) {
			return z
		}
	}
	return p.automatic.zones[strings.ToLower(name)]
}

// Peer returns the first neighbor that has the host as a peer, or nil.
func (p *Plan) Peer(host string) *Zone {
	for _, z := range p.own() {
		if z.Type != Neighbor || !z.SIP {
			continue
		}
		if z.HasPeer(host) {
			return z
		}
	}
	return p.automatic.peers[strings.ToLower(host)]
}

// PeerAt is Peer of an address; peers that are names are not looked up. It is
// asked for every request of the inside.
func (p *Plan) PeerAt(a netip.Addr) *Zone {
	a = a.Unmap()
	for _, z := range p.own() {
		if z.Type == Neighbor && z.SIP && z.HasPeerAt(a) {
			return z
		}
	}
	return p.automatic.at[a]
}

// Speaks tells whether the edges of a zone may speak for a domain.
func (z *Zone) Speaks(domain string) bool {
	return z == nil || len(z.Domains) == 0 || slices.ContainsFunc(z.Domains, func(d string) bool { return strings.EqualFold(d, domain) })
}

// HasPeer tells whether a host is one of the zone's peers, as they are configured.
func (z *Zone) HasPeer(host string) bool {
	return slices.ContainsFunc(z.Peers, func(peer string) bool { return strings.EqualFold(peer, host) })
}

// HasPeerAt is HasPeer of an address, of a configured neighbor.
func (z *Zone) HasPeerAt(a netip.Addr) bool { return slices.Contains(z.addresses, a.Unmap()) }

// PeerNames lists the peers of configured neighbors that are names, once each.
func (p *Plan) PeerNames() (all []string) {
	for _, z := range p.own() {
		if z.Type != Neighbor || !z.SIP {
			continue
		}
		for _, peer := range z.Peers {
			if _, err := netip.ParseAddr(peer); err != nil && peer != "" {
				all = append(all, strings.ToLower(peer))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

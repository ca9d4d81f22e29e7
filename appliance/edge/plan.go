package edge

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/appliance/auth"
	"sallyport/appliance/config"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
	"sallyport/appliance/zone"
)

// Plan is what edge's decisions need of the configuration.
type Plan struct {
	Enabled bool   // CollaborationEdge Enabled
	Host    string // the name clients know this edge by; "" = the address they reached
	TLSPort int    // where clients reach it over TLS
	TCPPort int    // and over TCP
	TLSOn   bool   // whether they can over TLS

	HTTPSPort, XMPPPort int
	TURNPort            int             // 0: off
	TURNTLS             bool            // and over TCP and TLS
	Chat                map[string]bool // domains with chat, lower case

	Domains []Domain
	Zones   []string // traversal zones that carry remote access, by index
	All     []*zone.Zone

	PreRouted   bool          // registrations take the fast path
	Reconnect   time.Duration // how long requests wait for a client that persists
	Fcm         bool          // push through Google's service
	Maintenance bool          // SystemUnit Maintenance Mode
	Onboarding  bool          // phones may redeem activation codes

	ground zone.Ground // where partners may be

	outside    []netip.Addr // of this edge: where clients arrive
	translated netip.Addr   // what they know it by behind a static NAT, else invalid

	search   *zone.Plan // where calls to partners go
	partners bool       // some domain takes calls of partners

	tls, tcp face // how clients see this edge, but for a host that is not known
}

// A Domain is one that remote users may register for.
type Domain struct {
	Name string // lower case
	Zone string // traversal zone its users go through; "" = the first
	Auth auth.Mode

	Partners bool // calls of who has not registered are taken
}

// PlanFrom reads the plan of the role; the planes have their own.
func PlanFrom(snap *config.Snapshot) *Plan {
	p := &Plan{
		Enabled:   snap.Bool(xapi.CollaborationEdgeEnabled),
		Host:      hostName(snap),
		TLSPort:   snap.Int(xapi.SIPTLSPort),
		TCPPort:   snap.Int(xapi.SIPTCPPort),
		ground:    zone.GroundFrom(snap, xapi.Edge),
		outside:   snap.Outside(xapi.Edge),
		search:    zone.PlanFrom(snap),
		PreRouted: zone.PreRouted(snap),
		Reconnect: time.Duration(snap.Int(xapi.SessionReconnectTimer)) * time.Second,
		Fcm:       snap.Bool(xapi.FcmService),
		TLSOn:     snap.Bool(xapi.SIPTLSMode),

		Maintenance: snap.Bool(xapi.SystemUnitMaintenance),
		Onboarding:  snap.Bool(xapi.CollaborationEdgeEnabled) && snap.Bool(xapi.AllowOnboarding),

		HTTPSPort: snap.Int(xapi.CollaborationEdgeHTTPSPort),
		XMPPPort:  snap.Int(xapi.XMPPPort),
		Chat:      map[string]bool{},
	}
	if snap.Bool(xapi.TURNMode) {
		p.TURNPort, p.TURNTLS = snap.Int(xapi.TURNPort), snap.Enum(xapi.TURNProtocolMode) != "UDP"
	}
	p.translated = snap.StaticNAT()
	p.tls = newFace(p.Host, p.TLSPort, "tls")
	p.tcp = newFace(p.Host, p.TCPPort, "tcp")
	for _, i := range snap.Indexes(xapi.SIPDomainName.Item) {
		if snap.Bool(xapi.SIPDomainEdge, i) && snap.Bool(xapi.SIPDomainEdgexmpp, i) {
			p.Chat[strings.ToLower(snap.Str(xapi.SIPDomainName, i))] = true
		}
	}
	modes := auth.Modes(snap)
	for _, i := range snap.Indexes(xapi.SIPDomainName.Item) {
		if name := snap.Str(xapi.SIPDomainName, i); name != "" && snap.Bool(xapi.SIPDomainEdge, i) && snap.Bool(xapi.SIPDomainSip, i) {
			p.Domains = append(p.Domains, Domain{strings.ToLower(name), snap.Str(xapi.SIPDomainAuthzone, i), modes[uc.Canonical(name)], snap.Bool(xapi.SIPDomainPartners, i)})
			p.partners = p.partners || snap.Bool(xapi.SIPDomainPartners, i)
		}
	}
	p.All = p.search.Zones
	for _, z := range p.All {
		if z.Type == zone.TraversalServer && z.Edge && z.SIP {
			p.Zones = append(p.Zones, z.Name)
		}
	}
	return p
}

// seenAs is how the far end of a connection knows our end of it, which is at
// one of this edge's addresses.
func (p *Plan) seenAs(local netip.Addr) netip.Addr {
	if p.translated.IsValid() && local.Is4() && slices.Contains(p.outside, local) {
		return p.translated
	}
	return local
}

// hostName is the fully qualified name, which the certificate must carry.
func hostName(snap *config.Snapshot) string {
	name, domain := snap.Str(xapi.IPDNSHostname), snap.Str(xapi.IPDNSDomainName)
	if name == "" || domain == "" {
		return ""
	}
	return strings.ToLower(name + "." + domain)
}

// PartnersOf finds a domain for which calls of partners are taken.
func (p *Plan) PartnersOf(name string) (Domain, bool) {
	d, ok := p.Domain(strings.ToLower(name))
	return d, ok && d.Partners
}

// Domain finds the domain that a user registers for.
func (p *Plan) Domain(name string) (Domain, bool) {
	for _, d := range p.Domains {
		if d.Name == name {
			return d, true
		}
	}
	return Domain{}, false
}

// zoneWord is what of a zone goes into tokens: its place in the table, which it
// keeps when it is given another name.
func (p *Plan) zoneWord(name string) string {
	for _, z := range p.All {
		if z.Name == name {
			return strconv.Itoa(z.Index)
		}
	}
	return name
}

// renamed are the zones that have another name now, by the old one.
func (p *Plan) renamed(before *Plan) map[string]string {
	names := map[string]string{}
	for _, old := range before.All {
		for _, z := range p.All {
			if z.Index == old.Index && z.Type == old.Type && z.Name != old.Name {
				names[old.Name] = z.Name
			}
		}
	}
	return names
}

// Zone is the traversal zone for the users of a domain, "" if there is none.
func (p *Plan) Zone(d Domain) string {
	if d.Zone != "" || len(p.Zones) == 0 {
		return d.Zone
	}
	return p.Zones[0]
}

package core

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/discover"
	"sallyport/appliance/flow"
	"sallyport/appliance/httpproxy"
	"sallyport/appliance/sip"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
	"sallyport/appliance/zone"
)

// Plan is what core's decisions need of the configuration.
type Plan struct {
	Enabled bool // CollaborationEdge Enabled
	Path    bool // CollaborationEdge RFC3327Enabled
	Domains []Domain
	Zones   *zone.Plan

	Topology *uc.Topology // who may reach what

	ServerDomain string   // IP DNS Domain Name
	Presence     []string // domains with chat

	LinkRTP, LinkRTCP uint16 // edge's shared media ports

	callControl []int      // neighbor zones that say that call control is there, by index
	conflicts   []conflict // trunks on ports of the line side

	BibDelay    time.Duration // how long INVITEs to built-in bridges wait
	Maintenance bool          // SystemUnit Maintenance Mode

	Record recordPlan

	PreRouted bool   // registrations may take the fast path
	epoch     uint64 // marks all that routing depends on

	Push               bool          // phones are woken
	PushHold, PushLead time.Duration // how long a call waits for one; how long before its end a registration is renewed
	PushPatience       time.Duration // how long one may be silent on a connection that stands; 0: for ever

	Registrar      bool          // endpoints may register at core itself
	RegMin, RegMax time.Duration // for how long
	own            []Domain      // domains of core's own

	ground  zone.Ground // where strangers may be
	names   []string    // of this node
	listen  map[passage]netip.AddrPort
	dual    bool     // it listens by both IPv4 and IPv6
	domains []string // all that tokens may be sealed for
}

// PlanFrom reads the plan of the role; the planes have their own. An error
// names what belongs to no deployment; the rest can be applied.
func PlanFrom(snap *config.Snapshot, zones *zone.Plan, found discovered, listeners []flow.Listener) (*Plan, error) {
	top, err := topologyFrom(snap, zones, found)
	p := &Plan{
		Enabled: snap.Bool(xapi.CollaborationEdgeEnabled),
		Path:    pathHeaders(snap),
		Zones:   zones,

		Topology: top,

		ServerDomain: snap.Str(xapi.IPDNSDomainName),

		LinkRTP:  uint16(snap.Int(xapi.MediaDemuxRTPPort)),
		LinkRTCP: uint16(snap.Int(xapi.MediaDemuxRTCPPort)),

		BibDelay:    time.Duration(snap.Int(xapi.BibInviteDelay)) * time.Millisecond,
		Maintenance: snap.Bool(xapi.SystemUnitMaintenance),

		Record:    recordPlanFrom(snap),
		PreRouted: zone.PreRouted(snap),
		Registrar: snap.Bool(xapi.RegistrationMode),
		RegMin:    time.Duration(snap.Int(xapi.RegistrationMinimum)) * time.Second,
		RegMax:    time.Duration(snap.Int(xapi.RegistrationMaximum)) * time.Second,

		Push:     snap.Bool(xapi.PushMode),
		PushHold: time.Duration(snap.Int(xapi.PushHold)) * time.Second,
		PushLead: time.Duration(snap.Int(xapi.PushLead)) * time.Second,

		PushPatience: time.Duration(snap.Int(xapi.PushPatience)) * time.Second,

		ground: zone.GroundFrom(snap, xapi.Core),
		listen: map[passage]netip.AddrPort{},
	}
	for _, z := range zones.Zones {
		if z.Type == zone.Neighbor && !z.Automatic && slices.Contains(nodeTypes(snap, z), uc.UnifiedCM) {
			p.callControl = append(p.callControl, z.Index)
		}
	}
	for _, i := range snap.Indexes(xapi.SIPDomainName.Item) {
		name := snap.Str(xapi.SIPDomainName, i)
		id, ok := top.OfDomain(name)
		if snap.Bool(xapi.SIPDomainEdgexmpp, i) {
			p.Presence = append(p.Presence, name)
		}
		switch d := (Domain{strings.ToLower(name), snap.Str(xapi.SIPDomainAuthzone, i), id}); {
		case !ok || !snap.Bool(xapi.SIPDomainSip, i):
		case snap.Bool(xapi.SIPDomainEdge, i):
			p.Domains = append(p.Domains, d)
		default:
			p.own = append(p.own, d)
		}
	}
	for _, d := range top.Deployments() {
		p.domains = append(p.domains, top.Domains(d.ID)...)
	}
	for _, l := range listeners {
		w := passage{l.Network, l.Addr.Addr().Is6()}
		if _, first := p.listen[w]; !first {
			p.listen[w] = l.Addr
		}
	}
	p.dual = p.hears(false) && p.hears(true)
	if host := snap.Str(xapi.IPDNSHostname); host != "" {
		p.names = append(p.names, host, host+"."+snap.Str(xapi.IPDNSDomainName))
	}
	p.conflicts = conflictsOf(p)
	p.epoch = epochOf(p)
	return p, err
}

// TopologyFrom reads the deployments, and which domains and nodes they enclose:
// the peers of each neighbor zone are nodes of its deployment. The error joins a
// sentence for each contradiction.
func TopologyFrom(snap *config.Snapshot) (*uc.Topology, error) {
	return topologyFrom(snap, zone.PlanFrom(snap), discovered{})
}

func topologyFrom(snap *config.Snapshot, zones *zone.Plan, found discovered) (*uc.Topology, error) {
	var f uc.Facts
	for _, i := range snap.Indexes(xapi.DeploymentID.Item) {
		f.Deployments = append(f.Deployments, uc.Deployment{ID: DeploymentID(snap, i), Name: snap.Str(xapi.DeploymentName, i)})
	}
	for _, i := range snap.Indexes(xapi.SIPDomainName.Item) {
		f.Domains = append(f.Domains, uc.Domain{Name: snap.Str(xapi.SIPDomainName, i), Deployment: snap.Int(xapi.SIPDomainDeployment, i)})
	}
	for _, z := range zones.Zones {
		if z.Type != zone.Neighbor || z.Automatic {
			continue
		}
		types := nodeTypes(snap, z)
		for _, peer := range z.Peers {
			f.Nodes = append(f.Nodes, uc.Node{Host: peer, Zone: z.Name, Types: types, Deployment: snap.Int(xapi.NeighborDeployment, z.Index)})
		}
	}
	f.Nodes, f.Clusters = append(f.Nodes, found.nodes...), found.clusters
	return uc.New(f)
}

// nodeTypes are what the peers of a neighbor zone are said to be.
func nodeTypes(snap *config.Snapshot, z *zone.Zone) (types []uc.NodeType) {
	for _, word := range strings.FieldsFunc(snap.Str(xapi.NeighborNodeType, z.Index), func(r rune) bool { return r == ',' }) {
		types = append(types, uc.NodeType(word))
	}
	return types
}

// pathHeaders tells whether registrars are shown Path (RFC 3327).
func pathHeaders(snap *config.Snapshot) bool { return snap.Bool(xapi.CollaborationEdgeRFC3327) }

// DeploymentID is an entry's number: the entry's place unless it says another.
func DeploymentID(snap *config.Snapshot, i int) int {
	if snap.IsSet(xapi.DeploymentID.Item, i) {
		return snap.Int(xapi.DeploymentID, i)
	}
	return i
}

// Check finds what deployments cannot be like, and what the allow list cannot
// say about them. It is a config.Check.
func Check(snap *config.Snapshot) error {
	zones := zone.PlanFrom(snap)
	top, err := topologyFrom(snap, zones, discovered{})
	errs := []error{err, httpproxy.Check(snap, top), discover.Check(snap, top)}
	for _, i := range snap.Indexes(xapi.SIPDomainName.Item) {
		name, at := snap.Str(xapi.SIPDomainName, i), snap.Str(xapi.SIPDomainAuthzone, i)
		id, served := top.OfDomain(name)
		if of, ok := top.OfZone(at); served && ok && of != id {
			errs = append(errs, fmt.Errorf("domain %s is in deployment %q, but registers at zone %q of deployment %q", name, top.Name(id), at, top.Name(of)))
		}
	}
	return errors.Join(errs...)
}

// A Domain is one that remote users may register for.
type Domain struct {
	Name string // lower case
	Zone string // neighbor zone of its registrar; "" = as the search rules say

	Deployment int
}

// Own finds a domain whose users register at core itself: one that it routes,
// and that is not served to remote clients.
func (p *Plan) Own(name string) (Domain, bool) {
	for _, d := range p.own {
		if strings.EqualFold(d.Name, name) {
			return d, true
		}
	}
	return Domain{}, false
}

// anyDomain is a domain of a deployment, for calls that speak for none.
func (p *Plan) anyDomain(deployment int) string {
	for _, d := range slices.Concat(p.Domains, p.own) {
		if deployment == 0 || d.Deployment == deployment {
			return d.Name
		}
	}
	return ""
}

// Domain finds the domain that a user registers for. Phones of Unified CM write
// their node there: they belong to the first domain of its deployment.
func (p *Plan) Domain(name string) (Domain, bool) {
	i := slices.IndexFunc(p.Domains, func(d Domain) bool { return strings.EqualFold(d.Name, name) })
	if z := p.Zones.Peer(strings.Trim(name, "[]")); i < 0 && z != nil && z.Automatic {
		of, _ := p.Topology.OfZone(z.Name)
		if i = slices.IndexFunc(p.Domains, func(d Domain) bool { return d.Deployment == of }); i >= 0 {
			return Domain{Name: p.Domains[i].Name, Deployment: of}, true
		}
	}
	if i < 0 {
		return Domain{}, false
	}
	return p.Domains[i], true
}

// registrars lists where the registrations of a domain's user may go: to the
// discovered node that the request names, else as the domain or the search
// rules say.
func (p *Plan) registrars(d Domain, source string, user, requestURI sip.URI, way zone.Service) []target {
	if z := p.Zones.Discovered(strings.Trim(requestURI.Host, "[]")); z != nil {
		user.Host = requestURI.Host
		return targetsOf(p.Zones.Next(zone.Query{Source: source, Alias: bare(user), Method: "REGISTER", Service: way}), requestURI)
	}
	if z := p.Zones.Zone(d.Zone); z != nil && z.Type == zone.Neighbor {
		return peersOf(z, p.registrarURI(d, requestURI).String())
	}
	ts := p.linesFirst(targetsOf(p.Zones.Next(zone.Query{Source: source, Alias: bare(user), Method: "REGISTER", Authenticated: true}), requestURI))
	for i := range ts {
		ts[i].uri = p.registrarURI(d, requestURI).String()
	}
	return ts
}

// registrarURI is by what name a registrar is asked: as the client has it, if
// that is a name of ours. A stranger who names another host would have the
// registrar, which trusts core, send his request there.
func (p *Plan) registrarURI(d Domain, u sip.URI) sip.URI {
	_, served := p.Domain(u.Host)
	if !u.SIP() || !served && p.Zones.Peer(u.Host) == nil {
		return sip.URI{Scheme: "sip", Host: d.Name}
	}
	return u.WithoutParam("maddr")
}

// Listen is where inside systems reach core over a transport and a version of
// IP. Without such a listener it is that of another: a peer that got our address
// over TLS can still answer on its connection.
func (p *Plan) Listen(network string, v6 bool) netip.AddrPort {
	for _, six := range [...]bool{v6, !v6} {
		for _, n := range [...]string{network, "TCP", "TLS", "UDP"} {
			if a, ok := p.listen[passage{n, six}]; ok {
				return a
			}
		}
	}
	return netip.AddrPort{}
}

// hears tells whether core has a listener of a version of IP.
func (p *Plan) hears(v6 bool) bool {
	for w := range p.listen {
		if w.v6 == v6 {
			return true
		}
	}
	return false
}

// zoneWord is what of a zone goes into tokens: its place in the table, which it
// keeps when it is given another name.
func (p *Plan) zoneWord(name string) string {
	if z := p.Zones.Zone(name); z != nil {
		return strconv.Itoa(z.Index)
	}
	return name
}

func recordPlanFrom(snap *config.Snapshot) recordPlan {
	p := recordPlan{zone: snap.Str(xapi.RecorderZone), tone: snap.Bool(xapi.RecordingTone)}
	for _, i := range snap.Indexes(xapi.RecordedUser.Item) {
		p.users = append(p.users, strings.ToLower(snap.Str(xapi.RecordedUser, i)))
	}
	return p
}

// passICE names the publishers of clusters whose automatic zones pass ICE.
func passICE(snap *config.Snapshot) map[string]bool {
	all := map[string]bool{}
	for _, i := range snap.Indexes(xapi.CUCMAddress.Item) {
		all[uc.Canonical(snap.Str(xapi.CUCMAddress, i))] = snap.Bool(xapi.CUCMICEPassThrough, i)
	}
	return all
}

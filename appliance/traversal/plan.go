package traversal

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// Plan is what the configuration wants of the links.
type Plan struct {
	Node       string // what this node calls itself
	MaxMessage int    // bytes of a SIP message; 0 means the default
	Servers    []Server
	Tunnels    []netip.AddrPort // where edge listens for SSH
	Clients    []Client
}

// Server is one port on which edge accepts a zone's SIP. A zone has one per
// address of the inner interface.
type Server struct {
	Zone        string
	Listen      netip.AddrPort
	VerifyName  bool   // the certificate must carry SubjectName
	SubjectName string // empty matches no certificate
	Probe       Probe
}

// Client is one edge that core dials.
type Client struct {
	Zone    string
	Address string // name or IP address, which the edge's certificate must carry
	Port    int
	SSHPort int           // 0: the one the edge names
	Retry   time.Duration // longest pause between tries
}

// terms are what a connection stands under: a server or client whose terms
// change starts anew, any other change is taken over in passing.
func (s Server) terms() Server {
	s.Probe = Probe{}
	return s
}

func (c Client) terms() Client {
	c.Retry = 0
	return c
}

const (
	defaultMaxMessage = 64 << 10
	defaultRetry      = 2 * time.Minute
)

func (p Plan) clone() Plan {
	p.Servers = slices.Clone(p.Servers)
	p.Tunnels = slices.Clone(p.Tunnels)
	p.Clients = slices.Clone(p.Clients)
	return p
}

func (p Plan) maxMessage() int {
	if p.MaxMessage <= 0 {
		return defaultMaxMessage
	}
	// A message grows on the way by Via, Route and Path; what was accepted
	// outside must pass here.
	return max(p.MaxMessage+16<<10, defaultMaxMessage)
}

// Equal says whether two plans want the same.
func (p Plan) Equal(o Plan) bool {
	return p.Node == o.Node && p.MaxMessage == o.MaxMessage && slices.Equal(p.Servers, o.Servers) &&
		slices.Equal(p.Tunnels, o.Tunnels) && slices.Equal(p.Clients, o.Clients)
}

// PlanFrom reads what this package needs of a snapshot. An error names what is
// left out of the plan; the rest of it can be applied.
func PlanFrom(sn *config.Snapshot, role xapi.Role) (Plan, error) {
	p := Plan{Node: nodeName(sn), MaxMessage: sn.Int(xapi.SIPMaxSize)}
	var errs []error
	inner := inside(sn, role)
	for _, n := range sn.Indexes(xapi.ZoneName.Item) {
		if !sn.Bool(xapi.ZoneSIPMode, n) {
			continue
		}
		switch typ := sn.Enum(xapi.ZoneType, n); {
		case typ == "TraversalServer" && role == xapi.Edge:
			errs = append(errs, p.addServer(sn, n, inner))
		case typ == "TraversalClient" && role == xapi.Core:
			p.addClients(sn, n)
		}
	}
	if len(p.Servers) > 0 {
		for _, a := range inner {
			p.Tunnels = append(p.Tunnels, netip.AddrPortFrom(a, uint16(sn.Int(xapi.TraversalSSHPort))))
		}
	}
	return p, errors.Join(errs...)
}

func (p *Plan) addServer(sn *config.Snapshot, n int, inner []netip.Addr) error {
	s := Server{
		Zone:        zoneName(sn, n),
		VerifyName:  sn.Bool(xapi.TraversalServerTLSVerify, n) || sn.Bool(xapi.TraversalServerCollaborationEdge, n),
		SubjectName: sn.Str(xapi.TraversalServerSubjectName, n),
		Probe: Probe{
			Quiet:   seconds(sn.Int(xapi.TraversalServerProbeInterval, n)),
			Retries: sn.Int(xapi.TraversalServerProbeRetries, n),
			Retry:   seconds(sn.Int(xapi.TraversalServerProbeRetry, n)),
		},
	}
	port := uint16(sn.Int(xapi.TraversalServerSIPPort, n))
	for _, a := range inner {
		s.Listen = netip.AddrPortFrom(a, port)
		if i := slices.IndexFunc(p.Servers, func(o Server) bool { return o.Listen == s.Listen }); i >= 0 {
			return fmt.Errorf("zones %s and %s both want port %d: give each its own", p.Servers[i].Zone, s.Zone, port)
		}
		p.Servers = append(p.Servers, s)
	}
	return nil
}

func (p *Plan) addClients(sn *config.Snapshot, n int) {
	for _, peer := range sn.Indexes(xapi.TraversalClientPeerAddress.Item, n) {
		c := Client{
			Zone:    zoneName(sn, n),
			Address: strings.Trim(sn.Str(xapi.TraversalClientPeerAddress, n, peer), "[]"),
			Port:    sn.Int(xapi.TraversalClientSIPPort, n),
			SSHPort: sn.Int(xapi.TraversalSSHPort),
			Retry:   seconds(sn.Int(xapi.TraversalClientRetry, n)),
		}
		if c.Address != "" && !slices.Contains(p.Clients, c) {
			p.Clients = append(p.Clients, c)
		}
	}
}

// zoneName is what the rest of the node calls the zone; one without a name
// still has a number.
func zoneName(sn *config.Snapshot, n int) string {
	if name := sn.Str(xapi.ZoneName, n); name != "" {
		return name
	}
	return fmt.Sprintf("Zone%d", n)
}

func nodeName(sn *config.Snapshot) string {
	host, domain := sn.Str(xapi.IPDNSHostname), sn.Str(xapi.IPDNSDomainName)
	switch {
	case host != "" && domain != "":
		return host + "." + domain
	case host != "":
		return host
	}
	return sn.Str(xapi.SystemUnitName)
}

// inside are the addresses on which edge takes core. Without any the link
// listens on all, so that a box without addresses of its own can be tried.
func inside(sn *config.Snapshot, role xapi.Role) []netip.Addr {
	if list := sn.Inside(role); len(list) > 0 {
		return list
	}
	return []netip.Addr{netip.IPv6Unspecified()}
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// heed shortens a probe for a peer that has promised to ping by itself: three
// of its pings missed are as good as any answer that did not come.
func (p Probe) heed(ping int) Probe {
	if p.Quiet <= 0 || p.Retry <= 0 {
		p = Probe{Quiet: 20 * time.Second, Retry: 2 * time.Second, Retries: 5}
	}
	if ping > 0 {
		p.Limit = 3 * seconds(ping)
		p.Quiet = min(p.Quiet, 2*seconds(ping))
	}
	return p
}

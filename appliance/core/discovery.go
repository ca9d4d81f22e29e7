package core

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"slices"
	"strings"

	"sallyport/appliance/allow"
	"sallyport/appliance/config"
	"sallyport/appliance/discover"
	"sallyport/appliance/httpproxy"
	"sallyport/appliance/sip"
	"sallyport/appliance/trust"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
	"sallyport/appliance/xmpp"
	"sallyport/appliance/zone"
)

// newDiscovery joins discovery to this node's trust and state.
func (c *Core) newDiscovery() *discover.Discoverer {
	const purpose, sealedFor = 'K', "token keys"
	return discover.New(discover.Config{
		Log: c.log, Clock: c.cfg.Clock, Alarms: c.cfg.Alarms, State: c.cfg.State,
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return (&net.Dialer{Resolver: c.resolver}).DialContext(ctx, network, addr)
		},
		Resolve: c.addresses, TLS: c.upstreamTLS, Authorities: c.authorities,
		Names: func() []string {
			if cert := c.trust.Certificate(); cert != nil {
				return trust.Names(cert)
			}
			return nil
		},
		Seal:     func(plain []byte) string { return c.cfg.Keys.Seal(purpose, sealedFor, plain) },
		Open:     func(token string) ([]byte, error) { return c.cfg.Keys.Open(purpose, sealedFor, token) },
		OnChange: c.rediscovery,
	})
}

// Discovery is what asks UC publishers.
func (c *Core) Discovery() *discover.Discoverer { return c.uc }

// RefreshServers asks a UC publisher anew, or all of them for "", and brings
// what they tell into force before it returns; the token endpoints of clusters
// are looked for anew too. It returns those that were asked with what went
// wrong, nil where nothing did.
func (c *Core) RefreshServers(ctx context.Context, publisher string) ([]discover.Source, []error) {
	c.sso.ForgetPaths()
	sources, errs := c.uc.Refresh(ctx, publisher)
	c.bringIntoForce()
	return sources, errs
}

func (c *Core) rediscovery() {
	select {
	case c.rediscovered <- struct{}{}:
	default:
	}
}

// rediscover brings what discovery has learnt into force until ctx ends.
func (c *Core) rediscover(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.rediscovered:
			c.bringIntoForce()
		}
	}
}

// bringIntoForce plans anew with all that discovery knows now.
func (c *Core) bringIntoForce() {
	c.applying.Lock()
	defer c.applying.Unlock()
	snap := c.snap.Load()
	if snap == nil {
		return
	}
	if err := c.replan(snap); err != nil {
		c.log.Error("discovered nodes not applied whole", "event", "discover", "err", err)
	}
}

// addresses looks a node's name up; an address is its own.
func (c *Core) addresses(ctx context.Context, host string) (out []string) {
	if isAddress(host) {
		return []string{host}
	}
	ips, err := c.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil
	}
	for _, ip := range ips {
		out = append(out, ip.Unmap().String())
	}
	slices.Sort(out)
	return out
}

// upstreamTLS is the TLS of requests to UC nodes and other inside servers.
func (c *Core) upstreamTLS(host string, verify bool) *tls.Config {
	if verify {
		return c.trust.ClientConfig(trust.HTTPSUpstream, host)
	}
	return c.trust.UnverifiedClientConfig(trust.HTTPSUpstream, host)
}

// verified tells whether the certificate of an inside server is checked: that
// of a discovered node as its cluster is.
func (c *Core) verified(host string) bool {
	top := c.plan.Load().Topology
	n, ok := top.Node(host)
	if !ok || !n.Discovered {
		return true
	}
	cluster, ok := top.Cluster(n.Publisher)
	return !ok || cluster.Verified
}

// authorities lists those that this node's certificate comes from: what other
// systems must trust to take it.
func (c *Core) authorities() []*x509.Certificate {
	chain := c.trust.Chain()
	if len(chain) == 0 {
		return nil
	}
	out := chain[1:]
	for top := chain[len(chain)-1]; ; {
		i := slices.IndexFunc(c.trust.CAs(), func(ca *x509.Certificate) bool { return !ca.Equal(top) && top.CheckSignatureFrom(ca) == nil })
		if i < 0 || len(out) > 8 {
			break
		}
		top = c.trust.CAs()[i]
		out = append(out, top)
	}
	if len(out) == 0 {
		return chain // it is its own authority
	}
	return out
}

// discovered is what discovery knows, in the words of topology and zones.
type discovered struct {
	nodes    []uc.Node
	clusters []uc.Cluster
	zones    []zone.Node
	servers  []discover.Server
}

func (c *Core) discovered(snap *config.Snapshot) discovered {
	f := c.uc.Facts()
	out := discovered{clusters: f.Clusters, servers: f.Servers}
	path, ice := pathHeaders(snap), passICE(snap)
	for _, s := range f.Servers {
		out.add(s, path, ice[s.Cluster.Publisher])
	}
	return out
}

// add makes the nodes of one server: one for each of its zones, and one for
// what clients ask of it otherwise, since each may be down alone.
func (d *discovered) add(s discover.Server, path, ice bool) {
	node := func(kind uc.NodeType, zone string) {
		d.nodes = append(d.nodes, uc.Node{
			Host: s.Host, Zone: zone, Types: []uc.NodeType{kind}, Publisher: s.Cluster.Publisher, Deployment: s.Cluster.Deployment,
			Version: s.Version, Down: s.Down[kind] != "", Discovered: true,
		})
	}
	for _, kind := range s.Types {
		if kind != uc.UnifiedCM || !s.Calls {
			node(kind, "")
			continue
		}
		n := zoneNode(s, path)
		n.ICEPassThrough = ice
		d.zones = append(d.zones, n)
		for _, name := range n.Names() {
			node(kind, name)
		}
	}
}

// zoneNode says how a call control takes SIP: over TLS only in mixed mode, by
// token only if that mode is on.
func zoneNode(s discover.Server, path bool) zone.Node {
	n := zone.Node{Host: s.Host, Addresses: s.Addresses, TCP: s.SIP, Verify: s.Cluster.Verified, Path: path}
	if s.Cluster.Mixed {
		n.TLS = s.SIPS
	}
	if s.Cluster.SIPOAuth {
		n.OAuth = s.OAuth
	}
	return n
}

// wayOf reads off a request in which way a discovered node is to be asked.
func wayOf(m *sip.Message, uri sip.URI) zone.Service {
	for _, name := range [...]string{"Authorization", "Proxy-Authorization"} {
		if scheme, _, _ := strings.Cut(strings.TrimSpace(m.Get(name)), " "); strings.EqualFold(scheme, "Bearer") {
			return zone.Tokens
		}
	}
	transport, _ := uri.Param("transport")
	switch {
	case uri.Port == 5090 || uri.Port == 5091:
		return zone.Tokens
	case uri.Port == 5061 || uri.Scheme == "sips" || strings.EqualFold(transport, "tls"):
		return zone.Secure
	case uri.Port == 5060 || strings.EqualFold(transport, "tcp"):
		return zone.Plain
	}
	return zone.AnyService
}

// clashes are contradictions between the configuration and what discovery
// found. The configuration is right in itself, and the other half gives way, so
// they are findings and no errors: it could not be applied any better.
type clashes struct {
	snap  *config.Snapshot
	found []string
}

// of takes an error over that the configuration alone does not make.
func (c *clashes) of(err error, alone func(*config.Snapshot, *uc.Topology, error) error) error {
	if err == nil {
		return nil
	}
	top, topErr := TopologyFrom(c.snap)
	if own := alone(c.snap, top, topErr); own != nil {
		return err
	}
	c.found = append(c.found, strings.Split(err.Error(), "\n")...)
	return nil
}

func ofTopology(_ *config.Snapshot, _ *uc.Topology, err error) error { return err }

func ofHTTP(snap *config.Snapshot, top *uc.Topology, _ error) error {
	_, err := httpproxy.PlanFrom(snap, top)
	return err
}

func ofChat(snap *config.Snapshot, top *uc.Topology, _ error) error {
	_, err := xmpp.PlanFrom(snap, top)
	return err
}

// advise looks at all clusters in the light of what else is configured.
func (c *Core) advise(snap *config.Snapshot, top *uc.Topology, clashes []string) {
	web, _ := httpproxy.RulesFrom(snap, top)
	list := web.List()
	findings := c.uc.Advise(discover.World{
		Domains: top.Domains, Clashes: clashes,
		Transfer: func(host string, deployment int) bool {
			t := allow.Target{Scheme: "https", Host: host, Port: 7336, Path: "/"}
			rule, _ := web.Decide(list, "GET", t, httpproxy.Key(deployment), false)
			return rule != nil
		},
	})
	c.findings.Store(&findings)
}

// Topology is who may reach what by a snapshot that need not be in force yet,
// with what discovery knows now.
func (c *Core) Topology(snap *config.Snapshot) *uc.Topology {
	top, _ := topologyFrom(snap, zone.PlanFrom(snap), c.discovered(snap))
	return top
}

// reportDiscovery shows clusters, nodes and what core itself asks.
func (c *Core) reportDiscovery(t *xapi.Node) {
	var findings []discover.Finding
	if all := c.findings.Load(); all != nil {
		findings = *all
	}
	c.uc.Report(t, findings)
	c.uc.ReportOutbound(child(t, "HTTPAllowList"))
}

func child(t *xapi.Node, name string) *xapi.Node {
	for _, n := range t.Children {
		if n.Name == name {
			return n
		}
	}
	return t.Add(name)
}

// reportNodes shows each server once, whatever runs on it.
func (c *Core) reportNodes(t *xapi.Node, top *uc.Topology) {
	causes := map[string]string{}
	for _, s := range c.uc.Facts().Servers {
		for _, kind := range s.Types {
			if why := s.Down[kind]; why != "" {
				causes[s.Host] = strings.TrimPrefix(causes[s.Host]+"; "+string(kind)+" "+why, "; ")
			}
		}
	}
	for i, n := range merged(top.Nodes()) {
		e := t.Nth("Node", i+1)
		e.Str("Address", n.Host)
		e.Str("Type", n.types())
		e.Str("Publisher", n.Publisher)
		e.Str("Deployment", top.Name(n.Deployment))
		e.Str("Zone", strings.Join(n.zones, ","))
		if n.Discovered {
			e.Str("Version", n.Version)
			e.Leaf("Status", word(!n.Down))
			if n.Down {
				e.Str("Cause", causes[n.Host])
			}
		}
	}
}

// A mergedNode is one server of one origin with all that is known of it.
type mergedNode struct {
	uc.Node
	zones []string
}

func (n mergedNode) types() string {
	var out []string
	for _, t := range n.Types {
		out = append(out, string(t))
	}
	return strings.Join(out, ",")
}

func merged(all []uc.Node) (out []*mergedNode) {
	at := map[string]*mergedNode{}
	for _, n := range all {
		key := n.Host + "\n" + n.Publisher
		if !n.Discovered {
			key += "\n" + n.Zone
		}
		m := at[key]
		if m == nil {
			m = &mergedNode{Node: n}
			m.Types = nil
			at[key], out = m, append(out, m)
		}
		for _, t := range n.Types {
			if !slices.Contains(m.Types, t) {
				m.Types = append(m.Types, t)
			}
		}
		if n.Zone != "" {
			m.zones = append(m.zones, n.Zone)
		}
		m.Down = m.Down || n.Down
	}
	return out
}

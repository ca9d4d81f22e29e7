package core

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"sallyport/appliance/flow"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/zone"
)

// A caller is who sent a request from inside that no token of ours leads.
type caller struct {
	zone   string // neighbor zone; "" for an endpoint of core's own
	known  bool   // its word is taken: registered here, or of a trusted zone
	domain Domain // of an own endpoint
	of     int    // deployment
	bound  bool   // whether it has one
}

// startTrunk takes a request that an inside system began to where the rules
// lead: an endpoint of core's own, another neighbor, a partner outside
// (guide: SIP trunks).
func (c *Core) startTrunk(r *signaling.Request, from *flow.Conn, uri sip.URI) {
	who, ok := c.callerOf(r, from)
	if !ok {
		return
	}
	plan := c.plan.Load()
	if r.Msg.Has("Route") && !plan.preloaded(who) {
		c.refuse(r, 403, "Routes are not taken from this zone", rulePreloaded)
		return
	}
	if r.Msg.ToTag() != "" {
		c.refuse(r, 481, "A request within a dialog needs the route it was given", "route token")
		return
	}
	if c.closedForCalls(r) {
		return
	}
	if c.followRoute(r, from, who) {
		return
	}
	q := zone.Query{Source: who.zone, Alias: bare(uri), Method: r.Msg.Method(), Authenticated: who.known}
	w := &wayOut{core: c, request: r, from: from, who: who, plan: plan, uri: uri, query: q}
	if !w.needsNames() {
		w.take(context.Background())
		return
	}
	if !c.lookups.Do(w.take) {
		c.refuse(r, 503, "Too many look-ups", "limits", sip.RetryAfter(5))
	}
}

// callerOf finds out who sent a request, and answers it if nobody may have.
func (c *Core) callerOf(r *signaling.Request, from *flow.Conn) (caller, bool) {
	plan := c.plan.Load()
	if z := plan.Zones.Zone(c.zoneFrom(from)); z != nil && z.Type == zone.Neighbor {
		w := caller{zone: z.Name, known: z.TrustIdentity}
		w.of, w.bound = plan.Topology.OfZone(z.Name)
		return w, true
	}
	na, err := sip.ParseNameAddr(r.Msg.Get("From"))
	if err != nil {
		c.refuse(r, 400, "From cannot be read", "syntax")
		return caller{}, false
	}
	d, own := plan.Own(na.URI.Host)
	if !own {
		c.refuse(r, 403, "No zone has this peer, and it is not registered here", "zones")
		return caller{}, false
	}
	if !c.isLocal(from, na.URI) && !c.proven(r, na.URI, "Proxy-Authorization", "Proxy-Authenticate", 407) {
		return caller{}, false
	}
	return caller{known: true, domain: d, of: d.Deployment, bound: true}, true
}

// isLocal tells whether a connection is that of a user's registration.
func (c *Core) isLocal(from *flow.Conn, u sip.URI) bool {
	for _, b := range c.locals.ByConn(from) {
		if b.Confirmed && b.Key.AOR == aorOf(u) {
			return true
		}
	}
	return false
}

// A wayOut is a search for where a request from inside goes.
type wayOut struct {
	core    *Core
	request *signaling.Request
	from    *flow.Conn
	who     caller
	plan    *Plan
	uri     sip.URI
	query   zone.Query
}

// needsNames tells whether the search has to ask the name service first.
func (w *wayOut) needsNames() bool {
	for _, h := range w.plan.Zones.Next(w.query) {
		if h.Zone.Type == zone.DNS || h.Zone.Type == zone.ENUM {
			return true
		}
	}
	return false
}

// take sends the request on its way.
func (w *wayOut) take(ctx context.Context) {
	c, r := w.core, w.request
	ts, why := w.targets(ctx)
	if w.who.bound {
		var rule string
		if ts, rule = w.plan.confine(w.who.of, ts); rule != "" {
			c.refuse(r, 403, notYours, rule)
			return
		}
	}
	if len(ts) == 0 {
		c.refuse(r, 404, "No search rule leads to "+bare(w.uri), "Zones Policy SearchRules", warning(why)...)
		return
	}
	if ts[0].link != "" {
		c.toEdge(r, w.from, w.who, ts[0])
		return
	}
	c.forwardTrunk(r, w.from, w.who, withoutLinks(ts))
}

func withoutLinks(ts []target) (out []target) {
	for _, t := range ts {
		if t.link == "" {
			out = append(out, t)
		}
	}
	return out
}

func warning(why string) []sip.Field {
	if why == "" {
		return nil
	}
	return []sip.Field{{Name: "Warning", Value: "399 sallyport " + sip.Quote(why)}}
}

// targets are own endpoints first, then what the rules give. why is what the
// name service said against the last hop.
func (w *wayOut) targets(ctx context.Context) (ts []target, why string) {
	hops := w.plan.Zones.Next(w.query)
	if to, err := sip.ParseURI(w.plan.Zones.Transformed("sip:" + bare(w.uri))); err == nil {
		ts = w.core.ownTargets(w.plan, to)
	}
	for _, h := range hops {
		some, err := w.core.hopTargets(ctx, w.plan, h, w.uri, w.query)
		if err != nil {
			why = err.Error()
			w.core.log.Info("search", "event", "search", "zone", h.Zone.Name, "rule", h.Rule, "err", err, "trace", w.request.Trace)
		}
		ts = append(ts, some...)
	}
	return ts, why
}

// ownTargets are the devices of a user of core's own. Whether a caller may reach
// them is for confine to say: they are of their domain's deployment.
func (c *Core) ownTargets(p *Plan, uri sip.URI) []target {
	d, own := p.Own(uri.Host)
	if !own {
		return nil
	}
	ts := c.locals.targets(p, uri)
	for i := range ts {
		ts[i].of = d.Deployment
	}
	return ts
}

// hopTargets turns one hop of a search into targets. DNS and ENUM zones ask the
// name service.
func (c *Core) hopTargets(ctx context.Context, p *Plan, h zone.Hop, uri sip.URI, q zone.Query) ([]target, error) {
	switch h.Zone.Type {
	case zone.TraversalClient:
		return []target{{zone: h.Zone.Name, link: h.Zone.Name, uri: h.URI}}, nil
	case zone.DNS:
		return c.strangers(ctx, p, h)
	case zone.ENUM:
		found, err := c.names.ENUM(ctx, h.URI, h.Zone.Suffix)
		if err != nil {
			return nil, err
		}
		return c.enumTargets(ctx, p, found, q)
	}
	return targetsOf([]zone.Hop{h}, uri), nil
}

// enumTargets searches for what a number stands for, once: not for a number again.
func (c *Core) enumTargets(ctx context.Context, p *Plan, found string, q zone.Query) (ts []target, err error) {
	to, err := sip.ParseURI(found)
	if err != nil {
		return nil, err
	}
	q.Alias = bare(to)
	for _, h := range p.Zones.Next(q) {
		if h.Zone.Type == zone.ENUM {
			continue
		}
		some, oops := c.hopTargets(ctx, p, h, to, q)
		if oops != nil {
			err = oops
		}
		ts = append(ts, some...)
	}
	return append(c.ownTargets(p, to), ts...), err
}

// strangers lists the servers that the name service gives for a domain: none of
// the inside, unless the zone says that its name servers are.
func (c *Core) strangers(ctx context.Context, p *Plan, h zone.Hop) ([]target, error) {
	to, err := sip.ParseURI(h.URI)
	if err != nil {
		return nil, err
	}
	servers, err := c.names.Locate(ctx, zone.Wish{Host: to.Host, Port: to.Port, Secure: to.Scheme == "sips",
		Default: h.Zone.Transport, Address: h.Zone.IncludeAddress})
	var ts []target
	for _, s := range servers {
		if at := s.Addr.Addr(); !p.ground.Stranger(at) && !(h.Zone.Inside && p.ground.Inside(at)) {
			err = errors.Join(err, fmt.Errorf("%s is at %s, which is no address of the outside", to.Host, at))
			continue
		}
		t := peersOf(&zone.Zone{Name: h.Zone.Name, Transport: s.Network, Port: int(s.Addr.Port()), HopCount: h.Zone.HopCount,
			TLSVerify: h.Zone.TLSVerify, MediaEncryption: h.Zone.MediaEncryption, NoGCM: h.Zone.NoGCM, Peers: []string{s.Addr.Addr().String()}}, h.URI)[0]
		t.stranger = !h.Zone.Inside
		if t.name = h.Zone.SubjectName; t.name == "" {
			t.name = strings.Trim(to.Host, "[]")
		}
		ts = append(ts, t)
	}
	return ts, err
}

// forwardTrunk relays a request between two inside systems. Core stays in the
// way, by a token that says nothing but that: both ends are of the inside.
func (c *Core) forwardTrunk(r *signaling.Request, from *flow.Conn, who caller, ts []target) {
	session := c.newSession(r.Msg)
	if !c.desk.Begin(r, session, "trunk", 0) {
		return
	}
	c.forward(r, session, ts, func(t target) (signaling.Branch, error) {
		out := r.Msg.Clone()
		out.Remove("Route")
		if t.routes != "" {
			out.SetAll("Route", sip.Split(t.routes))
		}
		out.RemovePrefix(privatePrefix)
		c.vouch(out, who)
		out.SetURI(t.uri)
		if signaling.FormsDialog(out) {
			token := c.tokens.sealTrunk(session, t.stranger)
			here, there := cameOver(from), c.toward(t)
			out.Prepend("Record-Route", c.uri(token, here, ";lr"))
			if there != here { // each side gets a URI of its own way (RFC 5658)
				out.Prepend("Record-Route", c.uri(token, there, ";lr"))
			}
		}
		return c.betweenTrunks(r, out, session, from, t)
	})
}

// vouch takes away what only who is trusted may say about the caller.
func (c *Core) vouch(m *sip.Message, who caller) {
	if who.zone == "" || !who.known {
		m.Remove("P-Asserted-Identity")
		m.Remove("Remote-Party-ID")
	}
}

// continueTrunk takes a request within a dialog between inside systems to the
// other end. ok is false where the route is no such dialog's.
func (c *Core) continueTrunk(r *signaling.Request, from *flow.Conn, route string) (ok bool) {
	session, stranger, err := c.tokens.openTrunk(route)
	if err != nil {
		return false
	}
	out := r.Msg.Clone()
	out.RemovePrefix(privatePrefix)
	for own := route; own != ""; own = ownRoute(out) {
		if _, _, err := c.tokens.openTrunk(own); err != nil {
			break
		}
		out.PopFirst("Route")
	}
	plan := c.plan.Load()
	t, err := plan.nextHop(out)
	if err != nil {
		c.refuse(r, 400, "Request-URI cannot be read", "syntax")
		return true
	}
	c.nearby(&t)
	t.stranger = stranger && t.conn == nil && !c.isPeer(plan, t.host)
	if !c.mayReach(plan, c.isNear(plan, from), from.Remote().Addr(), t) {
		c.refuse(r, 403, "A stranger reaches neighbors and registered endpoints only", "zones")
		return true
	}
	c.forward(r, session, []target{t}, func(t target) (signaling.Branch, error) {
		return c.betweenTrunks(r, out, session, from, t)
	})
	return true
}

// nearby finds the connection of a registered endpoint that a target means: it
// need not listen at the address that it comes from.
func (c *Core) nearby(t *target) {
	c.locals.Range(func(b flow.Binding) bool {
		na, err := sip.ParseNameAddr(b.Contact)
		if err != nil || b.Conn == nil || na.URI.Host != t.host || na.URI.Port != t.port {
			return true
		}
		t.conn, t.network = b.Conn, b.Conn.Network()
		return false
	})
}

// isNear tells whether a connection is a neighbor's or a registered endpoint's.
func (c *Core) isNear(p *Plan, from *flow.Conn) bool {
	z := p.Zones.Zone(c.zoneFrom(from))
	return z != nil && z.Type == zone.Neighbor || len(c.locals.ByConn(from)) > 0
}

// mayReach keeps whoever is neither a neighbor nor registered here, as a far
// end that a DNS zone led to, from using a dialog to reach any address inside.
// What a neighbor sends to where such a one says that he is, goes to no address
// inside either: dial sees to names.
func (c *Core) mayReach(p *Plan, near bool, remote netip.Addr, t target) bool {
	if t.conn != nil || c.isPeer(p, t.host) {
		return true
	}
	addr, err := netip.ParseAddr(t.host)
	if near {
		return err != nil || c.mayBe(t, addr)
	}
	return err == nil && addr == remote // an endpoint whose connection is new
}

// isPeer tells whether a host is a neighbor, or the address of one that is
// configured by its name.
func (c *Core) isPeer(p *Plan, host string) bool {
	if p.Zones.Peer(host) != nil {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && (c.peerZone(addr) != nil || c.reach.names(addr, func(name string) bool { return p.Zones.Peer(name) != nil }))
}

// toEdge takes a request out through a traversal zone, to a partner that edge
// finds.
func (c *Core) toEdge(r *signaling.Request, from *flow.Conn, who caller, t target) {
	link, err := c.links.Conn(t.link, 0, r.Msg.CallID())
	if err != nil {
		c.refuse(r, 480, "No edge of zone "+t.link+" is connected", "traversal link")
		return
	}
	domain := who.domain.Name
	if domain == "" {
		domain = c.plan.Load().anyDomain(who.of)
	}
	if domain == "" {
		c.refuse(r, 403, "No domain of this node can speak to partners", "SIP Domain")
		return
	}
	out := r.Msg.Clone()
	out.Remove("Route")
	c.vouch(out, who)
	out.SetURI(t.uri)
	c.deliver(r, out, from, anchor{peerOf(link), c.newSession(out), domain})
}

package core

import (
	"slices"
	"strings"

	"sallyport/appliance/call"
	"sallyport/appliance/media"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
	"sallyport/appliance/zone"
)

// fromEdge decides on a request that edge let in.
func (c *Core) fromEdge(r *signaling.Request, from *traversal.Conn) {
	if !c.plan.Load().Enabled {
		c.refuse(r, 503, "Mobile and remote access is off", "CollaborationEdge Enabled")
		return
	}
	switch route := ownRoute(r.Msg); {
	case r.Msg.Method() == "REGISTER":
		c.register(r, from)
	case route != "":
		c.continueInside(r, from, route)
	default:
		c.startInside(r, from)
	}
}

// startInside takes a request outside a dialog to the inside: to the very
// contact that one of our tokens stands for, else where the search rules lead.
func (c *Core) startInside(r *signaling.Request, from *traversal.Conn) {
	uri, err := sip.ParseURI(r.Msg.URI())
	if err != nil {
		c.refuse(r, 416, "Request-URI cannot be read", "syntax")
		return
	}
	user, ok := c.userOf(r.Msg)
	if partner(r.Msg) {
		if _, ours := c.ours(r.Msg); ours {
			c.refuse(r, 403, "Nobody outside speaks for a domain of ours", "identity")
			return
		}
		user, ok = c.plan.Load().calledBy(uri)
	}
	if !ok {
		c.refuse(r, 403, "The sender's domain is not served here", "SIP Domain")
		return
	}
	if !c.speaksFor(r, c.edgeZoneOf(from), user.Name) || !partner(r.Msg) && !c.believed(r, from) {
		return
	}
	if r.Msg.ToTag() != "" {
		c.roamInside(r, from, uri, user)
		return
	}
	o := c.outlet(from.Zone(), user.Name).causedBy(bareFrom(r.Msg))
	ts, rule := c.plan.Load().confine(user.Deployment, c.search(uri, o, r.Msg))
	switch {
	case rule != "":
		c.refuse(r, 403, notYours, rule)
		return
	case len(ts) == 0:
		c.refuse(r, 404, "No search rule leads to "+bare(uri), "Zones Policy SearchRules")
		return
	}
	if c.closedForCalls(r) {
		return
	}
	session := c.sessionOf(r.Msg, r.Msg.Get(headerPersist))
	if !c.desk.Begin(r, session, "inward", peerOf(from)) {
		return
	}
	anchored := anchor{peerOf(from), session, user.Name}
	c.forward(r, session, ts, func(t target) (signaling.Branch, error) {
		out := c.inward(r.Msg)
		out.Remove("Route")
		out.SetURI(t.uri)
		claim(out)
		o.reveal(out)
		own := ""
		if signaling.FormsDialog(out) {
			own = c.tokens.sealAnchor(purposeInside, anchored)
			out.Prepend("Record-Route", c.uri(own, c.toward(t), ";lr"))
		}
		return c.intoInside(r, out, exchange{session: session, outlet: o, own: own, target: t, peer: peerKey(peerOf(from))})
	})
}

// search lists where a request for uri may go. What is addressed to a domain
// itself (OPTIONS, to see whether it lives) goes to the sender's registrar.
func (c *Core) search(uri sip.URI, o outlet, m *sip.Message) []target {
	plan := c.plan.Load()
	if real, ok := o.contact(uri.User); ok {
		if !plan.isRecord(real) {
			t := plan.targetOf(real)
			t.uri = real.String()
			return []target{t}
		}
		uri = real // a redirection leads to a user, not to a host
	}
	if sealed(uri.User) {
		return nil // a contact that only a dialog leads to, or that nobody knows any more
	}
	if domain, served := plan.Domain(uri.Host); served && uri.User == "" {
		if from, err := sip.ParseNameAddr(m.Get("From")); err == nil {
			return plan.registrars(domain, o.zone, from.URI, uri, wayOf(m, uri))
		}
	}
	if ts := plan.nodeNamed(uri); len(ts) > 0 {
		return ts
	}
	own := c.ownTargets(plan, uri)
	return append(own, targetsOf(plan.Zones.Next(zone.Query{Source: o.zone, Alias: bare(uri), Method: m.Method(), Authenticated: !partner(m), Service: wayOf(m, uri)}), uri)...)
}

// nodeNamed is the UC node that a Request-URI names as its host: phones of some
// call controls write the node that they are registered with.
func (p *Plan) nodeNamed(uri sip.URI) (ts []target) {
	z := p.Zones.Peer(strings.ToLower(uri.Host))
	if z == nil || z.Automatic { // that has search rules of its own
		return nil
	}
	for _, t := range peersOf(z, uri.String()) {
		if strings.EqualFold(t.host, uri.Host) {
			ts = append(ts, t)
		}
	}
	return ts
}

// continueInside takes a request within a dialog along the inside route set
// that its token stands for.
func (c *Core) continueInside(r *signaling.Request, from *traversal.Conn, route string) {
	o, w, err := c.wayBack(from.Zone(), route)
	o = o.causedBy(bareFrom(r.Msg))
	if err != nil {
		c.refuse(r, 403, "Route token is not of this core", "route token")
		return
	}
	if !c.partOf(r, from, w) || !c.speaksFor(r, c.edgeZoneOf(from), o.domain) {
		return
	}
	out := c.inward(r.Msg)
	out.PopFirst("Route")
	if real, ok := o.contactIn(out.URI()); ok {
		out.SetURI(real.String())
	} else if w.routes == (handle{}) || !c.mayAddress(out, o) {
		c.refuse(r, 403, "Request-URI is not the contact of this dialog", "contact token")
		return
	}
	if err := c.loadRoutes(out, w.routes); err != nil {
		c.refuse(r, 481, "Route of this dialog is not known any more", "route book")
		return
	}
	claim(out)
	o.reveal(out)
	t, err := c.plan.Load().nextHop(out)
	if err != nil {
		c.refuse(r, 400, "Request-URI cannot be read", "syntax")
		return
	}
	ts := []target{t}
	if to, err := sip.ParseURI(out.URI()); err == nil && !out.Has("Route") && c.plan.Load().isRecord(to) {
		ts = c.search(to, o, out) // the far end's Contact is a GRUU
	}
	c.forward(r, w.session, ts, func(t target) (signaling.Branch, error) {
		return c.intoInside(r, out, exchange{session: w.session, outlet: o, target: t, peer: peerKey(peerOf(from))})
	})
}

// isRecord tells whether a URI is an address of record of a domain of ours, or a
// GRUU at it: whoever its user is, the name service is not to say where.
func (p *Plan) isRecord(u sip.URI) bool {
	if !u.SIP() || u.User == "" || u.Port != 0 || p.Zones.Peer(u.Host) != nil {
		return false
	}
	return slices.ContainsFunc(slices.Concat(p.Domains, p.own), func(d Domain) bool { return strings.EqualFold(d.Name, u.Host) })
}

// mayAddress tells whether a request within a dialog may name what is no
// contact of ours, as it does where the far end gave none: only what it might
// have named without the dialog. Inside proxies trust core, and would relay it.
func (c *Core) mayAddress(m *sip.Message, o outlet) bool {
	uri, err := sip.ParseURI(m.URI())
	return err == nil && (!uri.SIP() || len(c.search(uri, o, m)) > 0)
}

// wayBack opens a route token of a client, and with it the way to what else was
// sealed for its domain.
func (c *Core) wayBack(zone, route string) (o outlet, w wayBack, err error) {
	err = errNoDomain
	for _, d := range c.plan.Load().domains {
		o = c.outlet(zone, d)
		if w, err = c.tokens.openWayBack(o.sealed, route); err == nil {
			return o, w, nil
		}
	}
	return outlet{}, wayBack{}, err
}

// loadRoutes puts the inside route set in front of a request.
func (c *Core) loadRoutes(m *sip.Message, h handle) error {
	m.Remove("Route")
	if h == (handle{}) {
		return nil
	}
	text, err := c.book.get(h)
	if err != nil {
		return err
	}
	m.SetAll("Route", sip.Split(text))
	return nil
}

// nextHop is where a request with a route set goes. A first route without lr
// is a strict router: it wants to stand in the Request-URI (RFC 3261 16.6, 6).
func (p *Plan) nextHop(m *sip.Message) (target, error) {
	routes := m.Values("Route")
	if len(routes) == 0 {
		u, err := sip.ParseURI(m.URI())
		return p.targetOf(u), err
	}
	first, err := sip.ParseNameAddr(routes[0])
	if err != nil {
		return target{}, err
	}
	if _, loose := first.URI.Param("lr"); !loose {
		m.SetAll("Route", append(routes[1:], "<"+m.URI()+">"))
		m.SetURI(first.URI.String())
	}
	return p.targetOf(first.URI), nil
}

// An exchange is what core must know of one request to edit its answers.
type exchange struct {
	session uint64
	outlet  outlet
	own     string // user part of our Record-Route, "" if we are not in it
	target  target
	peer    string // the edge
}

// intoInside makes the branch of a request from the link to the inside: media
// rewritten inward, answers made fit for the outside.
func (c *Core) intoInside(r *signaling.Request, out *sip.Message, x exchange) (signaling.Branch, error) {
	id := media.SessionID(x.session)
	kind := signaling.RequestDescription(out, c.media.Pending(id, media.UCSide))
	c.useMedia(out, x.session, kind, x.peer, c.policyTo(x.target))
	if err := call.Describe(out, x.session, kind, r.Trace, c.media.Inward); err != nil {
		return signaling.Branch{}, err
	}
	a := &insideAnswer{core: c, outlet: x.outlet, own: strings.Clone(x.own), kind: kind, session: x.session, trace: strings.Clone(r.Trace)}
	return signaling.Branch{
		Msg:        out,
		OnResponse: a.edit,
		Kept:       a,
		OnFinal:    func(status int) { c.final(out, x.session, kind, status) },
	}, nil
}

// newSession is a media session's id for a call that begins with m, 0 for
// what carries no media.
func (c *Core) newSession(m *sip.Message) uint64 {
	if m.Method() != "INVITE" || m.ToTag() != "" {
		return 0
	}
	return c.rand() | 1
}

// ownRoute is the user part of the first Route where that is one of core's
// own tokens, else "".
func ownRoute(m *sip.Message) string {
	first, _, _ := strings.Cut(strings.Join(m.Values("Route"), "\n"), "\n")
	if first == "" {
		return ""
	}
	na, err := sip.ParseNameAddr(first)
	if err != nil {
		return ""
	}
	if owner, _, ok := sip.ParseTokenUser(na.URI.User); !ok || owner != 'c' {
		return ""
	}
	return na.URI.User
}

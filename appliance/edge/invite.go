package edge

import (
	"net/netip"
	"strings"

	"sallyport/appliance/call"
	"sallyport/appliance/flow"
	"sallyport/appliance/media"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// fromClient decides on a request of a client. Only REGISTER may come without
// a binding; all else comes on the connection of a confirmed one and speaks
// for its user.
func (e *Edge) fromClient(r *signaling.Request, c *flow.Conn) {
	if !e.plan.Load().Enabled {
		e.refuse(r, 503, "Mobile and remote access is off", "CollaborationEdge Enabled")
		return
	}
	if r.Msg.Method() == "REGISTER" {
		e.register(r, c)
		return
	}
	bindings := e.bindings.ByConn(c)
	if len(bindings) == 0 {
		e.fromPartner(r, c)
		return
	}
	token, ok := e.ownRoutes(r.Msg, c)
	if !ok {
		e.refuse(r, 403, "Route is not of this edge", "route token")
		return
	}
	if token != "" {
		e.continueInward(r, c, bindings, token)
		return
	}
	e.startInward(r, c, bindings)
}

// startInward takes a request outside a dialog to core.
func (e *Edge) startInward(r *signaling.Request, c *flow.Conn, bindings []*flow.Binding) {
	b, claimed, ok := speaker(r.Msg, bindings)
	if roams := ok && homeOf(b).persists; r.Msg.ToTag() != "" && !roams {
		e.refuse(r, 403, "A request within a dialog needs the route it was given", "route token")
		return
	}
	if !ok {
		e.refuse(r, 403, claimed+" is not registered on this connection", "identity")
		return
	}
	if !ownContacts(r.Msg, b.Key.AOR, bindings) {
		e.refuse(r, 403, "Contact is not of a device that is registered on this connection", "identity")
		return
	}
	opens := r.Msg.ToTag() == "" || r.Msg.Method() == "INVITE"
	if e.closedForCalls(r) {
		return
	}
	if signaling.BeginsCall(r.Msg) && e.tooManyCalls(b) {
		e.refuse(r, 503, "Too many calls of "+b.Key.AOR, "limits", sip.RetryAfter(10))
		return
	}
	session := e.sessionOf(r.Msg, b)
	peer := e.stays(homeOf(b).zone, homeOf(b).peer)
	e.inward(r, c, b, route{binding: uint64(b.ID), session: session, peer: peer}, opens)
}

// tooManyCalls tells whether the devices of a user have all calls that one user
// may have: each takes ports that others need.
func (e *Edge) tooManyCalls(b *flow.Binding) bool {
	n := e.calls.Of(uint64(b.ID))
	if n < manyCalls {
		return false
	}
	for _, other := range e.bindings.ByUser(b.Key.AOR) {
		if other.ID != b.ID {
			n += e.calls.Of(uint64(other.ID))
		}
	}
	return n >= maxCallsUser
}

// speaker finds the binding that a request speaks for.
func speaker(m *sip.Message, bindings []*flow.Binding) (b *flow.Binding, claimed string, ok bool) {
	for _, b := range bindings {
		if claimed, ok = speaksFor(m, b.Key.AOR); ok {
			return b, claimed, true
		}
	}
	return nil, claimed, false
}

// continueInward takes a request within a dialog to the core that the dialog
// runs through. The token must be of a binding on this very connection: one
// that was overheard elsewhere opens nothing. And it opens nothing but its own
// dialog, or whoever has one could speak as anybody.
func (e *Edge) continueInward(r *signaling.Request, c *flow.Conn, bindings []*flow.Binding, token string) {
	for _, b := range bindings {
		t, err := e.tokens.dialog(homeOf(b).zone, token)
		if err != nil || t.binding != uint64(b.ID) {
			continue
		}
		claimed, ok := partOf(r.Msg, b.Key.AOR, t)
		switch {
		case r.Msg.ToTag() == "":
			e.refuse(r, 403, "A new request comes without a route token", "route token")
		case !ok:
			e.refuse(r, 403, claimed+" is not part of this dialog", "identity")
		case !ownContacts(r.Msg, b.Key.AOR, bindings):
			e.refuse(r, 403, "Contact is not of a device that is registered on this connection", "identity")
		default:
			e.inward(r, c, b, t, false)
		}
		return
	}
	e.refuse(r, 403, "Route token is not of this connection", "route token")
}

// inward forwards a client's request to core.
func (e *Edge) inward(r *signaling.Request, c *flow.Conn, b *flow.Binding, t route, opens bool) {
	zone := homeOf(b).zone
	link, err := e.links.Conn(zone, t.peer, b.Key.AOR) // all of one user's in their order
	if err != nil && opens {
		link, err = e.links.Conn(zone, 0, b.Key.AOR)
	}
	if err != nil {
		e.refuse(r, 503, "No core is connected", "traversal link", sip.RetryAfter(5))
		return
	}
	if opens && !e.desk.Begin(r, t.session, "inward", uint64(b.ID)) {
		return
	}
	f := e.face(c)
	out := r.Msg.Clone()
	call.Strip(out, b.Key.AOR, "")
	veil := e.veil(zone, host(b.Key.AOR))
	asked := veil.remember(r.Msg)
	veil.lift(out)
	e.dropOwnRoutes(out, c)
	out.Remove("Record-Route") // there is no proxy outside that we would go back to
	t.peer = link.Peer()
	if opens && signaling.FormsDialog(out) {
		recorded := f.parts(e.tokens.seal(purposeRecordRoute, zone, t.of(r.Msg, "From")), ";lr")
		out.Prepend("Record-Route", recorded[:]...)
	}
	out.Set(headerTrace, r.Trace)
	setBinding(out, b.ID)
	if homeOf(b).persists && t.call == 0 { // without a token
		out.Set(headerPersist, e.tokens.seal(purposePath, zone, route{binding: uint64(b.ID)}))
	}
	if homeOf(b).partner {
		out.Set(headerPartner, "1")
	}
	kind := signaling.RequestDescription(out, e.media.Pending(media.SessionID(t.session), media.UCSide))
	if e.needsMedia(t.session, opens, kind) {
		e.media.Use(media.SessionID(t.session), MediaCall{Client: c.Remote(), Label: strings.Clone(out.CallID())})
	}
	if err := call.Describe(out, t.session, kind, r.Trace, e.media.Inward); err != nil {
		e.desk.Fail(r, t.session, err)
		return
	}
	a := &inwardAnswer{edge: e, client: c, veil: veil, asked: asked, kind: kind, session: t.session, trace: r.Trace}
	r.Forward(signaling.Branch{
		Msg:        out,
		Conn:       link,
		Via:        f.hostport(),
		OnResponse: a.edit,
		Kept:       a,
		OnFinal:    func(status int) { e.final(out, t.session, kind, status) },
	})
}

// ownRoutes looks at a client's Route values: leading ones that only name
// this edge, or that it was told to begin with, are passed over, the next may be
// a token of ours. ok is false
// where a route leads elsewhere: we are nobody's relay.
func (e *Edge) ownRoutes(m *sip.Message, c *flow.Conn) (token string, ok bool) {
	for v := range m.Each("Route") {
		na, err := sip.ParseNameAddr(v)
		if err != nil {
			return "", false
		}
		owner, _, isToken := sip.ParseTokenUser(na.URI.User)
		switch {
		case isToken && owner == 'e' && e.tokens.preloaded(na.URI.User):
		case isToken && owner == 'e':
			return na.URI.User, true
		case isToken:
			return "", false // core's own stands only behind one of ours
		case !e.isSelf(na.URI, c):
			return "", false
		}
	}
	return "", true
}

// dropOwnRoutes takes off what names this edge, up to and with its own token;
// what remains is core's.
func (e *Edge) dropOwnRoutes(m *sip.Message, c *flow.Conn) {
	for _, v := range m.Values("Route") {
		na, err := sip.ParseNameAddr(v)
		if err != nil {
			return
		}
		owner, _, isToken := sip.ParseTokenUser(na.URI.User)
		if isToken && owner == 'c' || !isToken && !e.isSelf(na.URI, c) {
			return
		}
		m.PopFirst("Route")
	}
}

// isSelf tells whether a URI without token names this edge.
func (e *Edge) isSelf(u sip.URI, c *flow.Conn) bool {
	if u.User != "" {
		return false
	}
	f := e.face(c)
	if strings.EqualFold(u.Host, f.host) {
		return true
	}
	if addr, err := netip.ParseAddr(strings.Trim(u.Host, "[]")); err == nil {
		return addr == c.Local().Addr() || addr == e.plan.Load().seenAs(c.Local().Addr())
	}
	return e.cfg.Trust != nil && e.cfg.Trust.Bears(u.Host) // an alias, in another domain
}

// newSession is a media session's id for a call that begins with m, 0 for
// what carries no media.
func (e *Edge) newSession(m *sip.Message) uint64 {
	if m.Method() != "INVITE" {
		return 0
	}
	return e.rand() | 1
}

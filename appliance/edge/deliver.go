package edge

import (
	"strings"

	"sallyport/appliance/call"
	"sallyport/appliance/flow"
	"sallyport/appliance/media"
	"sallyport/appliance/overload"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
)

// fromCore decides on a request that core sent for a client. It goes to the
// connection of the binding that our own Route names, and nowhere else: edge
// never dials a client.
func (e *Edge) fromCore(r *signaling.Request, from *traversal.Conn) {
	if !r.Msg.Has("Route") {
		e.toPartner(r, from)
		return
	}
	na, err := sip.ParseNameAddr(first(r.Msg.Values("Route")))
	if err != nil {
		e.refuse(r, 404, "No route to a client of this edge", "route token")
		return
	}
	t, err := e.tokens.open(from.Zone(), na.URI.User)
	if err != nil {
		e.refuse(r, 403, "Route token is not of this edge", "route token")
		return
	}
	again := func() { e.toClient(r, from, t) }
	if !e.holds.behind(flow.BindingID(t.binding), again) {
		again()
	}
}

// toClient takes a request of core to the client of a binding, now or when that
// is back.
func (e *Edge) toClient(r *signaling.Request, from *traversal.Conn, t route) {
	b, ok := e.binding(flow.BindingID(t.binding))
	switch {
	case r.Cancelled():
		return // while it waited
	case ok && b.Conn == nil && e.hold(b, func() { e.toClient(r, from, t) }):
		return
	case !ok || b.Conn == nil:
		e.refuse(r, 430, "Flow Failed", "binding")
		return
	}
	opens := r.Msg.ToTag() == ""
	if signaling.BeginsCall(r.Msg) && (e.noBandwidth(r) || e.turnedAway(r, overload.Calls)) {
		return
	}
	switch {
	case opens:
		t.session = e.sessionOf(r.Msg, &b)
		t.peer = from.Peer()
		t.begunInside = true
	case t.peer == 0 && homeOf(&b).persists: // by Path: the dialog began before its client came here
		t.session = e.tokens.session(b.ID, r.Msg.CallID())
		opens = r.Msg.Method() == "INVITE"
	}
	e.outward(r, b.Conn, b, t, opens)
}

// outward forwards a request of core to a client: inside addresses gone, the
// Via stack kept here.
func (e *Edge) outward(r *signaling.Request, c *flow.Conn, b flow.Binding, t route, opens bool) {
	if opens && !e.desk.Begin(r, t.session, "outward", uint64(b.ID)) {
		return
	}
	f := e.face(c)
	out := r.Msg.Clone()
	out.Remove("Route")
	f.outward(out)
	veil := e.veil(homeOf(&b).zone, host(b.Key.AOR))
	owner, asked, called := b.Key.AOR, veil.remember(r.Msg), strings.Clone(r.Msg.Get("To"))
	veil.request(out, t.begunInside)
	if opens && signaling.FormsDialog(out) {
		recorded := f.parts(e.tokens.seal(purposeBegunInside, homeOf(&b).zone, t.of(out, "To")), ";lr")
		out.Prepend("Record-Route", recorded[:]...)
	}
	kind := signaling.RequestDescription(out, e.media.Pending(media.SessionID(t.session), media.ClientSide))
	if e.needsMedia(t.session, opens, kind) {
		e.media.Use(media.SessionID(t.session), MediaCall{Client: c.Remote(), Label: strings.Clone(out.CallID())})
	}
	undescribed(out, t.session, kind)
	if err := call.Describe(out, t.session, kind, r.Trace, e.media.Outward); err != nil {
		e.desk.Fail(r, t.session, err)
		return
	}
	a := &outwardAnswer{edge: e, owner: owner, called: called, veil: veil, asked: asked, kind: kind, session: t.session, trace: strings.Clone(r.Trace)}
	branch := signaling.Branch{
		Msg:        out,
		Conn:       c,
		Via:        f.hostport(),
		HideVia:    true,
		Gone:       &signaling.StatusError{Status: 430, Reason: "Flow Failed"},
		OnResponse: a.edit,
		Kept:       a,
		OnFinal:    func(status int) { e.final(out, t.session, kind, status) },
	}
	if homeOf(&b).persists {
		e.follows(&branch, b.ID, c)
	}
	r.Forward(branch)
}

package core

import (
	"slices"
	"strings"

	"sallyport/appliance/call"
	"sallyport/appliance/flow"
	"sallyport/appliance/media"
	"sallyport/appliance/overload"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
)

// fromInside decides on a request that an inside system sent to core. It goes
// outward only by a token of ours: a Path or Record-Route value, or a Contact
// that stood in a registration.
func (c *Core) fromInside(r *signaling.Request, from *flow.Conn) {
	if c.ofRecorder(r) {
		return
	}
	if c.admits.Has(c.zoneFrom(from)) && !c.follows(r.Msg) {
		c.admit(r, from)
		return
	}
	c.begin(r, from)
}

// begin serves a request from inside that whoever sent it may send.
func (c *Core) begin(r *signaling.Request, from *flow.Conn) {
	if route := ownRoute(r.Msg); route != "" {
		c.alongToken(r, from, route)
		return
	}
	if r.Msg.Method() == "REGISTER" {
		c.registerLocal(r, from)
		return
	}
	uri, err := sip.ParseURI(r.Msg.URI())
	if err != nil {
		c.refuse(r, 416, "Request-URI cannot be read", "syntax")
		return
	}
	if contact, ok := c.recall(uri.User); ok {
		c.toContact(r, from, contact)
		return
	}
	switch {
	case r.Msg.Method() == "OPTIONS" && uri.User == "":
		r.Reply(200, "OK", sip.Field{Name: "Accept", Value: "application/sdp"})
	case sealed(uri.User):
		c.refuse(r, 404, "No registration here for "+bare(uri), "binding token")
	default:
		c.startTrunk(r, from, uri)
	}
}

// alongToken follows our own first Route: from Path to a phone, or within a
// dialog.
func (c *Core) alongToken(r *signaling.Request, from *flow.Conn, route string) {
	if c.continueTrunk(r, from, route) {
		return
	}
	out := r.Msg.Clone()
	out.PopFirst("Route")
	all := c.plan.Load().domains
	if a, err := c.tokens.openAnchor(purposePath, route, all); err == nil {
		if !c.mayCall(r, c.zoneFrom(from), a.domain) {
			return
		}
		if out.ToTag() == "" && c.left(out.Values("Route")) {
			c.refuse(r, 404, "The phone is registered by Contact now", "CollaborationEdge RFC3327Enabled")
			return
		}
		a.session = c.sessionOf(out, pathUser(out.Values("Route")))
		c.deliver(r, out, from, a)
		return
	}
	a, err := c.tokens.openAnchor(purposeInside, route, all)
	if err != nil {
		c.refuse(r, 403, "Route token is not of this core", "route token")
		return
	}
	c.deliver(r, out, from, a)
}

// toContact gives a request for a Contact token the phone's own URI and the
// Path of its edge.
func (c *Core) toContact(r *signaling.Request, from *flow.Conn, contact contact) {
	if !c.mayCall(r, c.zoneFrom(from), contact.domain) {
		return
	}
	out := r.Msg.Clone()
	out.SetURI(contact.uri)
	out.SetAll("Route", contact.path)
	c.deliver(r, out, from, anchor{contact.peer, c.sessionOf(out, pathUser(contact.path)), contact.domain})
}

// deliver hands a request to the edge that serves the client.
func (c *Core) deliver(r *signaling.Request, out *sip.Message, from *flow.Conn, a anchor) {
	c.noteRecording(out)
	if wait := c.pause(out); wait > 0 {
		r.Hold(wait, func() { c.deliverNow(r, out, from, a) })
		return
	}
	c.deliverNow(r, out, from, a)
}

func (c *Core) deliverNow(r *signaling.Request, out *sip.Message, from *flow.Conn, a anchor) {
	link, err := c.links.Conn("", traversal.PeerID(a.peer), out.URI()) // all to one phone in their order
	if err != nil {
		c.refuse(r, 480, "The edge of this registration is not connected", "traversal link")
		return
	}
	if !c.speaksFor(r, c.plan.Load().Zones.Zone(link.Zone()), a.domain) {
		return
	}
	if signaling.BeginsCall(r.Msg) && (c.noBandwidth(r) || c.turnedAway(r, overload.Calls)) {
		return
	}
	if c.opens(r.Msg, a.session) && !c.desk.Begin(r, a.session, "outward", a.peer) {
		return
	}
	o := c.outlet(link.Zone(), a.domain).causedBy(c.causeInside(r.Msg))
	own, taken, err := o.request(out, a.session)
	if err != nil {
		c.desk.Fail(r, a.session, err)
		return
	}
	id := media.SessionID(a.session)
	kind := signaling.RequestDescription(out, c.media.Pending(id, media.ClientSide))
	c.useMedia(out, a.session, kind, peerKey(a.peer), c.plan.Load().policyOf(c.zoneFrom(from), cameOver(from)))
	if err := call.Describe(out, a.session, kind, r.Trace, c.media.Outward); err != nil {
		c.desk.Fail(r, a.session, err)
		return
	}
	out.Set(headerTrace, r.Trace)
	answer := &clientAnswer{core: c, own: own, taken: taken, anchor: a, inside: from, kind: kind, trace: strings.Clone(r.Trace)}
	b := signaling.Branch{
		Msg:        out,
		Conn:       link,
		Via:        coreHost,
		OnResponse: answer.edit,
		Kept:       answer,
		OnFinal:    func(status int) { c.final(out, a.session, kind, status) },
	}
	r.Forward(c.orWake(b, out, r.Trace, func(s sleeper) {
		if s.Peer != a.peer { // it came back by another edge
			a.peer, answer.anchor.peer = s.Peer, s.Peer
			c.useMedia(out, a.session, kind, peerKey(a.peer), c.plan.Load().policyOf(c.zoneFrom(from), cameOver(from)))
		}
	}))
}

// restoreRoutes gives a client's response the Record-Route values back that
// the request lost on its way out, and core's inside form in their place. Of
// what the client says only the value above ours is taken, which is edge's: the
// inside would go where the others lead, or straight to the client's Contact if
// ours were missing.
func restoreRoutes(resp *sip.Message, own, inside string, taken []string) {
	rows := resp.Values("Record-Route")
	i := slices.IndexFunc(rows, func(v string) bool { return carries(v, own) })
	switch {
	case i >= 0:
		resp.SetAll("Record-Route", slices.Concat(rows[max(i-1, 0):i], []string{inside}, taken))
	case resp.Status() >= 300:
		resp.Remove("Record-Route")
	case own == "":
		resp.SetAll("Record-Route", taken)
	default:
		resp.SetAll("Record-Route", slices.Concat([]string{inside}, taken))
	}
}

// unreachable hides flow failures from registrars: 430 would make them forget
// a binding that the client is about to take up again (RFC 5626 5.3.1).
func (c *Core) unreachable(resp *sip.Message, from *flow.Conn) {
	if resp.Status() == 430 {
		resp.SetStatus(408, "Request Timeout")
		resp.Add("Warning", "383 "+c.sentBy(cameOver(from))+` "next hop not reachable"`)
	}
}

package core

import (
	"crypto/sha256"
	"encoding/binary"

	"sallyport/appliance/media"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
)

// Session persistency (guide): a client and call control that both name this
// option keep calls while the client goes from the office to the outside and
// back. Contact then passes core unchanged, be Path headers off, and a dialog
// that began elsewhere goes on through core: by the Path of the client's
// registration outward, and inward to a node of the user's own deployment. Its
// route set knows nothing of core, so what core must know of it follows from
// Call-ID and registration alone.
const optionPersist = "X-cisco-sessionpersist"

// persistKey files that a phone persists, by edge's Path for it, and nodeKey
// that a registrar does.
func persistKey(path string) string { return digestKey("persist\x00" + path) }

func nodeKey(t target) string { return digestKey("persists\x00" + t.zone + "\x00" + t.host) }

func digestKey(text string) string {
	sum := sha256.Sum256([]byte(text))
	return string(sum[:16])
}

// agrees tells whether a REGISTER goes to its registrar with its own Contact
// for persistency's sake: the client asks for it, and the registrar is known to
// agree.
func (c *Core) agrees(m *sip.Message, t target) bool {
	if !lists(m, "Supported", optionPersist) {
		return false
	}
	_, known := c.contacts.Get(nodeKey(t))
	return known
}

// agreed notes what a registrar's answer to a REGISTER says of persistency.
func (c *Core) agreed(m, resp *sip.Message, t target, asked string) {
	if resp.Status() < 200 || resp.Status() >= 300 || !credited(m) || !lists(m, "Supported", optionPersist) {
		return
	}
	phone := persistKey(pathUser(m.Values("Path")))
	if !lists(resp, "Supported", optionPersist) {
		c.contacts.Delete(phone)
		c.contacts.Delete(nodeKey(t))
		return
	}
	_ = c.contacts.Put(nodeKey(t), []byte{1}, contactTTL) // a full table costs a client its roaming, no call
	for _, d := range grants(resp, asked) {
		_ = c.contacts.Put(phone, []byte{1}, min(d+contactSlack, contactTTL))
	}
}

// persists tells whether a phone is registered with persistency; path is the
// user part of edge's Path for it.
func (c *Core) persists(path string) bool {
	if path == "" {
		return false
	}
	_, known := c.contacts.Get(persistKey(path))
	return known
}

// pathUser is the user part of the first of some Path or Route values.
func pathUser(path []string) string {
	if len(path) == 0 {
		return ""
	}
	na, err := sip.ParseNameAddr(path[0])
	if err != nil {
		return ""
	}
	return na.URI.User
}

// sessionOf is the media session of a request of a phone, or for it: of one
// that persists the same for all of a dialog, whichever way it comes.
func (c *Core) sessionOf(m *sip.Message, path string) uint64 {
	if (m.Method() != "INVITE" && m.ToTag() == "") || !c.persists(path) {
		return c.newSession(m)
	}
	sum := sha256.Sum256([]byte(m.CallID() + "\x00" + path))
	tag := sha256.Sum256([]byte(c.tokens.keys.Seal(purposeSession, "", sum[:])))
	return binary.BigEndian.Uint64(tag[:]) | 1
}

// opens tells whether a request may begin a call here: any INVITE that does, and
// that of a phone that came here in the middle of one.
func (c *Core) opens(m *sip.Message, session uint64) bool {
	return m.ToTag() == "" || m.Method() == "INVITE" && session != 0 && !c.media.Knows(media.SessionID(session))
}

// roamInside takes a request within a dialog that began elsewhere to the node
// that it names, which must be one of the user's deployment.
func (c *Core) roamInside(r *signaling.Request, from *traversal.Conn, uri sip.URI, user Domain) {
	path := r.Msg.Get(headerPersist)
	if !c.persists(path) {
		c.refuse(r, 403, "A request within a dialog needs the route it was given", "route token")
		return
	}
	o := c.outlet(from.Zone(), user.Name).causedBy(bareFrom(r.Msg))
	plan := c.plan.Load()
	real, ok := o.contactIn(uri.String())
	if !ok {
		real = uri
	}
	t := plan.targetOf(real)
	t.uri = real.String()
	if plan.Zones.Peer(t.host) == nil {
		c.refuse(r, 403, "A call that roams goes on with a UC node only", "session persistency")
		return
	}
	ts, rule := plan.confine(user.Deployment, []target{t})
	if len(ts) == 0 {
		c.refuse(r, 403, notYours, rule)
		return
	}
	session := c.sessionOf(r.Msg, path)
	if c.opens(r.Msg, session) && !c.desk.Begin(r, session, "inward", peerOf(from)) {
		return
	}
	out := c.inward(r.Msg)
	out.Remove("Route")
	out.SetURI(t.uri)
	claim(out)
	o.reveal(out)
	c.forward(r, session, ts, func(t target) (signaling.Branch, error) {
		return c.intoInside(r, out, exchange{session: session, outlet: o, target: t, peer: peerKey(peerOf(from))})
	})
}

// final is what a request's end means for its call. One that began elsewhere,
// and could not be taken over here, is none of ours.
func (c *Core) final(m *sip.Message, session uint64, kind signaling.Description, status int) {
	c.desk.Settle(m, session, kind, status)
	if status >= 300 && session != 0 && m.Method() == "INVITE" && !c.media.Knows(media.SessionID(session)) {
		c.calls.End(session)
	}
}

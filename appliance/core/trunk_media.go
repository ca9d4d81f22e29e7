package core

import (
	"strings"

	"sallyport/appliance/call"
	"sallyport/appliance/flow"
	"sallyport/appliance/media"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// betweenTrunks makes the branch of a request from one inside system to another.
// Their media goes between them, and core holds each description against what
// both zones demand. Where the zones' modes differ, media may have to go by core.
func (c *Core) betweenTrunks(r *signaling.Request, out *sip.Message, session uint64, from *flow.Conn, t target) (signaling.Branch, error) {
	c.useTrunk(out, session, from, t)
	id := media.SessionID(session)
	side, here, there := media.ClientSide, c.trunks.Inward, c.trunks.Outward
	if !c.ofCaller(id, out) {
		side, here, there = media.UCSide, there, here
	}
	kind := signaling.RequestDescription(out, c.trunks.Pending(id, side.Other()))
	if !c.trunks.Knows(id) {
		return c.sameMode(r, out, session, from, t, kind)
	}
	if err := call.Describe(out, session, kind, r.Trace, here); err != nil {
		return signaling.Branch{}, err
	}
	trace := strings.Clone(r.Trace)
	return signaling.Branch{
		Msg: out,
		OnResponse: func(resp *sip.Message) {
			if err := call.Describe(resp, session, signaling.ResponseDescription(kind, resp), trace, there); err != nil {
				c.desk.Spoil(resp, err, trace)
			}
		},
		OnFinal: func(status int) { c.desk.Settle(out, session, kind, status) },
	}, nil
}

// useTrunk begins the media of a call between zones of different modes.
func (c *Core) useTrunk(m *sip.Message, session uint64, from *flow.Conn, t target) {
	plan := c.plan.Load()
	p := trunkPolicy{ends: [2]trunkEnd{plan.trunkEnd(c.zoneFrom(from), cameOver(from)), plan.trunkEnd(t.zone, c.toward(t))}, caller: m.FromTag()}
	id := media.SessionID(session)
	if session != 0 && m.ToTag() == "" && (p.ends[0].mode != p.ends[1].mode || c.trunks.Knows(id)) {
		c.trunks.Use(id, m.CallID(), func(c *trunkCall) { c.trunkPolicy = p })
	}
}

// trunkEnd is what a zone bears. What is in none has no mode.
func (p *Plan) trunkEnd(name string, w passage) trunkEnd {
	e := trunkEnd{zone: name, mode: media.Auto, v6: w.v6, tls: w.network == "TLS"}
	if z := p.Zones.Zone(name); z != nil {
		e.mode, _ = media.ParseEncryption(z.MediaEncryption)
		e.noGCM = z.NoGCM
	}
	return e
}

// ofCaller tells whether a request of a call is the caller's.
func (c *Core) ofCaller(id media.SessionID, m *sip.Message) bool {
	caller := true
	c.trunks.Look(id, func(t *trunkCall) { caller = t.caller == m.FromTag() })
	return caller
}

// sameMode makes the branch where both zones have one mode: media needs nothing
// of core, and a description that breaks the mode is refused.
func (c *Core) sameMode(r *signaling.Request, out *sip.Message, session uint64, from *flow.Conn, t target, kind signaling.Description) (signaling.Branch, error) {
	plan := c.plan.Load()
	ends := []trunkEnd{plan.trunkEnd(c.zoneFrom(from), passage{}), plan.trunkEnd(t.zone, passage{})}
	check := func(m *sip.Message, kind signaling.Description) error {
		return signaling.Describe(m, kind, func(body []byte) ([]byte, error) { return body, fits(body, ends) })
	}
	if err := check(out, kind); err != nil {
		return signaling.Branch{}, err
	}
	trace := strings.Clone(r.Trace)
	return signaling.Branch{
		Msg: out,
		OnResponse: func(resp *sip.Message) {
			if err := check(resp, signaling.ResponseDescription(kind, resp)); err != nil {
				c.desk.Spoil(resp, err, trace)
			}
		},
		OnFinal: func(status int) { c.desk.Settle(out, session, signaling.NoDescription, status) },
	}, nil
}

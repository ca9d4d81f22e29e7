package core

import (
	"encoding/binary"

	"sallyport/appliance/call"
	"sallyport/appliance/flow"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// clientAnswer is what it takes to make a client's answers to a request of the
// inside fit for that.
type clientAnswer struct {
	core   *Core
	own    string   // user part of our Record-Route, "" if we put none in
	taken  []string // Record-Route values that the request lost on its way out
	anchor anchor
	inside *flow.Conn // whence the request came
	kind   signaling.Description
	trace  string
}

func (a *clientAnswer) edit(resp *sip.Message) {
	c := a.core
	restoreRoutes(resp, a.own, c.uri(c.tokens.sealAnchor(purposeInside, a.anchor), cameOver(a.inside), ";lr"), a.taken)
	claim(resp)
	c.unreachable(resp, a.inside)
	answer := signaling.ResponseDescription(a.kind, resp)
	if err := call.Describe(resp, a.anchor.session, answer, a.trace, c.media.Inward); err != nil {
		c.desk.Spoil(resp, err, a.trace)
	}
	call.Unvouch(resp)
}

// insideAnswer is what it takes to make the inside's answers to a request from
// the link fit for the outside.
type insideAnswer struct {
	core    *Core
	outlet  outlet
	own     string // user part of our Record-Route, "" if we are not in it
	kind    signaling.Description
	session uint64
	trace   string
}

func (a *insideAnswer) edit(resp *sip.Message) {
	c := a.core
	answer := signaling.ResponseDescription(a.kind, resp)
	if err := a.outlet.response(resp, a.session, a.own); err != nil {
		c.log.Error("sip response", "err", err, "trace", a.trace)
		silence(resp)
		return
	}
	if err := call.Describe(resp, a.session, answer, a.trace, c.media.Outward); err != nil {
		c.desk.Spoil(resp, err, a.trace)
	}
}

// What the first byte says of what was kept of an answer.
const (
	keptClient byte = iota
	keptInside
)

// AppendKept writes down what a late 2xx needs.
func (a *clientAnswer) AppendKept(b []byte) ([]byte, bool) {
	b = binary.BigEndian.AppendUint64(append(b, keptClient, byte(a.kind)), a.anchor.session)
	b = binary.BigEndian.AppendUint64(b, a.anchor.peer)
	b = signaling.AppendText(signaling.AppendText(b, a.anchor.domain), a.own)
	for _, v := range a.taken {
		b = signaling.AppendText(b, v)
	}
	return b, true
}

// AppendKept writes down what a late 2xx needs.
func (a *insideAnswer) AppendKept(b []byte) ([]byte, bool) {
	b = binary.BigEndian.AppendUint64(append(b, keptInside, byte(a.kind)), a.session)
	b = append(b, a.outlet.user[:]...)
	return signaling.AppendText(signaling.AppendText(signaling.AppendText(b, a.outlet.zone), a.outlet.domain), a.own), true
}

// revive makes the edit again of what AppendKept wrote.
func (c *Core) revive(kept []byte, back signaling.Conn, trace string) func(*sip.Message) {
	return c.keptAnswer(kept, back, trace).edit
}

func (c *Core) keptAnswer(kept []byte, back signaling.Conn, trace string) interface{ edit(*sip.Message) } {
	kind, session, rest := signaling.Description(kept[1]), binary.BigEndian.Uint64(kept[2:]), kept[10:]
	if kept[0] == keptInside {
		return c.keptInside(kind, session, rest, trace)
	}
	a := &clientAnswer{core: c, anchor: anchor{session: session, peer: binary.BigEndian.Uint64(rest)}, kind: kind, trace: trace}
	a.inside, _ = back.(*flow.Conn)
	a.anchor.domain, rest = signaling.CutText(rest[8:])
	a.own, rest = signaling.CutText(rest)
	for len(rest) > 0 {
		var v string
		v, rest = signaling.CutText(rest)
		a.taken = append(a.taken, v)
	}
	return a
}

func (c *Core) keptInside(kind signaling.Description, session uint64, rest []byte, trace string) *insideAnswer {
	var user mark
	rest = rest[copy(user[:], rest):]
	zone, rest := signaling.CutText(rest)
	domain, rest := signaling.CutText(rest)
	a := &insideAnswer{core: c, outlet: c.outlet(zone, domain), kind: kind, session: session, trace: trace}
	a.outlet.user = user
	a.own, _ = signaling.CutText(rest)
	return a
}

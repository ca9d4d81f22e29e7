package edge

import (
	"encoding/binary"

	"sallyport/appliance/call"
	"sallyport/appliance/flow"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// inwardAnswer is what it takes to make the inside's answers to a request of a
// client fit for that: its own connection shows by what name it knows us.
type inwardAnswer struct {
	edge    *Edge
	client  *flow.Conn
	veil    *veil
	asked   *sip.Message // what the veil gives back
	kind    signaling.Description
	session uint64
	trace   string
}

func (a *inwardAnswer) edit(resp *sip.Message) {
	e := a.edge
	e.registersAgain(resp, a.client)
	e.face(a.client).outward(resp)
	withoutAuthInt(resp)
	answer := signaling.ResponseDescription(a.kind, resp)
	undescribed(resp, a.session, answer)
	if err := call.Describe(resp, a.session, answer, a.trace, e.media.Outward); err != nil { // by the tags of the request
		e.desk.Spoil(resp, err, a.trace)
	}
	a.veil.answer(resp, a.asked)
}

// outwardAnswer is what it takes to make a client's answers to a request of the
// inside fit for that.
type outwardAnswer struct {
	edge          *Edge
	owner, called string // the client's address of record; the request's To
	veil          *veil
	asked         *sip.Message
	kind          signaling.Description
	session       uint64
	trace         string
}

func (a *outwardAnswer) edit(resp *sip.Message) {
	call.Strip(resp, a.owner, a.called)
	answer := signaling.ResponseDescription(a.kind, resp)
	if err := call.Describe(resp, a.session, answer, a.trace, a.edge.media.Inward); err != nil { // by the tags of the request
		a.edge.desk.Spoil(resp, err, a.trace)
	}
	a.veil.restore(resp, a.asked)
}

// What the first byte says of what was kept of an answer.
const (
	keptInward byte = iota
	keptOutward
)

// AppendKept writes down what a late 2xx needs.
func (a *inwardAnswer) AppendKept(b []byte) ([]byte, bool) {
	return binary.BigEndian.AppendUint64(append(b, keptInward, byte(a.kind)), a.session), a.veil == nil
}

// AppendKept writes down what a late 2xx needs.
func (a *outwardAnswer) AppendKept(b []byte) ([]byte, bool) {
	b = binary.BigEndian.AppendUint64(append(b, keptOutward, byte(a.kind)), a.session)
	return signaling.AppendText(signaling.AppendText(b, a.owner), a.called), a.veil == nil
}

// revive makes the edit again of what AppendKept wrote.
func (e *Edge) revive(kept []byte, back signaling.Conn, trace string) func(*sip.Message) {
	return e.keptAnswer(kept, back, trace).edit
}

func (e *Edge) keptAnswer(kept []byte, back signaling.Conn, trace string) interface{ edit(*sip.Message) } {
	kind, session, rest := signaling.Description(kept[1]), binary.BigEndian.Uint64(kept[2:]), kept[10:]
	if kept[0] == keptInward {
		client, _ := back.(*flow.Conn)
		return &inwardAnswer{edge: e, client: client, kind: kind, session: session, trace: trace}
	}
	a := &outwardAnswer{edge: e, kind: kind, session: session, trace: trace}
	a.owner, rest = signaling.CutText(rest)
	a.called, _ = signaling.CutText(rest)
	return a
}

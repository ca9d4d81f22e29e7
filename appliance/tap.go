package appliance

import (
	"sallyport/appliance/eventlog"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// sipTap gives the tracer what passes through the proxy core.
type sipTap struct{ tracer *eventlog.Tracer }

// Active tells whether anybody is traced.
func (t sipTap) Active() bool { return t.tracer.Active() }

// Message records one message, if it is of a traced user or belongs to a
// request that is.
func (t sipTap) Message(c signaling.Conn, sent bool, trace string, m *sip.Message) {
	e := eventlog.Event{Trace: trace, Plane: "sip", Direction: "in", Peer: c.Zone() + " " + c.Remote().String()}
	if sent {
		e.Direction = "out"
	}
	for _, header := range []string{"From", "To"} {
		if na, err := sip.ParseNameAddr(m.Get(header)); err == nil {
			if user := na.URI.User + "@" + na.URI.Host; t.tracer.Concerns(user) {
				e.User = user
				break
			}
		}
	}
	e.Text = m.Bytes()
	t.tracer.Record(e)
}

// Exchange records the head of one HTTP request or answer likewise.
func (t sipTap) Exchange(trace, user, peer string, sent bool, text []byte) {
	e := eventlog.Event{Trace: trace, User: user, Plane: "http", Direction: "in", Peer: peer, Text: text}
	if sent {
		e.Direction = "out"
	}
	t.tracer.Record(e)
}

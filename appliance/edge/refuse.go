package edge

import (
	"sallyport/appliance/flow"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// refuse answers a request with a reason that a person can act on, logs the
// rule that decided, and counts. ACK is never answered.
func (e *Edge) refuse(r *signaling.Request, status int, reason, rule string, fields ...sip.Field) {
	e.denied.Add(1)
	if e.tells(r) {
		e.log.Info("sip denied", "event", "denied", "method", r.Msg.Method(), "status", status, "why", reason,
			"rule", rule, "from", r.Msg.Get("From"), "peer", r.Conn.Remote().String(), "trace", r.Trace)
	}
	if r.Msg.Method() != "ACK" {
		r.Reply(status, reason, fields...)
	}
}

// tells tells whether a refusal gets a line: of a stranger's, a few do.
func (e *Edge) tells(r *signaling.Request) bool {
	c, client := r.Conn.(*flow.Conn)
	return !client || c.Authenticated() || e.lines.Writes(c.Remote().Addr().String())
}

package edge

import (
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// refuse answers a request with a reason that a person can act on, logs the
// rule that decided, and counts. ACK is never answered.
func (e *Edge) refuse(r *signaling.Request, status int, reason, rule string, fields ...sip.Field) {
	e.denied.Add(1)
	e.log.Info("sip denied", "event", "denied", "method", r.Msg.Method(), "status", status, "why", reason,
		"rule", rule, "from", r.Msg.Get("From"), "peer", r.Conn.Remote().String(), "trace", r.Trace)
	if r.Msg.Method() != "ACK" {
		r.Reply(status, reason, fields...)
	}
}

package core

import (
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// refuse answers a request with a reason that a person can act on, logs the
// rule that decided, and counts. ACK is never answered.
func (c *Core) refuse(r *signaling.Request, status int, reason, rule string, fields ...sip.Field) {
	c.denied.Add(1)
	c.log.Info("sip denied", "event", "denied", "method", r.Msg.Method(), "status", status, "why", reason,
		"rule", rule, "from", r.Msg.Get("From"), "zone", r.Conn.Zone(), "trace", r.Trace)
	if r.Msg.Method() != "ACK" {
		r.Reply(status, reason, fields...)
	}
}

package core

import (
	"sallyport/appliance/call"
	"sallyport/appliance/overload"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// noBandwidth tells whether the limit for media has answered a request that
// would begin a call.
func (c *Core) noBandwidth(r *signaling.Request) bool {
	if !c.watch.Bandwidth.Full() {
		return false
	}
	c.refuse(r, 503, "No bandwidth is left for calls", call.RuleBandwidth, sip.RetryAfter(overload.ComeBack(c.rand())))
	return true
}

// turnedAway tells whether overload has answered a request of a kind. No line is
// written for each: the guard tells once, and counts. Strangers outside are
// edge's to turn away.
func (c *Core) turnedAway(r *signaling.Request, kind overload.Level) bool {
	if !c.load.Sheds(kind) {
		return false
	}
	c.denied.Add(1)
	r.Reply(503, "Too much to do", sip.RetryAfter(overload.ComeBack(c.rand())))
	return true
}

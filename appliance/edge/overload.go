package edge

import (
	"sallyport/appliance/call"
	"sallyport/appliance/overload"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// Overload turns away strangers first, whose requests end in a challenge at
// best, then new calls. Registered phones refresh, and dialogs go on, whatever
// the load.

// noBandwidth tells whether the limit for media has answered a request that
// would begin a call.
func (e *Edge) noBandwidth(r *signaling.Request) bool {
	if !e.watch.Bandwidth.Full() {
		return false
	}
	e.refuse(r, 503, "No bandwidth is left for calls", call.RuleBandwidth, sip.RetryAfter(overload.ComeBack(e.rand())))
	return true
}

// turnedAway tells whether overload has answered a request of a kind. No line is
// written for each: the guard tells once, and counts.
func (e *Edge) turnedAway(r *signaling.Request, kind overload.Level) bool {
	if !e.load.Sheds(kind) {
		return false
	}
	e.denied.Add(1)
	r.Reply(503, "Too much to do", sip.RetryAfter(overload.ComeBack(e.rand())))
	return true
}

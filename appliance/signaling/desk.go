package signaling

import (
	"errors"
	"log/slog"

	"sallyport/appliance/sip"
)

// A Desk sees calls from their first INVITE to their end, for one role: it
// lists them and tells the media plane when something is over. The fields are
// set once, before use.
type Desk struct {
	Calls    *Calls
	Log      *slog.Logger
	End      func(session uint64)                   // the call's media is over
	Rollback func(session uint64, req *sip.Message) // the offer of req was refused

	// Refuse answers a request and logs the rule that decided.
	Refuse func(r *Request, status int, reason, rule string, fields ...sip.Field)
}

// Begin lists the call that an INVITE starts. It answers the request itself
// and reports false when there is no room for another. Session 0 is no call.
func (d *Desk) Begin(r *Request, session uint64, direction string, owner uint64) bool {
	if session == 0 || d.Calls.Begin(session, r.Msg, r.Trace, direction, owner) {
		return true
	}
	d.Refuse(r, 503, "Too many calls", "capacity", sip.RetryAfter(10))
	return false
}

// Settle does what the final answer to a request means for its call.
func (d *Desk) Settle(req *sip.Message, session uint64, kind Description, status int) {
	if session == 0 {
		return
	}
	switch OutcomeOf(req, kind, status) {
	case Established:
		d.Calls.Connected(session)
	case Undone:
		d.Rollback(session, req)
	case Over:
		d.over(session, status)
	}
}

// Fail answers a request that could not be made ready to go on, and forgets
// the call that it was to begin. An error says its own answer by being a
// *StatusError or by a method SIPStatus.
func (d *Desk) Fail(r *Request, session uint64, err error) {
	a := answerTo(err)
	if session != 0 && r.Msg.ToTag() == "" {
		d.over(session, a.Status)
	}
	if a.rule == "internal" {
		d.Log.Error("sip request", "err", err, "method", r.Msg.Method(), "trace", r.Trace)
	}
	d.Refuse(r, a.Status, a.Reason, a.rule, a.Fields...)
}

// ruled is an answer and the rule that gave it.
type ruled struct {
	StatusError
	rule string
}

func answerTo(err error) ruled {
	var own *StatusError
	var says interface{ SIPStatus() (int, string) }
	switch {
	case errors.As(err, &own):
		return ruled{*own, "limits"}
	case errors.As(err, &says):
		status, reason := says.SIPStatus()
		return ruled{StatusError{Status: status, Reason: reason}, "media"}
	}
	return ruled{StatusError{Status: 500, Reason: "Server Internal Error"}, "internal"}
}

// Spoil makes a failure out of a response whose description cannot be
// relayed: the description goes, and a 2xx becomes what it is for the caller.
func (d *Desk) Spoil(resp *sip.Message, err error, trace string) {
	d.Log.Error("media description refused", "event", "denied", "why", err, "status", resp.Status(), "trace", trace)
	resp.SetBody("", nil)
	if resp.Status() >= 200 && resp.Status() < 300 {
		resp.SetStatus(488, "Not Acceptable Here")
	}
}

// Drop ends a call's media and takes it off the list.
func (d *Desk) Drop(session uint64) { d.over(session, 0) }

func (d *Desk) over(session uint64, status int) {
	d.End(session)
	d.Calls.Fail(session, status)
}

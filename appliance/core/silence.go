package core

import (
	"time"

	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// unanswered is a request that went to a phone over a connection that stands,
// and that the phone has not said a word to: a system that suspends its app
// leaves the connection, and takes what comes without telling anybody.
type unanswered struct {
	one        sleeper
	why, trace string
	until      time.Time
}

// orSilent has a phone woken that stays silent to a request. The request stays
// where it is: the phone finds it when it wakes up on the same connection, and
// one that comes by another closes the first, which orWake sees.
func (c *Core) orSilent(b signaling.Branch, one sleeper, why, trace string) (_ signaling.Branch, heard func()) {
	patience := c.plan.Load().PushPatience
	if patience == 0 {
		return b, func() {}
	}
	heard = c.sleepers.listen(&unanswered{one, why, trace, c.cfg.Clock().Add(patience)})
	response, final := b.OnResponse, b.OnFinal
	b.OnResponse = func(resp *sip.Message) {
		heard()
		if response != nil {
			response(resp)
		}
	}
	b.OnFinal = func(status int) {
		heard()
		if final != nil {
			final(status)
		}
	}
	return b, heard
}

// listen notes a request that a phone has to say something to; heard is told
// when it has. Above a bound nobody is listened for.
func (s *sleepers) listen(q *unanswered) (heard func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mute) >= maxHeld {
		return func() {}
	}
	s.mute[q] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.mute, q)
	}
}

// unheard takes requests that phones have been silent to for too long.
func (s *sleepers) unheard(now time.Time, most int) (out []unanswered) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for q := range s.mute {
		if !now.Before(q.until) && len(out) < most {
			out = append(out, *q)
			delete(s.mute, q)
		}
	}
	return out
}

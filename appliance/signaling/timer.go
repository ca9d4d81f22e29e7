package signaling

import "time"

// The timers of RFC 3261 table 4, with RFC 6026's L and M.
const (
	t1 = 500 * time.Millisecond // round trip estimate
	t2 = 4 * time.Second        // longest pause between repeats
	t4 = 5 * time.Second        // how long a message may live in the network

	// hush is how long an INVITE waits for an answer that makes a 100 of ours
	// needless; one has to come within 200 ms (RFC 3261 17.2.1), and the wheel may
	// be a tick late.
	hush = 100 * time.Millisecond

	timeout  = 64 * t1         // B, D, F, H, J, L and M
	timerC   = 3 * time.Minute // RFC 3261 16.6, longer than
	patience = timerC          // for the role to decide about an INVITE
)

// repeater is a message sent again and again on a hop that loses messages.
type repeater struct {
	at   time.Duration // proxy time of the next one; 0: not running
	step time.Duration
}

func (r *repeater) begin(now time.Duration) { r.at, r.step = now+t1, t1 }

func (r *repeater) stop() { r.at = 0 }

// due moves on to the next repeat if one is due. most bounds the pause between
// two; 0 means that it doubles without bound (INVITE, Timer A).
func (r *repeater) due(now, most time.Duration) bool {
	if r.at == 0 || r.at > now {
		return false
	}
	r.step *= 2
	if most > 0 && r.step > most {
		r.step = most
	}
	r.at = now + r.step
	return true
}

// sooner returns the earlier of two times, where 0 means never.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

package signaling

import "time"

// hold is what a request waits for before the role decides.
type hold struct {
	at time.Duration // proxy time
	do func()
}

// Hold lets a request wait for d, then runs do off the readers: a place in the
// timing wheel, and no goroutine while it waits. A request that was answered or
// cancelled meanwhile is not decided any more. An ACK does not wait. How many
// wait is bounded by MaxTransactions.
func (r *Request) Hold(d time.Duration, do func()) {
	t := r.tx
	if t == nil || d <= 0 {
		do()
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = &hold{t.proxy.now() + d, do}
	t.settleLocked()
}

// dueHoldLocked takes the held decision if its time has come, and drops it if
// nobody waits for it any more.
func (t *transaction) dueHoldLocked(now time.Duration) func() {
	h := t.held
	if h == nil || t.state == proceeding && h.at > now {
		return nil
	}
	t.held = nil
	if t.state != proceeding {
		return nil
	}
	return func() {
		if !t.proxy.shielded("held", t.Trace, h.do) {
			t.Reply(500, "Server Internal Error")
		}
	}
}

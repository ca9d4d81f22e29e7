package signaling

import (
	"sync"
	"sync/atomic"
	"time"
)

// A hashed timing wheel: adding, moving and removing a transaction are a few
// pointer writes, and nothing runs while nothing is due. What lies beyond the
// horizon waits in the last slot and is placed again when the wheel gets there.
const (
	wheelTick  = 50 * time.Millisecond
	wheelSlots = 1024 // horizon 51 s: all but Timer C lies within it
	wheelIdle  = time.Hour
)

type wheel struct {
	mu     sync.Mutex
	slots  [wheelSlots]*entry
	hand   int64 // the last tick that was expired
	held   int
	sleeps atomic.Int64 // proxy time until which Run sleeps
	wake   chan struct{}
}

// entry is a transaction's place in the wheel; the wheel's lock guards it.
type entry struct {
	prev, next *entry
	slot       int
	due        time.Duration
	in         bool
	owner      *transaction
}

func (w *wheel) init() { w.wake = make(chan struct{}, 1) }

// set places e so that its owner hears of it at due; 0 takes it out. An entry
// that stands earlier stays there: its owner then finds nothing due and sets it
// again, which few live long enough to do.
func (w *wheel) set(e *entry, due time.Duration) {
	w.mu.Lock()
	if e.in && due != 0 && e.due <= due {
		w.mu.Unlock()
		return
	}
	if e.in {
		w.unlink(e)
	}
	if due != 0 {
		e.due = due
		w.link(e)
	}
	w.mu.Unlock()
	if due != 0 && int64(due) < w.sleeps.Load() {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

func tickOf(due time.Duration) int64 { return int64((due + wheelTick - 1) / wheelTick) }

func (w *wheel) link(e *entry) {
	tick := min(max(tickOf(e.due), w.hand+1), w.hand+wheelSlots-1)
	e.slot = int(tick % wheelSlots)
	e.prev, e.next, e.in = nil, w.slots[e.slot], true
	if e.next != nil {
		e.next.prev = e
	}
	w.slots[e.slot] = e
	w.held++
}

func (w *wheel) unlink(e *entry) {
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		w.slots[e.slot] = e.next
	}
	if e.next != nil {
		e.next.prev = e.prev
	}
	e.prev, e.next, e.in = nil, nil, false
	w.held--
}

// expire moves the hand to now and returns the owners of what is due.
func (w *wheel) expire(now time.Duration) (due []*transaction) {
	w.sleeps.Store(0)
	w.mu.Lock()
	defer w.mu.Unlock()
	last := int64(now / wheelTick)
	if w.held == 0 {
		w.hand = max(w.hand, last)
		return nil
	}
	first := max(w.hand+1, last-wheelSlots+1)
	w.hand = max(w.hand, last)
	for tick := first; tick <= last; tick++ {
		due = w.empty(int(tick%wheelSlots), now, due)
	}
	return due
}

func (w *wheel) empty(slot int, now time.Duration, due []*transaction) []*transaction {
	for e := w.slots[slot]; e != nil; {
		next := e.next
		w.unlink(e)
		if e.due <= now {
			due = append(due, e.owner)
		} else {
			w.link(e)
		}
		e = next
	}
	return due
}

// pause returns how long Run may sleep: to the next slot that holds something.
func (w *wheel) pause(now time.Duration) time.Duration {
	w.mu.Lock()
	until := now + wheelIdle
	if w.held > 0 {
		tick := w.hand + 1
		for w.slots[tick%wheelSlots] == nil {
			tick++
		}
		until = time.Duration(tick) * wheelTick
	}
	w.sleeps.Store(int64(until))
	w.mu.Unlock()
	return max(until-now, 0)
}

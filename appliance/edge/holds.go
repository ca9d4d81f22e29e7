package edge

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/flow"
)

// holds are requests for clients whose connection is gone and who agreed with
// call control to come back (session persistency). Each waits, without a
// goroutine, until its client is there again or its time is up; then it is
// decided on anew, in the order in which the requests came.
type holds struct {
	clock func() time.Time
	wake  chan struct{}
	count atomic.Int64

	mu sync.Mutex // guards of, and count's growth; never held while a request is decided on
	of map[flow.BindingID][]held
}

// held is one request: what decides on it again, once it is due.
type held struct {
	due   time.Time
	again func()
}

// What may wait. A client in trouble is sent little; one whose calls ring all
// day takes no room from others.
const (
	maxHeld     = 1024
	maxHeldEach = 16 // of one binding
)

func newHolds(clock func() time.Time) *holds {
	return &holds{clock: clock, wake: make(chan struct{}, 1), of: map[flow.BindingID][]held{}}
}

// add lets a request wait until due at the latest; false if there is no room.
func (h *holds) add(id flow.BindingID, due time.Time, again func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count.Load() >= maxHeld || len(h.of[id]) >= maxHeldEach {
		return false
	}
	h.of[id] = append(h.of[id], held{due, again})
	h.count.Add(1)
	h.nudge()
	return true
}

// behind lets a request wait behind those that wait for the same binding;
// false if there are none, or too many.
func (h *holds) behind(id flow.BindingID, again func()) bool {
	if h.count.Load() == 0 {
		return false
	}
	h.mu.Lock()
	before := h.of[id]
	h.mu.Unlock()
	return len(before) > 0 && h.add(id, before[len(before)-1].due, again)
}

// release ends the wait for a binding: its client is back, or it never will be.
func (h *holds) release(id flow.BindingID) {
	if h.count.Load() == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.of[id] {
		h.of[id][i].due = time.Time{}
	}
	h.nudge()
}

func (h *holds) nudge() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// run decides on what is due until ctx ends.
func (h *holds) run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(h.serve())
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-h.wake:
		}
	}
}

// serve decides on what is due and returns how long to wait for the next.
func (h *holds) serve() time.Duration {
	for {
		id, again, wait := h.next()
		if again == nil {
			return wait
		}
		again()
		h.drop(id)
	}
}

// next is a request that is due, still in its place so that later ones queue up
// behind it.
func (h *holds) next() (id flow.BindingID, again func(), wait time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.clock()
	wait = time.Hour
	for id, list := range h.of {
		if left := list[0].due.Sub(now); left > 0 {
			wait = min(wait, left)
			continue
		}
		return id, list[0].again, 0
	}
	return 0, nil, wait
}

func (h *holds) drop(id flow.BindingID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count.Add(-1)
	if h.of[id] = h.of[id][1:]; len(h.of[id]) == 0 {
		delete(h.of, id)
	}
}

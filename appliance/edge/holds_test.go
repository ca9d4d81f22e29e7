package edge

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/appliance/flow"
)

// What waits is served in its order, once it is released or its time is up, and
// what comes meanwhile queues up behind it.
func TestHoldsKeepOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHolds(time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go h.run(ctx)
		var mu sync.Mutex
		var served []string
		say := func(s string) func() {
			return func() { mu.Lock(); defer mu.Unlock(); served = append(served, s) }
		}
		wait := func() []string { synctest.Wait(); mu.Lock(); defer mu.Unlock(); return slices.Clone(served) }
		due := time.Now().Add(12 * time.Second)
		h.add(1, due, func() {
			say("a1")()
			h.behind(1, say("a3"))
		})
		h.behind(1, say("a2"))
		h.add(2, due, say("b1"))
		if h.behind(3, say("c1")) {
			t.Error("a binding nobody waits for holds something up")
		}
		if seen := wait(); len(seen) != 0 {
			t.Errorf("served at once: %v", seen)
		}
		h.release(1)
		if seen, want := wait(), []string{"a1", "a2", "a3"}; !slices.Equal(seen, want) {
			t.Errorf("after the release %v, want %v", seen, want)
		}
		time.Sleep(13 * time.Second)
		if seen := wait(); seen[len(seen)-1] != "b1" || h.count.Load() != 0 {
			t.Errorf("at the end of the time %v, %d wait", seen, h.count.Load())
		}
	})
}

// Neither one client's requests nor those of all may pile up.
func TestHoldsAreBounded(t *testing.T) {
	h := newHolds(time.Now)
	due := time.Now().Add(time.Hour)
	took := 0
	for range 2 * maxHeldEach {
		if h.add(1, due, func() {}) {
			took++
		}
	}
	if took != maxHeldEach {
		t.Errorf("%d of one client wait, want %d", took, maxHeldEach)
	}
	for id := range maxHeld {
		h.add(flow.BindingID(id+2), due, func() {})
	}
	if n := h.count.Load(); n != maxHeld {
		t.Errorf("%d wait in all, want %d", n, maxHeld)
	}
}

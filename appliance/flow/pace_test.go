package flow

import (
	"testing"
	"time"
)

// TestPace: a burst passes at once, then messages at the rate; a rate that is
// set anew holds from the next message on.
func TestPace(t *testing.T) {
	now := time.Now()
	var p pace
	for n := range 5 {
		if wait := p.take(now, 10, 5); wait != 0 {
			t.Fatalf("message %d of the burst waits %s", n, wait)
		}
	}
	for n := range 3 {
		if wait := p.take(now, 10, 5); wait != 100*time.Millisecond {
			t.Fatalf("message %d behind the burst waits %s", n, wait)
		}
		now = now.Add(100 * time.Millisecond)
	}
	if wait := p.take(now, 1000, 5); wait > 600*time.Millisecond || wait < 400*time.Millisecond {
		t.Errorf("at another rate it waits %s", wait)
	}
	now = now.Add(time.Hour)
	for range 5 {
		if wait := p.take(now, 10, 5); wait != 0 {
			t.Fatalf("waits %s after an hour", wait)
		}
	}
	if p.take(now, 10, 5) == 0 {
		t.Error("an hour of silence saved up for more than a burst")
	}
}

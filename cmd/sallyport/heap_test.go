package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestPercentFor(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		live, roots uint64
		want        int
	}{
		{8 * mb, 2 * mb, 1200},    // few connections: up to roomy
		{60 * mb, 10 * mb, usual}, // it is there by itself
		{200 * mb, 40 * mb, usual},
		{mb / 2, 0, widest},
		{0, 0, widest},
	} {
		if got := percentFor(c.live, c.roots, 128*mb); got != c.want {
			t.Errorf("percentFor(%d, %d) = %d, want %d", c.live, c.roots, got, c.want)
		}
	}
}

// TestGiveRoom: collections raise the percentage of a small heap, and the end
// puts it back.
func TestGiveRoom(t *testing.T) {
	h := newHeap()
	if !h.untouched() {
		t.Skip("GOGC or GOMEMLIMIT is set")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { giveRoom(ctx); close(done) }()
	for end := time.Now().Add(10 * time.Second); h.read(3) == usual; runtime.GC() {
		if time.Now().After(end) {
			t.Fatal("the percentage stays as it was")
		}
	}
	cancel()
	<-done
	if now := debug.SetGCPercent(usual); now != usual {
		t.Fatalf("%d %% is left behind", now)
	}
}

func TestRoomFor(t *testing.T) {
	const mb = 1 << 20
	for memory, want := range map[uint64]uint64{0: 64 * mb, 512 * mb: 64 * mb, 4096 * mb: 256 * mb, 32 << 30: 512 * mb} {
		if got := roomFor(memory); got != want {
			t.Errorf("roomFor(%d MB) = %d MB, want %d", memory/mb, got/mb, want/mb)
		}
	}
}

// TestRoom: what collections find decides on room, and the end of the load takes
// it back.
func TestRoom(t *testing.T) {
	h := newHeap()
	if !h.untouched() {
		t.Skip("GOGC or GOMEMLIMIT is set")
	}
	defer debug.SetGCPercent(usual)
	p := newPacer(h, 128<<20)
	for n := 0; p.percent == usual; n++ {
		if n > 4*steady {
			t.Fatal("no room is given")
		}
		runtime.GC()
		p.collected()
	}
	p.look() // sees all that was made ever
	p.look()
	if p.percent != usual || h.read(percent) != usual {
		t.Fatalf("at rest the percentage is %d", p.percent)
	}
	p.collected()
	held := make([]byte, 8<<20)
	runtime.GC()
	p.same = steady
	p.collected()
	runtime.KeepAlive(held)
	if p.percent != usual {
		t.Fatal("room is given although more outlives each collection")
	}
}

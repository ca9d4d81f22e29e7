package main

import (
	"context"
	"runtime"
	"testing"
	"time"
)

// TestEachSweep: every collection is told of, not the first alone, and none
// after the end.
func TestEachSweep(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun := make(chan struct{}, 1)
	eachSweep(ctx, begun)
	for n := range 3 {
		runtime.GC()
		select {
		case <-begun:
		case <-time.After(10 * time.Second):
			t.Fatalf("collection %d went unseen", n+1)
		}
	}
}

// TestListenWhileSwept: on one processor it looks at the network after a
// collection, and ends when it is told to; where there are more it does
// nothing.
func TestListenWhileSwept(t *testing.T) {
	for _, processors := range []int{1, 2} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { listenWhileSwept(ctx); close(done) }()
		if processors == 1 {
			runtime.GC()
			lookAtNetwork(ctx, 3)
			select {
			case <-done:
				t.Error("it ended by itself")
			default:
			}
			cancel()
		}
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Errorf("%d processors: it did not end", processors)
		}
		cancel()
	}
}

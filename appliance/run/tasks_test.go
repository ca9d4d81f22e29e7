package run

import (
	"context"
	"testing"
	"time"
)

// Tasks run while Run does, no more than the bound, and Run waits for the last.
func TestTasks(t *testing.T) {
	ts := NewTasks(1, time.Minute)
	if ts.Do(func(context.Context) {}) {
		t.Error("a task runs before Run")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); ts.Run(ctx) }()
	busy, done := make(chan struct{}), make(chan struct{})
	for !ts.Do(func(ctx context.Context) { close(busy); <-ctx.Done(); close(done) }) {
		time.Sleep(time.Millisecond) // until Run has begun
	}
	<-busy
	if ts.Do(func(context.Context) {}) {
		t.Error("a second task beside the one that may run")
	}
	cancel()
	<-ended
	select {
	case <-done:
	default:
		t.Error("Run does not wait")
	}
	if ts.Do(func(context.Context) {}) {
		t.Error("a task runs after Run")
	}
}

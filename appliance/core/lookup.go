package core

import (
	"context"
	"sync"
	"time"
)

// Bounds of what waits for the name service.
const (
	maxLookups = 64
	lookupTime = 10 * time.Second
)

// lookups runs what has to wait for the name service off the readers. It serves
// only while run does.
type lookups struct {
	mu    sync.Mutex // guards ctx and wait's growth
	ctx   context.Context
	wait  sync.WaitGroup
	slots chan struct{}
}

func newLookups() *lookups { return &lookups{slots: make(chan struct{}, maxLookups)} }

// do starts f, unless too many are under way.
func (l *lookups) do(f func(context.Context)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx == nil || l.ctx.Err() != nil {
		return false
	}
	select {
	case l.slots <- struct{}{}:
	default:
		return false
	}
	ctx := l.ctx
	l.wait.Go(func() {
		defer func() { <-l.slots }()
		ctx, stop := context.WithTimeout(ctx, lookupTime)
		defer stop()
		f(ctx)
	})
	return true
}

// run lets look-ups be made until ctx ends, and waits for the last.
func (l *lookups) run(ctx context.Context) error {
	l.mu.Lock()
	l.ctx = ctx
	l.mu.Unlock()
	<-ctx.Done()
	l.mu.Lock()
	l.mu.Unlock() // whoever saw it live has counted by now
	l.wait.Wait()
	return nil
}

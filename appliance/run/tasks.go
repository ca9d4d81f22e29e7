package run

import (
	"context"
	"sync"
	"time"
)

// Tasks runs short work that must not hold up a reader, such as asking the name
// service: at most so many at once, each for so long, and only while Run does.
type Tasks struct {
	limit time.Duration
	slots chan struct{}

	mu   sync.Mutex // guards ctx, and wait's growth
	ctx  context.Context
	wait sync.WaitGroup
}

// NewTasks returns Tasks of which most run at once, each for at most limit.
func NewTasks(most int, limit time.Duration) *Tasks {
	return &Tasks{limit: limit, slots: make(chan struct{}, most)}
}

// Do starts f. It reports false, and does nothing, where too many run already
// or Run does not.
func (t *Tasks) Do(f func(context.Context)) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx == nil || t.ctx.Err() != nil {
		return false
	}
	select {
	case t.slots <- struct{}{}:
	default:
		return false
	}
	ctx := t.ctx
	t.wait.Go(func() {
		defer func() { <-t.slots }()
		ctx, stop := context.WithTimeout(ctx, t.limit)
		defer stop()
		f(ctx)
	})
	return true
}

// Run lets tasks be started until ctx ends, and waits for the last.
func (t *Tasks) Run(ctx context.Context) error {
	t.mu.Lock()
	t.ctx = ctx
	t.mu.Unlock()
	<-ctx.Done()
	t.mu.Lock() // whoever saw ctx alive has counted his task by now
	defer t.mu.Unlock()
	t.wait.Wait()
	return nil
}

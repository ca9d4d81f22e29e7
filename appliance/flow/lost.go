package flow

import (
	"context"
	"slices"
	"time"
)

// ConnClosed tells that a connection is gone. Its confirmed bindings wait for
// their client to come back; the others end.
func (b *Bindings) ConnClosed(c *Conn) {
	b.mu.Lock()
	now := b.cfg.Clock()
	var olds, nows []*Binding
	for _, e := range slices.Clone(b.byConn[c.id]) {
		if !e.Confirmed {
			olds, nows = append(olds, b.dropLocked(e)), append(nows, nil)
			continue
		}
		olds = append(olds, e.renewLocked())
		b.moveLocked(e, nil)
		e.Lost = now
		b.dueLocked(e, earlier(e.Expires, now.Add(b.cfg.Reconnect)))
		nows = append(nows, e.Binding)
	}
	b.mu.Unlock()
	for i := range olds {
		b.changed(olds[i], nows[i])
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Run ends bindings whose time is over, until ctx ends.
func (b *Bindings) Run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(b.expire())
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-b.wake:
		}
	}
}

// expire ends what is due and returns how long to wait for the next.
func (b *Bindings) expire() time.Duration {
	for {
		b.mu.Lock()
		e := b.heap.first()
		if e == nil {
			b.mu.Unlock()
			return time.Hour
		}
		now := b.cfg.Clock()
		if wait := e.due.Sub(now); wait > 0 {
			b.mu.Unlock()
			return wait
		}
		if e.end.After(now) {
			b.heap.move(e, e.end)
			b.mu.Unlock()
			continue
		}
		old := b.dropLocked(e)
		b.mu.Unlock()
		b.changed(old, nil)
	}
}

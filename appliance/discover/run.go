package discover

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Run asks publishers when they are due, and probes nodes, until ctx ends.
func (d *Discoverer) Run(ctx context.Context) error {
	var wait sync.WaitGroup
	wait.Go(func() { d.runProbes(ctx) })
	for ctx.Err() == nil {
		due, next := d.due()
		d.refresh(ctx, due)
		if len(due) > 0 {
			continue
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-d.wake:
		}
		timer.Stop()
	}
	wait.Wait()
	return nil
}

// idle is how long Run sleeps where nobody is to be asked.
const idle = time.Hour

// due lists who is to be asked now, and how long it is until the next.
func (d *Discoverer) due() (now []Source, next time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next = idle
	for _, s := range d.plan.Sources {
		if wait := d.tries[s.key()].due.Sub(d.cfg.Clock()); wait <= 0 {
			now = append(now, s)
		} else {
			next = min(next, wait)
		}
	}
	return now, next
}

// refresh asks some publishers, each on its own, and returns what went wrong
// with each.
func (d *Discoverer) refresh(ctx context.Context, sources []Source) []error {
	errs := make([]error, len(sources))
	each(len(sources), atOnce, func(i int) {
		a, err := d.Ask(ctx, sources[i])
		if errs[i] = err; err == nil {
			d.Keep(a)
		} else if ctx.Err() == nil || !errors.Is(ctx.Err(), context.Canceled) {
			d.fail(sources[i], err)
		}
	})
	return errs
}

// Refresh asks a publisher, or all of them for "", at once. It returns those
// that were asked with what went wrong, nil where nothing did.
func (d *Discoverer) Refresh(ctx context.Context, publisher string) ([]Source, []error) {
	all := d.Sources()
	if publisher != "" {
		all = slices.DeleteFunc(all, func(s Source) bool { return s.Publisher != publisher })
	}
	return all, d.refresh(ctx, all)
}

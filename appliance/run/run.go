// Package run owns the goroutines of a node: named services that start in order
// and stop in reverse, with panics contained and failures started again.
//
// It knows nothing of what the services do. The node fills one Group and runs it.
package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// Backoff between a failure and the next start. A service that ran longer than
// steady starts at the shortest again.
const (
	firstWait = 100 * time.Millisecond
	longest   = 30 * time.Second
	steady    = time.Minute
)

// Group is an ordered set of services. The zero value is not usable.
type Group struct {
	log      *slog.Logger
	services []service
	failed   func(name string, err error)
}

type service struct {
	name string
	run  func(context.Context) error
}

// NewGroup returns an empty group that logs failures to log.
func NewGroup(log *slog.Logger) *Group {
	return &Group{log: log, failed: func(string, error) {}}
}

// Add puts a service at the end of the start order. It must be called before
// Run. f runs until its context ends; if it returns earlier, with or without
// error, or panics, it is started again after a wait.
func (g *Group) Add(name string, f func(context.Context) error) {
	g.services = append(g.services, service{name, f})
}

// OnFailure has f called, in the service's goroutine, each time a service fails.
// It must be called before Run.
func (g *Group) OnFailure(f func(name string, err error)) { g.failed = f }

// Run starts all services in order and blocks until ctx ends and every one has
// returned. They are stopped one after the other, the last started first: each
// has returned before the next is told to stop.
func (g *Group) Run(ctx context.Context) error {
	stops := make([]func(), 0, len(g.services))
	for _, s := range g.services {
		stops = append(stops, g.start(ctx, s))
	}
	<-ctx.Done()
	for i := len(stops) - 1; i >= 0; i-- {
		stops[i]()
	}
	return nil
}

// start runs the service in its own goroutine, under a context that outlives the
// group's until stop is called. stop waits.
func (g *Group) start(ctx context.Context, s service) (stop func()) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.keep(own, s)
	}()
	return func() {
		cancel()
		<-done
	}
}

// keep runs the service until its context ends.
func (g *Group) keep(ctx context.Context, s service) {
	wait := firstWait
	for {
		began := time.Now()
		err := contain(ctx, s.run)
		if ctx.Err() != nil {
			g.ended(s.name, err)
			return
		}
		if time.Since(began) > steady {
			wait = firstWait
		}
		g.report(s.name, err, wait)
		if !sleep(ctx, wait) {
			return
		}
		wait = min(2*wait, longest)
	}
}

// ended notes what went wrong while stopping: nothing will start it again.
func (g *Group) ended(name string, err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	g.log.Warn("service ended with an error", "service", name, "error", err)
}

func (g *Group) report(name string, err error, wait time.Duration) {
	if err == nil {
		err = errors.New("returned before it was told to stop")
	}
	attrs := []any{"service", name, "error", err, "again", wait}
	if p := new(PanicError); errors.As(err, &p) {
		attrs = append(attrs, "stack", string(p.Stack))
	}
	g.log.Error("service failed", attrs...)
	if err := Contain(func() error { g.failed(name, err); return nil }); err != nil {
		g.log.Error("failure handler failed", "service", name, "error", err)
	}
}

// PanicError is a panic that was contained.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Contain calls f and turns a panic into a *PanicError. Services use it around
// the work for one request, so that one bad request ends alone.
func Contain(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{v, debug.Stack()}
		}
	}()
	return f()
}

func contain(ctx context.Context, f func(context.Context) error) error {
	return Contain(func() error { return f(ctx) })
}

// sleep waits, and reports whether the wait was over before ctx.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

package door

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// Listeners keeps the listeners of one service as a set: wanted against open.
// The exported fields are set before use; all methods may be called from any
// goroutine.
type Listeners struct {
	Service string                                     // for errors: "https"
	Bind    func(netip.AddrPort) (net.Listener, error) // nil: Listen
	Told    func(netip.AddrPort, error)                // may be nil; nil error: bound, or not wanted any more

	mu    sync.Mutex
	want  []netip.AddrPort
	open  map[netip.AddrPort]net.Listener
	serve func(net.Listener) error // of Run, while it runs
	wait  sync.WaitGroup
}

// outcome is what became of one attempt to listen.
type outcome struct {
	addr netip.AddrPort
	err  error
}

// Apply opens what is wanted and closes what is not. Called again with the same
// addresses it tries again what failed.
func (l *Listeners) Apply(want []netip.AddrPort) error {
	l.mu.Lock()
	outcomes := l.dropLocked(want)
	l.want = slices.Clone(want)
	outcomes = append(outcomes, l.bindLocked()...)
	l.mu.Unlock()
	return l.tell(outcomes)
}

// dropLocked closes what is not wanted any more. What failed there is of no
// interest either.
func (l *Listeners) dropLocked(want []netip.AddrPort) (outcomes []outcome) {
	for _, addr := range l.want {
		if slices.Contains(want, addr) {
			continue
		}
		outcomes = append(outcomes, outcome{addr, nil})
		if open := l.open[addr]; open != nil {
			delete(l.open, addr)
			open.Close()
		}
	}
	return outcomes
}

// bindLocked opens what is wanted and not open.
func (l *Listeners) bindLocked() (outcomes []outcome) {
	if l.open == nil {
		l.open = map[netip.AddrPort]net.Listener{}
	}
	bind := l.Bind
	if bind == nil {
		bind = Listen
	}
	for _, addr := range l.want {
		if l.open[addr] != nil {
			continue
		}
		open, err := bind(addr)
		outcomes = append(outcomes, outcome{addr, err})
		if err == nil {
			l.open[addr] = open
			l.serveLocked(addr, open)
		}
	}
	return outcomes
}

func (l *Listeners) tell(outcomes []outcome) error {
	var errs []error
	for _, o := range outcomes {
		if l.Told != nil {
			l.Told(o.addr, o.err)
		}
		if o.err != nil {
			errs = append(errs, fmt.Errorf("listen %s %s: %w", l.Service, o.addr, o.err))
		}
	}
	return errors.Join(errs...)
}

func (l *Listeners) serveLocked(addr netip.AddrPort, open net.Listener) {
	serve := l.serve
	if serve == nil {
		return
	}
	l.wait.Go(func() {
		err := serve(open)
		l.mu.Lock()
		failed := l.open[addr] == open
		if failed {
			delete(l.open, addr)
		}
		l.mu.Unlock()
		if failed {
			open.Close()
			l.tell([]outcome{{addr, err}})
		}
	})
}

// Run has what is open, and what Apply opens later, served until ctx ends; it
// may be run again. serve goes on until its listener is closed, or fails; Run
// returns when the last has. What they accepted is the caller's to end.
func (l *Listeners) Run(ctx context.Context, serve func(net.Listener) error) {
	l.mu.Lock()
	l.serve = serve
	for addr, open := range l.open {
		l.serveLocked(addr, open)
	}
	outcomes := l.bindLocked() // what an earlier run closed
	l.mu.Unlock()
	l.tell(outcomes)
	<-ctx.Done()
	l.mu.Lock()
	l.serve = nil
	for addr, open := range l.open {
		delete(l.open, addr)
		open.Close()
	}
	l.mu.Unlock()
	l.wait.Wait()
}

// Bound tells where a wanted address really listens, for a plan that left the
// port to the machine; ok is false while it is not bound.
func (l *Listeners) Bound(want netip.AddrPort) (at netip.AddrPort, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	open := l.open[want]
	if open == nil {
		return netip.AddrPort{}, false
	}
	return AddrPort(open.Addr()), true
}

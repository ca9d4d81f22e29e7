package httpproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
)

// listeners keeps a server's listeners as a set: wanted against open.
type listeners struct {
	bind func(netip.AddrPort) (net.Listener, error)
	told func(netip.AddrPort, error) // may be nil

	mu     sync.Mutex
	want   []netip.AddrPort
	open   map[netip.AddrPort]net.Listener
	server *http.Server // while run runs
	wait   sync.WaitGroup
}

// outcome is what became of one attempt to listen.
type outcome struct {
	addr netip.AddrPort
	err  error
}

// apply opens what is wanted and closes what is not.
func (l *listeners) apply(want []netip.AddrPort) error {
	l.mu.Lock()
	l.want = slices.Clone(want)
	for addr, open := range l.open {
		if !slices.Contains(want, addr) {
			open.Close()
			delete(l.open, addr)
		}
	}
	outcomes := l.bindLocked()
	l.mu.Unlock()
	return l.tell(outcomes)
}

// bindLocked opens what is wanted and not open.
func (l *listeners) bindLocked() (outcomes []outcome) {
	if l.open == nil {
		l.open = map[netip.AddrPort]net.Listener{}
	}
	for _, addr := range l.want {
		if l.open[addr] != nil {
			continue
		}
		open, err := l.bind(addr)
		outcomes = append(outcomes, outcome{addr, err})
		if err == nil {
			l.open[addr] = open
			l.serveLocked(addr, open)
		}
	}
	return outcomes
}

func (l *listeners) tell(outcomes []outcome) error {
	var errs []error
	for _, o := range outcomes {
		if l.told != nil {
			l.told(o.addr, o.err)
		}
		if o.err != nil {
			errs = append(errs, fmt.Errorf("listen https %s: %w", o.addr, o.err))
		}
	}
	return errors.Join(errs...)
}

func (l *listeners) serveLocked(addr netip.AddrPort, open net.Listener) {
	server := l.server
	if server == nil {
		return
	}
	l.wait.Go(func() {
		err := server.Serve(open) // until the listener is closed, or fails
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

// run serves what is open, and what apply opens later, until ctx ends.
// Connections that were accepted are the caller's to close.
func (l *listeners) run(ctx context.Context, server *http.Server) {
	l.mu.Lock()
	l.server = server
	for addr, open := range l.open {
		l.serveLocked(addr, open)
	}
	outcomes := l.bindLocked() // what an earlier run closed
	l.mu.Unlock()
	l.tell(outcomes)
	<-ctx.Done()
	l.mu.Lock()
	l.server = nil
	for addr, open := range l.open {
		delete(l.open, addr)
		open.Close()
	}
	l.mu.Unlock()
	l.wait.Wait()
}

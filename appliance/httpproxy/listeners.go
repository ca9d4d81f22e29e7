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
	told func(netip.AddrPort, error)

	mu     sync.Mutex
	want   []netip.AddrPort
	open   map[netip.AddrPort]net.Listener
	server *http.Server // while run runs
	wait   sync.WaitGroup
}

// apply opens what is wanted and closes what is not.
func (l *listeners) apply(want []netip.AddrPort) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.want = slices.Clone(want)
	for addr, open := range l.open {
		if !slices.Contains(want, addr) {
			open.Close()
			delete(l.open, addr)
		}
	}
	return l.bindLocked()
}

func (l *listeners) bindLocked() error {
	if l.open == nil {
		l.open = map[netip.AddrPort]net.Listener{}
	}
	var errs []error
	for _, addr := range l.want {
		if l.open[addr] != nil {
			continue
		}
		open, err := l.bind(addr)
		if l.told != nil {
			l.told(addr, err)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("listen https %s: %w", addr, err))
			continue
		}
		l.open[addr] = open
		l.serveLocked(open)
	}
	return errors.Join(errs...)
}

func (l *listeners) serveLocked(open net.Listener) {
	if server := l.server; server != nil {
		l.wait.Go(func() { server.Serve(open) }) // ends when either is closed
	}
}

// run serves what is open, and what apply opens later, until ctx ends.
func (l *listeners) run(ctx context.Context, server *http.Server) error {
	l.mu.Lock()
	l.server = server
	for _, open := range l.open {
		l.serveLocked(open)
	}
	l.mu.Unlock()
	<-ctx.Done()
	l.mu.Lock()
	l.server = nil
	for addr, open := range l.open {
		open.Close()
		delete(l.open, addr)
	}
	l.mu.Unlock()
	err := server.Close()
	l.wait.Wait()
	return err
}

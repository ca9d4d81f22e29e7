package sshd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"sallyport/appliance/door"
)

func (s *Server) listen(want []netip.AddrPort) error {
	if len(want) > maxListen {
		return fmt.Errorf("ssh: %d addresses, at most %d", len(want), maxListen)
	}
	var errs []error
	bound := map[netip.AddrPort]bool{}
	for _, addr := range want {
		err := s.bind(addr)
		if lacksFamily(addr, err) {
			continue
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		bound[addr] = true
	}
	if len(want) > 0 && len(bound) == 0 {
		return errors.Join(errs...)
	}
	s.unbind(bound)
	return errors.Join(errs...)
}

// lacksFamily reports whether all addresses were meant of a family that this
// machine has not.
func lacksFamily(addr netip.AddrPort, err error) bool {
	return addr.Addr().IsUnspecified() && errors.Is(err, syscall.EAFNOSUPPORT)
}

func (s *Server) bind(addr netip.AddrPort) error {
	s.mu.Lock()
	_, have := s.listeners[addr]
	closed := s.closed
	s.mu.Unlock()
	if have || closed {
		return nil
	}
	l, err := door.Listen(addr)
	if err != nil {
		return fmt.Errorf("ssh listen %s: %w", addr, err)
	}
	s.mu.Lock()
	s.listeners[addr] = l
	s.mu.Unlock()
	s.log.Info("ssh listening", "address", l.Addr())
	s.fresh <- l
	return nil
}

func (s *Server) unbind(except map[netip.AddrPort]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for addr, l := range s.listeners {
		if !except[addr] {
			l.Close()
			delete(s.listeners, addr)
		}
	}
}

// Addrs returns the addresses listened on, with the port that the system chose
// where the plan said 0.
func (s *Server) Addrs() []net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []net.Addr
	for _, l := range s.listeners {
		list = append(list, l.Addr())
	}
	return list
}

func (s *Server) shut() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.unbind(nil)
}

func (s *Server) accept(ctx context.Context, l net.Listener) {
	trouble := func(err error) { s.log.Warn("ssh accept", "error", err) }
	_ = door.Accept(ctx, l, trouble, func(nc net.Conn) {
		if c := s.admit(nc); c != nil {
			s.work.Go(func() { s.serve(c) })
		}
	}) // until the listener is closed
}

// admit lets a connection wait for its login. It runs in the accept loop, so
// that who came later is younger.
func (s *Server) admit(nc net.Conn) *conn {
	c := newConn(nc)
	leaves, ok := s.gate.admit(c)
	if leaves != nil {
		leaves.Close()
	}
	if !ok {
		s.turnAway(nc)
		return nil
	}
	return c
}

func (s *Server) serve(c *conn) {
	defer c.Close()
	defer s.contain("connection")
	defer s.gate.leave(c)
	defer c.finish()
	s.lib.HandleConn(c)
	if c.id.Load() == nil && c.wrongKeys.Load() {
		s.failed(c, "", "keys")
	}
}

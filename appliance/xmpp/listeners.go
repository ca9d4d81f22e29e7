package xmpp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"
)

// listeners keeps listeners as a set: wanted against open.
type listeners struct {
	serve func(context.Context, net.Conn) // owns the connection
	told  func(netip.AddrPort, error)     // may be nil; nil err: bound, or not wanted any more

	mu   sync.Mutex
	want []netip.AddrPort
	open map[netip.AddrPort]net.Listener
	ctx  context.Context // of run, while it runs
	wait sync.WaitGroup
}

type outcome struct {
	addr netip.AddrPort
	err  error
}

// apply opens what is wanted and closes what is not.
func (l *listeners) apply(want []netip.AddrPort) error {
	l.mu.Lock()
	var outcomes []outcome
	for _, addr := range l.want {
		if !slices.Contains(want, addr) {
			outcomes = append(outcomes, outcome{addr, nil}) // what failed there is of no interest any more
		}
	}
	l.want = slices.Clone(want)
	for addr, open := range l.open {
		if !slices.Contains(want, addr) {
			open.Close()
			delete(l.open, addr)
		}
	}
	outcomes = append(outcomes, l.bindLocked()...)
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
		open, err := listen(addr)
		outcomes = append(outcomes, outcome{addr, err})
		if err == nil {
			l.open[addr] = open
			l.acceptLocked(addr, open)
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
			errs = append(errs, fmt.Errorf("listen xmpp %s: %w", o.addr, o.err))
		}
	}
	return errors.Join(errs...)
}

func (l *listeners) acceptLocked(addr netip.AddrPort, open net.Listener) {
	ctx := l.ctx
	if ctx == nil {
		return
	}
	l.wait.Go(func() {
		err := l.accept(ctx, open)
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

// accept serves until the listener is closed. A machine that has run out of
// something gets time to recover.
func (l *listeners) accept(ctx context.Context, open net.Listener) error {
	for pause := time.Duration(0); ; {
		c, err := open.Accept()
		switch {
		case err == nil:
			pause = 0
			l.wait.Go(func() { l.serve(ctx, c) })
		case errors.Is(err, net.ErrClosed):
			return err
		default:
			pause = min(2*pause+5*time.Millisecond, time.Second)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(pause):
			}
		}
	}
}

// run serves what is open, and what apply opens later, until ctx ends, and
// waits for all that was accepted.
func (l *listeners) run(ctx context.Context) {
	l.mu.Lock()
	l.ctx = ctx
	for addr, open := range l.open {
		l.acceptLocked(addr, open)
	}
	outcomes := l.bindLocked() // what an earlier run closed
	l.mu.Unlock()
	l.tell(outcomes)
	<-ctx.Done()
	l.mu.Lock()
	l.ctx = nil
	for addr, open := range l.open {
		delete(l.open, addr)
		open.Close()
	}
	l.mu.Unlock()
	l.wait.Wait()
}

// userTimeout is TCP_USER_TIMEOUT of Linux, in milliseconds: how long sent
// bytes may stay without an acknowledgement. Without it a space sent to a dead
// client would be repeated for a quarter of an hour.
const userTimeout = 18

func listen(addr netip.AddrPort) (net.Listener, error) {
	conf := net.ListenConfig{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 15 * time.Second, Count: 4},
		Control: func(_, _ string, c syscall.RawConn) error {
			var inner error
			err := c.Control(func(fd uintptr) {
				inner = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, userTimeout, int((2 * time.Minute).Milliseconds()))
			})
			return errors.Join(err, inner)
		},
	}
	return conf.Listen(context.Background(), "tcp", addr.String())
}

// mark gives a connection's packets a DSCP; a connection that cannot have one
// works without.
func mark(c net.Conn, dscp int) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_TOS, dscp<<2)
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, syscall.IPV6_TCLASS, dscp<<2)
	})
}

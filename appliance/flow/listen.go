package flow

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"sallyport/appliance/door"
)

// listener is one wanted address and, if it could be bound, its socket. The
// lock of its Flows guards what changes.
type listener struct {
	Listener
	flows *Flows

	tcp     *net.TCPListener
	udp     *udpSocket
	serving bool
	closed  bool
	err     error
	told    bool
	retry   time.Time
	pause   time.Duration
}

const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// ListenerStatus tells how a listener fares.
type ListenerStatus struct {
	Listener
	Bound netip.AddrPort // zero while it is not bound
	Err   error
}

// Listeners returns how every wanted listener fares.
func (f *Flows) Listeners() []ListenerStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []ListenerStatus
	for _, l := range f.listeners {
		all = append(all, ListenerStatus{Listener: l.Listener, Bound: l.boundLocked(), Err: l.err})
	}
	slices.SortFunc(all, func(a, b ListenerStatus) int {
		if a.Network != b.Network {
			return int(a.Network[1]) - int(b.Network[1])
		}
		return a.Addr.Compare(b.Addr)
	})
	return all
}

func (l *listener) boundLocked() netip.AddrPort {
	switch {
	case l.tcp != nil:
		return door.AddrPort(l.tcp.Addr())
	case l.udp != nil:
		return door.AddrPort(l.udp.pc.LocalAddr())
	}
	return netip.AddrPort{}
}

// bind binds every listener that is not bound yet.
func (f *Flows) bind() error {
	var errs []error
	for _, l := range f.unbound(time.Now().Add(lastRetry)) {
		if err := l.open(f.ctx); err != nil {
			errs = append(errs, err)
		}
	}
	select {
	case f.wake <- struct{}{}:
	default:
	}
	return errors.Join(errs...)
}

// unbound returns the listeners without a socket that may be tried by then.
func (f *Flows) unbound(by time.Time) (all []*listener) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.listeners {
		if l.tcp == nil && l.udp == nil && !l.retry.After(by) {
			all = append(all, l)
		}
	}
	return all
}

// open binds the listener and tells the alarm when the outcome is news.
func (l *listener) open(ctx context.Context) error {
	tcp, udp, err := l.socket(ctx)
	if err != nil {
		err = fmt.Errorf("listen %s %s: %w", l.Network, l.Addr, err)
	}
	f := l.flows
	f.mu.Lock()
	if l.closed || f.state == ended {
		f.mu.Unlock()
		closeSockets(tcp, udp)
		return ErrEnded
	}
	news := !l.told || (err == nil) != (l.err == nil)
	l.tcp, l.udp, l.err, l.told = tcp, udp, err, true
	if err != nil {
		l.pause = min(max(2*l.pause, firstRetry), lastRetry)
		l.retry = time.Now().Add(l.pause)
	} else if f.state == running {
		l.serveLocked()
	}
	f.mu.Unlock()
	if news && f.cfg.OnListen != nil {
		f.cfg.OnListen(l.Listener, err)
	}
	return err
}

func (l *listener) socket(ctx context.Context) (*net.TCPListener, *udpSocket, error) {
	family := door.Family(l.Addr.Addr())
	conf := net.ListenConfig{KeepAliveConfig: door.Probes()}
	if l.Network == "UDP" {
		pc, err := conf.ListenPacket(ctx, "udp"+family, l.Addr.String())
		if err != nil {
			return nil, nil, err
		}
		return nil, newUDPSocket(l, pc.(*net.UDPConn)), nil
	}
	ln, err := conf.Listen(ctx, "tcp"+family, l.Addr.String())
	if err != nil {
		return nil, nil, err
	}
	return ln.(*net.TCPListener), nil, nil
}

// serveLocked starts the goroutine of a bound listener once.
func (l *listener) serveLocked() {
	if l.serving || l.closed {
		return
	}
	switch {
	case l.tcp != nil:
		l.serving = true
		l.flows.wait.Go(l.accept)
	case l.udp != nil:
		l.serving = true
		l.flows.wait.Go(l.udp.read)
	}
}

func (l *listener) close() {
	f := l.flows
	f.mu.Lock()
	l.closed = true
	tcp, udp := l.tcp, l.udp
	f.mu.Unlock()
	closeSockets(tcp, udp)
}

func closeSockets(tcp *net.TCPListener, udp *udpSocket) {
	if tcp != nil {
		_ = tcp.Close()
	}
	if udp != nil {
		_ = udp.pc.Close()
	}
}

// untilRetry is how long until a failed listener is tried again.
func (f *Flows) untilRetry() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	until := time.Hour
	for _, l := range f.listeners {
		if l.err != nil {
			until = min(until, max(time.Until(l.retry), time.Millisecond))
		}
	}
	return until
}

// rebind tries the failed listeners whose time has come.
func (f *Flows) rebind() {
	f.apply.Lock()
	defer f.apply.Unlock()
	for _, l := range f.unbound(time.Now()) {
		_ = l.open(f.ctx) // kept in l.err and told
	}
}

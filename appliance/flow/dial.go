package flow

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"

	"sallyport/appliance/door"
)

// Target is where Dial connects to.
type Target struct {
	Network    string // "TLS", "TCP" or "UDP"
	Addr       netip.AddrPort
	ServerName string      // the name that the certificate was verified for
	TLS        *tls.Config // verifies ServerName; required for TLS
	Zone       string
	Local      netip.Addr // the address to dial from; zero: as the system likes
}

// ErrNoDial is returned by Dial on a node that never dials.
var ErrNoDial = errors.New("flow: this node opens no connections")

// poolKey tells connections apart that must not stand in for each other: one
// that was verified for one name does not serve another.
type poolKey struct {
	network string
	addr    netip.AddrPort
	name    string
}

func (t Target) key() poolKey { return poolKey{t.Network, t.Addr, t.ServerName} }

// pool holds the dialled connections and the dials under way; the lock of its
// Flows guards it.
type pool struct {
	conns map[poolKey]*Conn
	dials map[poolKey]*dialling
}

type dialling struct {
	done chan struct{}
	conn *Conn
	err  error
}

func (p *pool) init() {
	p.conns = map[poolKey]*Conn{}
	p.dials = map[poolKey]*dialling{}
}

func (p *pool) removeLocked(c *Conn) {
	if c.dialled && p.conns[c.key] == c {
		delete(p.conns, c.key)
	}
}

// Lookup returns an open connection to the target without dialling, or nil. A
// UDP target needs no dialling.
func (f *Flows) Lookup(t Target) *Conn {
	if t.Network == "UDP" {
		c, _ := f.dialUDP(t)
		return c
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.pool.conns[t.key()]; c != nil && !c.closed.Load() {
		return c
	}
	return nil
}

// Dial returns a connection to the target, an open one if there is. Several
// callers share one dial; ctx only ends the wait.
func (f *Flows) Dial(ctx context.Context, t Target) (*Conn, error) {
	if !f.cfg.AllowDial {
		return nil, ErrNoDial
	}
	if t.Network == "UDP" {
		return f.dialUDP(t)
	}
	if c := f.Lookup(t); c != nil {
		return c, nil
	}
	d, err := f.dialling(t)
	if err != nil {
		return nil, err
	}
	select {
	case <-d.done:
		return d.conn, d.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// dialling joins the dial to the target that is under way, or starts it.
func (f *Flows) dialling(t Target) (*dialling, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == ended {
		return nil, ErrEnded
	}
	if d := f.pool.dials[t.key()]; d != nil {
		return d, nil
	}
	d := &dialling{done: make(chan struct{})}
	f.pool.dials[t.key()] = d
	f.wait.Go(func() {
		d.conn, d.err = f.dial(t)
		f.mu.Lock()
		delete(f.pool.dials, t.key())
		f.mu.Unlock()
		close(d.done)
	})
	return d, nil
}

func (f *Flows) dial(t Target) (*Conn, error) {
	lim := f.limits.Load()
	ctx, cancel := context.WithTimeout(f.ctx, lim.Connect)
	defer cancel()
	nc, err := f.connect(ctx, t, lim)
	if err != nil {
		return nil, fmt.Errorf("connect %s %s: %w", t.Network, t.Addr, err)
	}
	c := f.newConn(Listener{Network: t.Network, Zone: t.Zone}, nc)
	c.zone, c.dialled, c.key = t.Zone, true, t.key()
	if t.Network == "TLS" && !c.secure(tls.Client(c.stream, t.TLS), lim.Handshake) {
		err := c.Why()
		c.Close()
		return nil, fmt.Errorf("connect %s %s as %s: %w", t.Network, t.Addr, t.ServerName, err)
	}
	return c, f.pooled(c)
}

// pooled takes a new connection into the pool and starts its reader.
func (f *Flows) pooled(c *Conn) error {
	f.mu.Lock()
	if f.state == ended {
		f.mu.Unlock()
		c.Close()
		return ErrEnded
	}
	f.conns[c.id] = c
	f.pool.conns[c.key] = c
	c.startLocked()
	f.mu.Unlock()
	f.count.dialled.Add(1)
	return nil
}

const portTries = 32

// connect makes the TCP connection, from a port of the outbound range if one
// is set: firewalls inside are told which ports to expect.
func (f *Flows) connect(ctx context.Context, t Target, lim *Limits) (*net.TCPConn, error) {
	d := net.Dialer{KeepAliveConfig: door.Probes()}
	low, high := int(lim.OutboundLow), int(lim.OutboundHigh)
	if low == 0 || high < low {
		if t.Local.IsValid() {
			d.LocalAddr = &net.TCPAddr{IP: t.Local.AsSlice()}
		}
		return tcp(d.DialContext(ctx, "tcp", t.Addr.String()))
	}
	d.Control = reuse
	span := high - low + 1
	first := rand.IntN(span)
	for try := 0; ; try++ {
		d.LocalAddr = &net.TCPAddr{IP: t.Local.AsSlice(), Port: low + (first+try)%span}
		nc, err := tcp(d.DialContext(ctx, "tcp", t.Addr.String()))
		if err == nil || try+1 >= min(portTries, span) || !portTaken(err) {
			return nc, err
		}
	}
}

func tcp(nc net.Conn, err error) (*net.TCPConn, error) {
	if err != nil {
		return nil, err
	}
	return nc.(*net.TCPConn), nil
}

// reuse lets a local port be used again while an old connection rests.
func reuse(_, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	}); e != nil {
		return e
	}
	return err
}

func portTaken(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EADDRNOTAVAIL)
}

// dialUDP gives the connection for a remote address on our UDP listener of its
// family, that of its zone if there is one.
func (f *Flows) dialUDP(t Target) (*Conn, error) {
	f.mu.Lock()
	var best *udpSocket
	for _, l := range f.listeners {
		if l.udp == nil || l.Addr.Addr().Unmap().Is4() != t.Addr.Addr().Unmap().Is4() {
			continue
		}
		if t.Local.IsValid() && l.Addr.Addr() != t.Local {
			continue
		}
		if best == nil || l.Zone == t.Zone {
			best = l.udp
		}
	}
	f.mu.Unlock()
	if best == nil {
		return nil, fmt.Errorf("connect UDP %s: no UDP listener of that family", t.Addr)
	}
	return best.conn(netip.AddrPortFrom(t.Addr.Addr().Unmap(), t.Addr.Port())), nil
}

package traversal

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/door"
	"sallyport/appliance/sip"
)

// dialer keeps core's link to one edge: the SIP connections and, as long as
// one of these is up, the two SSH connections.
type dialer struct {
	l      *Links
	target Client
	link   *link
	stop   context.CancelFunc
	retry  atomic.Int64 // longest pause, may change at any time

	mu   sync.Mutex
	kick chan struct{} // closed and replaced when trying again now makes sense
}

func (d *dialer) run(ctx context.Context) {
	var wg sync.WaitGroup
	for slot := range sipConns {
		wg.Go(func() { d.keep(ctx, func(ctx context.Context) error { return d.sip(ctx, slot) }) })
	}
	for _, kind := range []string{streamChannel, controlChannel} {
		wg.Go(func() { d.keepTunnel(ctx, kind) })
	}
	wg.Wait()
}

// keep calls try again and again, each time after a pause that grows while it
// fails. try returns when its connection has ended.
func (d *dialer) keep(ctx context.Context, try func(context.Context) error) {
	pause := backoff{rand: d.l.random}
	for {
		pause.max = time.Duration(d.retry.Load())
		start := time.Now()
		err := try(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil || time.Since(start) >= settled {
			pause.reset()
		}
		timer := time.NewTimer(pause.next())
		select {
		case <-timer.C:
		case <-d.kicked():
			pause.reset()
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// kicked is closed when another connection of the link has come up, which
// makes waiting pointless.
func (d *dialer) kicked() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.kick
}

func (d *dialer) rouse() {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.kick)
	d.kick = make(chan struct{})
}

// sip brings one SIP connection up and serves it to its end. An error means
// that it did not come up, or not for long.
func (d *dialer) sip(ctx context.Context, slot int) error {
	c, g, err := d.connect(ctx, slot)
	if err != nil {
		why := explain(err)
		if ctx.Err() == nil && d.link.failed(why) {
			d.l.cfg.Log.Warn("traversal link not up", "zone", d.target.Zone, "address", d.target.Address, "port", d.target.Port, "why", why)
			d.l.changed()
		}
		return err
	}
	if !d.link.attach(c, g) {
		c.raw.NetConn().Close()
		return ErrDown
	}
	d.rouse()
	return errors.New(c.serve(ctx, d.l.cfg.Ping))
}

func (d *dialer) connect(ctx context.Context, slot int) (*Conn, *greeting, error) {
	raw, err := d.dial(ctx, d.target.Port)
	if err != nil {
		return nil, nil, err
	}
	raw.SetDeadline(time.Now().Add(handshakeTime))
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	c, g, err := d.enter(ctx, raw, slot)
	if err == nil && !stop() {
		err = ctx.Err()
	}
	if err != nil {
		stop()
		raw.Close()
		return nil, nil, err
	}
	raw.SetDeadline(time.Time{})
	return c, g, nil
}

// dial connects to the edge. While another connection is up its address is
// used, so that a name with several addresses does not tear a link apart.
func (d *dialer) dial(ctx context.Context, port int) (net.Conn, error) {
	host := d.target.Address
	if up := d.link.entry(); up != nil {
		host = up.peer.Remote.Addr().String()
	}
	nd := net.Dialer{Timeout: handshakeTime, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}}
	return nd.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
}

// enter does the handshake and the greetings.
func (d *dialer) enter(ctx context.Context, raw net.Conn, slot int) (*Conn, *greeting, error) {
	tc := tls.Client(quickly(raw), d.l.cfg.ClientTLS(d.target.Address))
	if err := tc.HandshakeContext(ctx); err != nil {
		return nil, nil, err
	}
	cs := tc.ConnectionState()
	f := newFramer(tc, maxGreeting)
	began := time.Now()
	sentAt := d.l.cfg.Clock()
	m, err := d.greet(&cs, tc, f, slot)
	if err != nil {
		return nil, nil, err
	}
	g, err := unseal(&cs, "edge", m)
	if err != nil {
		return nil, nil, err
	}
	if err := d.sameNode(g); err != nil {
		return nil, nil, err
	}
	took := time.Since(began)
	d.link.noteSkew(sentAt.Add(took/2).Sub(g.Time), took)
	f.max = d.l.maxMessage()
	p := Peer{ID: g.id(), Zone: d.target.Zone, Node: g.Node, Local: door.AddrPort(tc.LocalAddr()), Remote: door.AddrPort(tc.RemoteAddr())}
	return newConn(d.link, slot, p, g.Instance, tc, f), g, nil
}

// greet sends core's greeting and returns edge's answer, a 200.
func (d *dialer) greet(cs *tls.ConnectionState, tc *tls.Conn, f *framer, slot int) (*sip.Message, error) {
	path := net.JoinHostPort(d.target.Address, strconv.Itoa(d.target.Port))
	body, signature, err := d.l.seal(cs, "core", d.l.greet(slot, path))
	if err != nil {
		return nil, err
	}
	to, from := door.AddrPort(tc.RemoteAddr()), door.AddrPort(tc.LocalAddr())
	req := d.l.request(hostPort(to), hostPort(from), body, signature)
	if _, err := tc.Write(req.Bytes()); err != nil {
		return nil, err
	}
	m, err := readGreeting(f)
	if err != nil {
		return nil, err
	}
	if m.Request() || m.CallID() != req.CallID() {
		return nil, errGreeting
	}
	if m.Status() != 200 {
		return nil, fmt.Errorf("the edge refused this core: %s", m.Reason())
	}
	return m, nil
}

func (d *dialer) sameNode(g *greeting) error {
	if up := d.link.entry(); up != nil && up.peer.ID != g.id() {
		return fmt.Errorf("%s leads to more than one edge: give each its own peer address", d.target.Address)
	}
	return nil
}

func hostPort(a netip.AddrPort) string { return a.String() }

// wait sleeps for d; false means that ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

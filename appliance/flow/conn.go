package flow

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/door"
)

// Conn is one connection, or one remote address of a UDP socket. All its
// methods may be called from any goroutine.
type Conn struct {
	flows    *Flows
	listener Listener
	id       uint64
	network  string
	zone     string
	local    netip.AddrPort
	remote   netip.AddrPort
	since    time.Time
	dialled  bool
	unnamed  bool    // see Unnamed; set before there is a reader
	key      poolKey // of a dialled one

	udp    *udpSocket // of a UDP remote, else nil
	stream *stream    // the TCP connection, writes never block
	net    net.Conn   // what is read and written: stream, or TLS over it
	batch  batch

	authenticated atomic.Bool
	counted       atomic.Bool // among its source's connections
	closed        atomic.Bool
	owner         atomic.Pointer[any]
	why           atomic.Pointer[closeReason]
	seen          atomic.Int64 // unix nanoseconds of the last bytes
	over          chan struct{}
	pace          pace // the reader's own

	mu   sync.Mutex // guards net until the handshake is done
	idle [64]byte   // the reader's, while nothing comes
}

type closeReason struct{ err error }

// ErrClosed is returned by Send once the connection is closed.
var ErrClosed = errors.New("flow: connection closed")

func (f *Flows) newConn(l Listener, nc *net.TCPConn) *Conn {
	c := &Conn{flows: f, listener: l, id: f.ids.Add(1), network: l.Network, zone: l.Zone,
		local: door.AddrPort(nc.LocalAddr()), remote: door.AddrPort(nc.RemoteAddr()),
		since: f.cfg.Clock(), over: make(chan struct{})}
	if f.cfg.ZoneOf != nil {
		c.zone = f.cfg.ZoneOf(l, c.remote)
	}
	c.stream = newStream(f, nc, l.Open)
	c.net = c.stream
	c.batch.on = !l.Open // the busy ones
	c.authenticated.Store(!l.Open)
	c.seen.Store(c.since.UnixNano())
	return c
}

func (c *Conn) setNet(nc net.Conn) {
	c.mu.Lock()
	c.net = nc
	c.mu.Unlock()
}

// ID is different for every connection of this process.
func (c *Conn) ID() uint64 { return c.id }

// Network is "UDP", "TCP" or "TLS".
func (c *Conn) Network() string { return c.network }

// Reliable tells whether the transport delivers or breaks.
func (c *Conn) Reliable() bool { return c.udp == nil }

// Local is our own address.
func (c *Conn) Local() netip.AddrPort { return c.local }

// Remote is the far end's address.
func (c *Conn) Remote() netip.AddrPort { return c.remote }

// Zone is the zone of the far end.
func (c *Conn) Zone() string { return c.zone }

// Listener is what the connection came to; of a dialled one, only its Zone.
func (c *Conn) Listener() Listener { return c.listener }

// Since is when the connection was made.
func (c *Conn) Since() time.Time { return c.since }

// Unnamed tells whether the far end of a TLS connection that we accepted asked
// for no name: it came by an address.
func (c *Conn) Unnamed() bool { return c.unnamed }

// Seen is when bytes last came.
func (c *Conn) Seen() time.Time { return time.Unix(0, c.seen.Load()) }

// Closed tells whether the connection has ended.
func (c *Conn) Closed() bool { return c.closed.Load() }

// Why says why a closed connection was closed; nil if the far end did it in
// good order.
func (c *Conn) Why() error {
	if w := c.why.Load(); w != nil {
		return w.err
	}
	return nil
}

// TLS is what the handshake agreed on; false where there is no TLS.
func (c *Conn) TLS() (tls.ConnectionState, bool) {
	c.mu.Lock()
	t, ok := c.net.(*tls.Conn)
	c.mu.Unlock()
	if !ok {
		return tls.ConnectionState{}, false
	}
	return t.ConnectionState(), true
}

// Owner is what the role keeps with the connection; nil at first.
func (c *Conn) Owner() any {
	if v := c.owner.Load(); v != nil {
		return *v
	}
	return nil
}

// SetOwner keeps v with the connection.
func (c *Conn) SetOwner(v any) { c.owner.Store(&v) }

// Authenticated tells whether the far end is known: it came to an inside
// listener, was dialled, or the role says so.
func (c *Conn) Authenticated() bool { return c.authenticated.Load() }

// SetAuthenticated tells that the far end has proven who it is: from then on it
// is bounded by itself, not with its source. Or that it is a stranger again.
func (c *Conn) SetAuthenticated(yes bool) {
	if c.authenticated.Swap(yes) == yes || c.udp != nil {
		return
	}
	if yes {
		c.leaveSource()
		_ = c.stream.SetReadDeadline(time.Now().Add(c.flows.limits.Load().IdleKept))
		return
	}
	c.rejoinSource()
	_ = c.stream.SetReadDeadline(time.Now()) // the reader looks again how long it may wait
}

// rejoinSource counts a connection with its source again, be there room or not:
// it is there already.
func (c *Conn) rejoinSource() {
	if !c.listener.Open || c.counted.Swap(true) {
		return
	}
	c.flows.sources.join(c.remote.Addr())
	if c.closed.Load() {
		c.leaveSource()
	}
}

func (c *Conn) leaveSource() {
	if c.counted.Swap(false) {
		c.flows.sources.leave(c.remote.Addr())
	}
}

// Send sends one message. It does not wait for the far end: what the socket
// does not take at once waits in memory for a few seconds, and if it is too
// much or takes too long, the connection is closed. It does not keep b.
func (c *Conn) Send(b []byte) error {
	if c.closed.Load() {
		return ErrClosed
	}
	if tap := c.flows.cfg.Tap; tap != nil {
		tap(c, true, b)
	}
	if c.udp != nil {
		_, err := c.udp.pc.WriteToUDPAddrPort(b, c.remote)
		return err
	}
	var err error
	if c.batch.on {
		err = c.batch.send(c.net, b)
	} else {
		_, err = c.net.Write(b)
	}
	if err != nil {
		c.fail(err)
	}
	return err
}

// fail closes the connection and keeps the first reason.
func (c *Conn) fail(err error) {
	c.why.CompareAndSwap(nil, &closeReason{err})
	c.Close()
}

// Close closes the connection. What was sent before still has the write time
// to leave. OnClose follows from the reader.
func (c *Conn) Close() {
	if c.udp != nil || c.closed.Swap(true) {
		return
	}
	close(c.over)
	c.mu.Lock()
	nc := c.net
	c.mu.Unlock()
	_ = nc.Close()
}

// drop ends a connection that never had a reader.
func (c *Conn) drop() {
	c.Close()
	c.leaveSource()
	c.flows.remove(c)
}

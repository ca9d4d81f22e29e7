package traversal

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/sip"
)

// sipConns is how many TLS connections make up one link's SIP. Two let one
// break, or stall on a lost packet, without silence.
const sipConns = 2

// traceHeader carries the trace id on the link, and only there.
const traceHeader = "X-Sallyport-Trace"

// idBit keeps connection ids of links apart from those of other connections in
// the same node.
const idBit = 1 << 63

// Conn is one TLS connection of a link. Its methods may be called from any
// goroutine.
type Conn struct {
	id            uint64
	link          *link
	slot          int
	peer          Peer
	instance      string // of the far end
	raw           *tls.Conn
	frames        *framer
	out           *batch
	local, remote netip.AddrPort
	wg            sync.WaitGroup

	start  time.Time
	lastIn atomic.Int64 // nanoseconds after start
	sent   atomic.Uint64
	got    atomic.Uint64

	once sync.Once
	gone atomic.Bool
	done chan struct{}
	why  string // set before done is closed
}

func newConn(k *link, slot int, p Peer, instance string, raw *tls.Conn, f *framer) *Conn {
	c := &Conn{
		id: k.l.connIDs.Add(1) | idBit, link: k, slot: slot, peer: p, instance: instance, raw: raw, frames: f,
		local: p.Local, remote: p.Remote, start: time.Now(), done: make(chan struct{}),
	}
	c.out = newBatch(raw, &c.wg, func(err error) { c.Close(explain(err)) })
	f.alive = func() { c.lastIn.Store(int64(time.Since(c.start))) }
	f.ping = func() { c.out.send([]byte("\r\n")) }
	return c
}

// ID tells connections of one process apart; its top bit is set.
func (c *Conn) ID() uint64 { return c.id }

// Network is always "TLS".
func (c *Conn) Network() string { return "TLS" }

// Reliable is always true.
func (c *Conn) Reliable() bool { return true }

// Local is our address of the connection.
func (c *Conn) Local() netip.AddrPort { return c.local }

// Remote is the peer's address of the connection.
func (c *Conn) Remote() netip.AddrPort { return c.remote }

// Zone is the name of the traversal zone.
func (c *Conn) Zone() string { return c.peer.Zone }

// Peer is the node at the far end.
func (c *Conn) Peer() PeerID { return c.peer.ID }

// Send queues one message and returns, at the latest after the write deadline
// when the peer takes nothing. An error means that the connection is gone.
func (c *Conn) Send(b []byte) error {
	if err := c.out.send(b); err != nil {
		return err
	}
	c.sent.Add(1)
	return nil
}

// Close ends the connection; why is what status and log say.
func (c *Conn) Close(why string) {
	c.once.Do(func() {
		c.why = why
		c.gone.Store(true)
		close(c.done)
		c.out.fail(fmt.Errorf("link connection closed: %s", why))
		c.raw.NetConn().Close() // not raw.Close, which would wait for a writer
	})
}

// serve reads the connection to its end, takes it off the link and returns why
// it ended. Nothing of it runs any more then.
func (c *Conn) serve(ctx context.Context, p Probe) string {
	stop := context.AfterFunc(ctx, func() { c.Close("closed by this node") })
	defer stop()
	c.wg.Go(func() { c.probe(p) })
	err := c.read()
	c.Close(c.link.l.endOf(err))
	c.wg.Wait()
	c.link.detach(c) // first, so that OnClose finds another connection
	if f := c.link.l.cfg.OnClose; f != nil {
		c.contain(func() { f(c) })
	}
	return c.why
}

func (c *Conn) read() error {
	for {
		b, err := c.frames.next()
		if err != nil {
			c.fault(err)
			return err
		}
		c.got.Add(1)
		c.contain(func() { c.handle(b) })
	}
}

func (c *Conn) handle(b []byte) {
	m, f := sip.Parse(b)
	cfg := &c.link.l.cfg
	switch {
	case f != nil:
		c.fault(f)
	case cfg.OnMessage != nil:
		cfg.OnMessage(c, m, m.Get(traceHeader))
	}
}

func (c *Conn) fault(err error) {
	var f *sip.Fault
	if on := c.link.l.cfg.OnFault; on != nil && errors.As(err, &f) {
		c.contain(func() { on(c, f) })
	}
}

// contain keeps a panic in one message from ending the node.
func (c *Conn) contain(f func()) {
	defer func() {
		if r := recover(); r != nil {
			c.link.l.cfg.Log.Error("panic in a link message", "zone", c.peer.Zone, "panic", r, "stack", string(debug.Stack()))
		}
	}()
	f()
}

// Probe says how a quiet connection is tested. After Quiet without a byte a
// ping goes out every Retry; Retries of them without an answer mean that the
// peer is lost. Silence longer than Limit means so too, if it is not zero.
type Probe struct {
	Quiet, Retry time.Duration
	Retries      int
	Limit        time.Duration
}

// probe is the connection's keepalive.
func (c *Conn) probe(p Probe) {
	timer := time.NewTimer(p.Quiet)
	defer timer.Stop()
	for asked := 0; ; {
		select {
		case <-c.done:
			return
		case <-timer.C:
		}
		silent := time.Since(c.start) - time.Duration(c.lastIn.Load())
		if silent < p.Quiet {
			asked = 0
			timer.Reset(p.Quiet - silent)
			continue
		}
		if asked >= p.Retries || p.Limit > 0 && silent >= p.Limit {
			c.Close(fmt.Sprintf("no answer to keepalives for %s", silent.Round(time.Second/10)))
			return
		}
		asked++
		c.out.send([]byte("\r\n\r\n"))
		timer.Reset(p.Retry)
	}
}

func (l *Links) endOf(err error) string {
	if errors.Is(err, io.EOF) {
		return "the peer closed the connection"
	}
	return explain(err)
}

package flow

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"sallyport/appliance/door"
)

// accept takes connections until the listener is closed.
func (l *listener) accept() {
	trouble := func(err error) { l.flows.cfg.Log.Warn("accept failed", "listener", l.Addr, "err", err) }
	_ = door.Accept(l.flows.ctx, l.tcp, trouble, func(c net.Conn) { l.flows.admit(l.Listener, c.(*net.TCPConn)) })
}

// admit takes a new connection in, or closes it where a limit says so.
func (f *Flows) admit(l Listener, nc *net.TCPConn) {
	c := f.newConn(l, nc)
	lim := f.limits.Load()
	if l.Open && !f.sources.enter(c.remote.Addr(), lim.SourceConnections) {
		f.count.sourceFull.Add(1)
		_ = nc.Close()
		return
	}
	c.counted.Store(l.Open)
	if !f.add(c) {
		f.count.full.Add(1)
		c.leaveSource()
		_ = nc.Close()
		return
	}
	f.count.accepted.Add(1)
	if !f.run(func() { f.greet(c) }) {
		c.drop()
	}
}

// greet does the TLS handshake and hands the connection to a reader with a
// fresh, small stack.
func (f *Flows) greet(c *Conn) {
	if c.network == "TLS" && !f.handshake(c) {
		f.count.handshakeFailed.Add(1)
		c.drop()
		return
	}
	f.mu.Lock()
	over := f.state == ended
	if !over {
		c.startLocked()
	}
	f.mu.Unlock()
	if over {
		c.drop()
	}
}

func (f *Flows) handshake(c *Conn) bool {
	lim := f.limits.Load()
	f.count.handshakes.Add(1)
	defer f.count.handshakes.Add(-1)
	if c.listener.Open {
		leave, goes := f.shaking.enter(c, lim.Handshakes)
		defer leave()
		if goes != nil {
			goes.why.CompareAndSwap(nil, &closeReason{errCrowd})
			goes.Close()
		}
	}
	var conf *tls.Config
	if f.cfg.TLS != nil {
		conf = f.cfg.TLS(c.listener)
	}
	if conf == nil {
		f.cfg.Log.Error("no certificate for listener", "listener", c.listener.Addr)
		return false
	}
	return c.secure(tls.Server(c.stream, conf), lim.Handshake)
}

// secure runs the handshake of t within its time.
func (c *Conn) secure(t *tls.Conn, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(c.flows.ctx, limit)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil {
		c.flows.cfg.Log.Debug("tls handshake", "conn", c.id, "remote", c.remote, "err", err)
		c.why.CompareAndSwap(nil, &closeReason{err})
		return false
	}
	c.unnamed = t.ConnectionState().ServerName == ""
	c.setNet(t)
	return true
}

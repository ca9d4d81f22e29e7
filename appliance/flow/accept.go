package flow

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// accept takes connections until the listener is closed. An error, such as too
// many open files, makes it pause, never end.
func (l *listener) accept() {
	pause := firstPause
	for {
		nc, err := l.tcp.AcceptTCP()
		switch {
		case err == nil:
			pause = firstPause
			l.flows.admit(l.Listener, nc)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			l.flows.cfg.Log.Warn("accept failed", "listener", l.Addr, "err", err)
			l.flows.sleep(pause)
			pause = min(2*pause, lastPause)
		}
	}
}

func (f *Flows) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-f.ctx.Done():
	}
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
	if !f.run(c.read) {
		c.drop()
	}
}

func (f *Flows) handshake(c *Conn) bool {
	lim := f.limits.Load()
	if f.count.handshakes.Add(1) > int64(lim.Handshakes) && c.listener.Open {
		f.count.handshakes.Add(-1)
		return false
	}
	defer f.count.handshakes.Add(-1)
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
		c.why.Store(&closeReason{err})
		return false
	}
	c.setNet(t)
	return true
}

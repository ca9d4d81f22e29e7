package httpproxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

var errFraming = errors.New("request has more than one reading")

// strictConn is an HTTP/1 connection that ends where its framing turns
// ambiguous: the server answers 400 and hangs up, and no byte from there on
// is read.
type strictConn struct {
	*tls.Conn
	framing framing
	bad     bool
}

// Read implements net.Conn.
func (c *strictConn) Read(b []byte) (int, error) {
	if c.bad {
		return 0, errFraming
	}
	n, err := c.Conn.Read(b)
	good := c.framing.feed(b[:n])
	if good == n {
		return n, err
	}
	if c.bad = true; good == 0 {
		return 0, errFraming
	}
	return good, nil
}

// secure is the listener of TLS connections whose handshake is done: HTTP/2 as
// it is, which frames by numbers, HTTP/1 behind a strictConn. Handshakes run
// beside each other, each within patience.
type secure struct {
	net.Listener // of plain connections, which it bounds
	config       *tls.Config
	patience     time.Duration

	begin sync.Once
	ready chan net.Conn
	fails chan error
	ctx   context.Context // ends with Close: it is the life of the listener
	stop  context.CancelFunc
	wait  sync.WaitGroup
}

func newSecure(l net.Listener, config *tls.Config, patience time.Duration) *secure {
	ctx, stop := context.WithCancel(context.Background())
	return &secure{
		Listener: l, config: config, patience: patience,
		ready: make(chan net.Conn), fails: make(chan error), ctx: ctx, stop: stop,
	}
}

// Accept implements net.Listener.
func (s *secure) Accept() (net.Conn, error) {
	s.begin.Do(func() { s.wait.Go(s.accept) })
	select {
	case c := <-s.ready:
		return c, nil
	case err := <-s.fails:
		return nil, err
	case <-s.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. It ends the handshakes in progress and waits
// for them.
func (s *secure) Close() error {
	s.begin.Do(func() {}) // an Accept that comes later finds the end
	s.stop()
	err := s.Listener.Close()
	s.wait.Wait()
	return err
}

// accept hands each error to Accept's caller, who decides whether to go on.
func (s *secure) accept() {
	for {
		c, err := s.Listener.Accept()
		if err == nil {
			s.wait.Go(func() { s.handshake(c) })
			continue
		}
		select {
		case s.fails <- err:
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *secure) handshake(c net.Conn) {
	ctx, cancel := context.WithTimeout(s.ctx, s.patience)
	defer cancel()
	t := tls.Server(c, s.config)
	if t.HandshakeContext(ctx) != nil {
		t.Close()
		return
	}
	var ready net.Conn = t
	if t.ConnectionState().NegotiatedProtocol != "h2" {
		ready = &strictConn{Conn: t}
	}
	select {
	case s.ready <- ready:
	case <-s.ctx.Done():
		t.Close()
	}
}

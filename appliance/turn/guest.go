package turn

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/door"
	"sallyport/appliance/stun"
)

// guest is a client's connection. Whether it speaks TLS shows in its first
// byte, so one port takes both. The handshake is part of the first read, which
// pion does in the connection's own goroutine; pion never closes a *tls.Conn
// whose handshake fails, nor one that says nothing.
type guest struct {
	net.Conn // raw; after the first read what to speak through
	conf     *tls.Config
	once     sync.Once
	begun    error
	secure   atomic.Bool
	known    atomic.Bool // it has shown credentials
	limit    time.Time   // for that
	left     func()
}

// over is how the client comes.
func (g *guest) over() string {
	if g.secure.Load() {
		return "TLS"
	}
	return "TCP"
}

// Read implements net.Conn.
func (g *guest) Read(b []byte) (int, error) {
	if g.known.Load() {
		g.Conn.SetReadDeadline(time.Now().Add(silence))
	}
	g.once.Do(func() { g.begun = g.begin() })
	if g.begun != nil {
		return 0, g.begun
	}
	return g.Conn.Read(b)
}

// begin looks at the first byte, and shakes hands if TLS begins with it.
func (g *guest) begin() error {
	raw := g.Conn
	raw.SetDeadline(g.limit)
	first := make([]byte, 1)
	if _, err := raw.Read(first); err != nil {
		return err
	}
	g.Conn = &replay{Conn: raw, first: first}
	switch {
	case first[0] <= 3: // STUN, which comes before any channel data
		raw.SetWriteDeadline(time.Time{})
		return nil
	case first[0] != 22: // a TLS handshake record
		return errGibberish
	}
	secured := tls.Server(g.Conn, g.conf)
	if err := secured.HandshakeContext(context.Background()); err != nil { // raw's deadline holds
		return err
	}
	g.secure.Store(true)
	g.Conn = secured
	return nil
}

// Write implements net.Conn. A client that takes nothing is hung up on: part of
// a message cannot be taken back.
func (g *guest) Write(b []byte) (int, error) {
	g.Conn.SetWriteDeadline(time.Now().Add(writeTime))
	n, err := g.Conn.Write(b)
	if err != nil {
		g.Close()
	}
	return n, err
}

// Close implements net.Conn.
func (g *guest) Close() error {
	g.left()
	return nil
}

// replay gives the first byte once more.
type replay struct {
	net.Conn
	first []byte
}

// Read implements net.Conn.
func (r *replay) Read(b []byte) (int, error) {
	if len(r.first) == 0 || len(b) == 0 {
		return r.Conn.Read(b)
	}
	n := copy(b, r.first)
	r.first = r.first[n:]
	return n, nil
}

// lobby hands accepted connections to pion and knows them all, since pion
// leaves them open when it is closed.
type lobby struct {
	s    *Server
	at   net.Addr
	come chan *guest
	over chan struct{}
	shut sync.Once

	wait   sync.WaitGroup
	mu     sync.Mutex
	guests map[*guest]struct{}
}

func newLobby(s *Server, at net.Addr) *lobby {
	return &lobby{s: s, at: at, come: make(chan *guest), over: make(chan struct{}), guests: map[*guest]struct{}{}}
}

// take lets a connection in, if there is room.
func (l *lobby) take(c net.Conn) {
	source := door.AddrPort(c.RemoteAddr()).Addr()
	if !l.s.conns.Enter(source) {
		c.Close()
		return
	}
	g := &guest{Conn: c, conf: l.s.cfg.TLS, limit: time.Now().Add(greeting)}
	g.left = sync.OnceFunc(func() {
		c.Close()
		l.s.conns.Leave(source)
		l.s.setGuest(c.RemoteAddr(), nil)
		l.mu.Lock()
		delete(l.guests, g)
		l.mu.Unlock()
		l.wait.Done()
	})
	l.wait.Add(1)
	l.mu.Lock()
	l.guests[g] = struct{}{}
	l.mu.Unlock()
	l.s.setGuest(c.RemoteAddr(), g)
	select {
	case l.come <- g:
	case <-l.over:
		g.Close()
	}
}

// Accept implements net.Listener for pion.
func (l *lobby) Accept() (net.Conn, error) {
	select {
	case g := <-l.come:
		return g, nil
	case <-l.over:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (l *lobby) Addr() net.Addr { return l.at }

// Close implements net.Listener: everybody has to go.
func (l *lobby) Close() error {
	l.shut.Do(func() { close(l.over) })
	l.mu.Lock()
	var all []*guest
	for g := range l.guests {
		all = append(all, g)
	}
	l.mu.Unlock()
	for _, g := range all {
		g.Close()
	}
	return nil
}

// packets is a UDP socket in the dress of a listener, so that the set of
// listeners keeps it.
type packets struct{ net.PacketConn }

var (
	errNoStream  = errors.New("turn: no stream listener")
	errGibberish = errors.New("turn: neither STUN nor TLS")
)

// Accept implements net.Listener.
func (packets) Accept() (net.Conn, error) { return nil, errNoStream }

// Addr implements net.Listener.
func (p packets) Addr() net.Addr { return p.LocalAddr() }

// socket is a UDP port of clients. pion stops reading for good at the first
// error, so it sees only the last.
type socket struct {
	net.PacketConn
	over chan struct{} // closed when nothing more will be read
	once sync.Once
	asks *door.Ration[string] // what sources ask without credentials
}

// ReadFrom implements net.PacketConn.
func (s *socket) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := s.PacketConn.ReadFrom(b)
		switch {
		case err == nil && s.floods(b[:n], from):
			continue
		case err == nil:
			return n, from, nil
		case errors.Is(err, net.ErrClosed):
			s.once.Do(func() { close(s.over) })
			return n, from, err
		}
		time.Sleep(time.Millisecond) // short of memory: nothing else fails
	}
}

// floods tells whether a source asks for more without credentials than clients
// do. Anybody can write another's address as his own, and the answers, which are
// larger than the questions, would all go there.
func (s *socket) floods(b []byte, from net.Addr) bool {
	if !stun.Unproven(b) {
		return false
	}
	_, ok := s.asks.Take(door.Source(door.AddrPort(from).Addr()).String(), maxUnproven, time.Second)
	return !ok
}

// Close implements net.PacketConn: pion may, any time.
func (s *socket) Close() error {
	s.PacketConn.Close()
	return nil
}

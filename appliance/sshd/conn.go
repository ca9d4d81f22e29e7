package sshd

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/door"
)

// conn is one accepted connection with deadlines of its own. The SSH library
// sets deadlines from its own timeouts before every read and write and would
// erase the one for logging in, so its calls are not passed on.
type conn struct {
	net.Conn
	source netip.Prefix // who it counts against: an IPv4 address or an IPv6 /64
	from   netip.AddrPort
	born   time.Time
	turn   uint64      // order of arrival; the gate's
	heard  atomic.Bool // a byte has come: not one of the silent ones
	id     atomic.Pointer[identity]
	open   atomic.Int32 // session channels

	wrongKeys atomic.Bool // a key was refused; one failure, however many an agent holds

	mu       sync.Mutex // guards over and additions to sessions
	over     bool
	sessions sync.WaitGroup
}

// identity is who has proved what on a connection.
type identity struct {
	user string
	key  string // fingerprint of the key that signed; empty after a password
}

func newConn(nc net.Conn) *conn {
	from := door.AddrPort(nc.RemoteAddr())
	c := &conn{Conn: nc, source: door.Source(from.Addr()), from: from, born: time.Now()}
	nc.SetReadDeadline(c.born.Add(loginTime))
	return c
}

// loggedIn lifts the login deadline.
func (c *conn) loggedIn(id *identity) {
	c.id.Store(id)
	c.setLife()
}

// begin counts a session in; every begin that returns true needs an end. It is
// false when the connection is over or has its share.
func (c *conn) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over || c.open.Load() >= maxChannels {
		return false
	}
	c.open.Add(1)
	c.sessions.Add(1)
	c.setLife()
	return true
}

func (c *conn) end() {
	c.open.Add(-1)
	c.setLife()
	c.sessions.Done()
}

// setLife bounds the connection by its longest life, and by a short one while
// it holds no session.
func (c *conn) setLife() {
	end := time.Now().Add(emptyTime)
	if c.open.Load() > 0 {
		end = c.born.Add(lifeTime)
	}
	c.Conn.SetReadDeadline(end)
}

// finish waits for the sessions of a connection that is gone.
func (c *conn) finish() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.sessions.Wait()
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.heard.Store(true)
	}
	return n, err
}

// Write gives a client that stopped reading a fixed time and then cuts it.
func (c *conn) Write(b []byte) (int, error) {
	c.Conn.SetWriteDeadline(time.Now().Add(writeTime))
	return c.Conn.Write(b)
}

func (c *conn) SetDeadline(time.Time) error      { return nil }
func (c *conn) SetReadDeadline(time.Time) error  { return nil }
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

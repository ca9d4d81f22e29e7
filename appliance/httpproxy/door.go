package httpproxy

import (
	"net"
	"net/netip"
	"sync"
)

// door is a listener that counts its connections and closes those that are too
// many before anything is spent on them.
type door struct {
	net.Listener
	inside  *busy
	refused func(source netip.Addr)
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		at, _ := netip.ParseAddrPort(c.RemoteAddr().String())
		source := at.Addr()
		if d.inside.enter(source) {
			return &guest{Conn: c, leave: sync.OnceFunc(func() { d.inside.leave(source) })}, nil
		}
		c.Close()
		d.refused(source)
	}
}

// guest is a counted connection.
type guest struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (g *guest) Close() error {
	g.leave()
	return g.Conn.Close()
}

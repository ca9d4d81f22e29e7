package door

import (
	"net"
	"net/netip"
	"sync"
)

// Counted is a listener whose connections hold a place in Inside until they are
// closed. Those that find none are closed before anything is spent on them.
type Counted struct {
	net.Listener
	Inside  *Count
	Refused func(source netip.Addr)
}

// Accept implements net.Listener.
func (l *Counted) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		source := AddrPort(c.RemoteAddr()).Addr()
		if l.Inside.Enter(source) {
			return &guest{Conn: c, leave: sync.OnceFunc(func() { l.Inside.Leave(source) })}, nil
		}
		c.Close()
		l.Refused(source)
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

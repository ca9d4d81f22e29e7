package httpproxy

import (
	"net"
	"sync"
	"time"
)

// handover is where streams wait for a server. It outlives the server's runs.
type handover chan net.Conn

// handoverWait is how long a stream waits for a server that is just starting.
const handoverWait = 5 * time.Second

// give hands a connection to the server, or closes it if none takes it.
func (h handover) give(c net.Conn) {
	late := time.NewTimer(handoverWait)
	defer late.Stop()
	select {
	case h <- c:
	case <-late.C:
		c.Close()
	}
}

// listener is the net.Listener of one run.
func (h handover) listener() *streams { return &streams{from: h, done: make(chan struct{})} }

type streams struct {
	from handover
	once sync.Once
	done chan struct{}
}

// Accept waits for the next connection.
func (s *streams) Accept() (net.Conn, error) {
	select {
	case c := <-s.from:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Close ends the listener.
func (s *streams) Close() error {
	s.once.Do(func() { close(s.done) })
	return nil
}

// Addr is of no use to anybody.
func (s *streams) Addr() net.Addr { return &net.UnixAddr{Name: "link"} }

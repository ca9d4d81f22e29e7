package httpproxy

import (
	"net"
	"sync"
)

// handover is a net.Listener whose connections are given to it.
type handover struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newHandover() *handover {
	return &handover{conns: make(chan net.Conn), done: make(chan struct{})}
}

// give hands a connection to the server, or closes it when there is none.
func (h *handover) give(c net.Conn) {
	select {
	case h.conns <- c:
	case <-h.done:
		c.Close()
	}
}

// Accept waits for the next connection.
func (h *handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close ends the handover.
func (h *handover) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

// Addr is of no use to anybody.
func (h *handover) Addr() net.Addr { return &net.UnixAddr{Name: "link"} }

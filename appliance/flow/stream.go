package flow

import (
	"errors"
	"net"
	"sync"
	"time"

	"sallyport/appliance/quick"
)

// stream is a TCP connection whose writes never block, so that one client that
// does not read cannot hold up the reader of another. What the kernel does not
// take at once waits here, bounded, while a goroutine writes it within the
// write time. TLS runs on top and so never sees a write fail half way.
type stream struct {
	*quick.Conn
	flows *Flows
	most  int

	mu       sync.Mutex // guards what follows; held over a write only if it cannot block
	pending  []byte     // waits to be written
	writing  int        // bytes that drain has taken and not yet written
	draining bool
	closing  bool
	err      error
}

var errSlow = errors.New("flow: the far end reads too slowly")

// insideBacklog lets a server of ours fall behind further than a client.
const insideBacklog = 4 << 20

func newStream(f *Flows, nc *net.TCPConn, open bool) *stream {
	s := &stream{Conn: quick.New(nc), flows: f, most: insideBacklog}
	if open {
		s.most = f.limits.Load().Backlog
	}
	return s
}

// Write takes all of b or fails; it does not wait.
func (s *stream) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || s.closing {
		return 0, errors.Join(s.err, net.ErrClosed)
	}
	rest := b
	if !s.draining {
		n, err := s.TryWrite(b)
		if err != nil {
			s.err = err
			return n, err
		}
		rest = b[n:]
	}
	if len(rest) == 0 {
		return len(b), nil
	}
	return len(b), s.laterLocked(rest)
}

// laterLocked keeps b for the drain goroutine.
func (s *stream) laterLocked(b []byte) error {
	if len(s.pending)+s.writing+len(b) > s.most {
		s.err = errSlow
		return errSlow
	}
	s.pending = append(s.pending, b...)
	if s.draining {
		return nil
	}
	s.draining = true
	if !s.flows.run(s.drain) {
		s.err = ErrEnded
		return ErrEnded
	}
	return nil
}

// drain writes what waits, and closes the connection if that takes too long or
// if closing was asked for meanwhile.
func (s *stream) drain() {
	for {
		out := s.takePending()
		if out == nil {
			return
		}
		_ = s.TCPConn.SetWriteDeadline(time.Now().Add(s.flows.limits.Load().Write))
		_, err := s.TCPConn.Write(out)
		if err != nil {
			s.broken(err)
			return
		}
	}
}

func (s *stream) takePending() []byte {
	s.mu.Lock()
	if len(s.pending) > 0 {
		defer s.mu.Unlock()
		out := s.pending
		s.pending, s.writing = nil, len(out)
		return out
	}
	s.writing, s.draining = 0, false
	closing := s.closing
	_ = s.TCPConn.SetWriteDeadline(time.Time{})
	s.mu.Unlock()
	if closing {
		_ = s.TCPConn.Close()
	}
	return nil
}

func (s *stream) broken(err error) {
	s.mu.Lock()
	s.err, s.pending, s.draining = err, nil, false
	s.mu.Unlock()
	_ = s.TCPConn.Close()
}

// Close closes the connection once what waits has left, or has had its time.
func (s *stream) Close() error {
	s.mu.Lock()
	s.closing = true
	wait := s.draining && s.err == nil
	s.mu.Unlock()
	if wait {
		return nil
	}
	return s.TCPConn.Close()
}

// SetWriteDeadline does nothing: drain has the deadlines, and TLS's own at
// closing would cut off what still waits.
func (s *stream) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline sets the deadline for reading.
func (s *stream) SetDeadline(t time.Time) error { return s.TCPConn.SetReadDeadline(t) }

package traversal

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Stream is one HTTP or XMPP connection over the link, a net.Conn with half
// close. At most startCredit to maxCredit bytes of it lie unread; then the far
// end's writes wait.
type Stream struct {
	m     *mux
	id    uint32
	kind  string
	lease *lease

	// Receiving, guarded by mu. in + credit the peer has left + unacked is
	// always window.
	mu       sync.Mutex
	readable sync.Cond
	in       []byte
	off      int // read so far of in
	window   int
	left     int // credit the peer has left
	unacked  int // read but not granted again
	eof      bool
	gone     bool // the mux has forgotten the stream
	rerr     error
	rdead    deadline

	// Sending and life, guarded by m.mu.
	writable sync.Cond
	writing  bool
	pending  []byte // rest of the slice that Write was given
	credit   int
	queued   bool
	sentFin  bool
	gotFin   bool
	werr     error
	wdead    deadline
}

func newStream(m *mux, id uint32, kind string, l *lease) *Stream {
	s := &Stream{m: m, id: id, kind: kind, lease: l, window: startCredit, left: startCredit, credit: startCredit}
	s.readable.L, s.writable.L = &s.mu, &m.mu
	return s
}

// Kind is what the stream was opened for.
func (s *Stream) Kind() string { return s.kind }

// Tag is whom the opener counts the stream for; it may be empty.
func (s *Stream) Tag() string { return s.lease.tag }

// Read implements net.Conn.
func (s *Stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	for s.off == len(s.in) && !s.eof && s.rerr == nil && !s.rdead.passed() && len(p) > 0 {
		s.readable.Wait()
	}
	if err := s.readErrLocked(); err != nil {
		s.mu.Unlock()
		return 0, err
	}
	n := copy(p, s.in[s.off:])
	s.off += n
	s.unacked += n
	if s.off == len(s.in) {
		s.shrinkLocked()
	}
	grant := s.grantLocked()
	s.mu.Unlock()
	if grant > 0 {
		s.m.sendCredit(s, grant)
	}
	return n, nil
}

func (s *Stream) readErrLocked() error {
	switch {
	case s.rerr != nil && (s.off == len(s.in) || errors.Is(s.rerr, net.ErrClosed)):
		return s.rerr
	case s.rdead.passed():
		return os.ErrDeadlineExceeded
	case s.off == len(s.in) && s.eof:
		return io.EOF
	}
	return nil
}

// shrinkLocked keeps a small buffer for the next bytes and gives a large one
// back.
func (s *Stream) shrinkLocked() {
	s.off = 0
	if s.in = s.in[:0]; cap(s.in) > 4<<10 {
		s.in = nil
	}
	s.settleLocked()
}

// leave is how the mux forgets the stream.
func (s *Stream) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	s.settleLocked()
}

// settleLocked ends the lease once the stream is over and holds nothing.
func (s *Stream) settleLocked() {
	if s.gone && s.off == len(s.in) {
		s.m.budget.close(s.lease)
	}
}

// grantLocked says how much credit to send now. A reader that keeps up gets a
// wider window, as long as the node has memory to lend.
func (s *Stream) grantLocked() int {
	if s.eof || s.rerr != nil || s.unacked < s.window/2 {
		return 0
	}
	grant := s.unacked
	if len(s.in) == 0 && s.window < maxCredit && s.m.budget.grow(s.lease, s.window) {
		grant += s.window
		s.window *= 2
	}
	s.unacked = 0
	s.left += grant
	return grant
}

// received takes data from the mux's reader.
func (s *Stream) received(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(b) > s.left {
		return fmt.Errorf("%w: stream %d sent more than its credit", errProtocol, s.id)
	}
	s.left -= len(b)
	if s.eof {
		return fmt.Errorf("%w: stream %d sent data after its end", errProtocol, s.id)
	}
	if s.rerr != nil {
		return nil // closed here: nobody will read it
	}
	if s.off > 0 && s.off >= len(s.in)/2 {
		s.in = s.in[:copy(s.in, s.in[s.off:])]
		s.off = 0
	}
	s.in = append(s.in, b...)
	s.readable.Signal()
	return nil
}

// LocalAddr implements net.Conn: our address of the SSH connection.
func (s *Stream) LocalAddr() net.Addr { return s.m.addrs[0] }

// RemoteAddr implements net.Conn: the peer's address of the SSH connection.
func (s *Stream) RemoteAddr() net.Addr { return s.m.addrs[1] }

// SetDeadline implements net.Conn.
func (s *Stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (s *Stream) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(s.rerr, net.ErrClosed) {
		return net.ErrClosed
	}
	s.rdead.set(t, s.mu.Lock, s.mu.Unlock, s.readable.Broadcast)
	s.readable.Broadcast()
	return nil
}

// SetWriteDeadline implements net.Conn.
func (s *Stream) SetWriteDeadline(t time.Time) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if errors.Is(s.werr, net.ErrClosed) {
		return net.ErrClosed
	}
	s.wdead.set(t, s.m.mu.Lock, s.m.mu.Unlock, s.writable.Broadcast)
	s.writable.Broadcast()
	return nil
}

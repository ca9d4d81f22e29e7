package traversal

import (
	"errors"
	"net"
	"syscall"
)

// CloseWrite ends our direction; the peer reads to the end and may go on
// sending.
func (s *Stream) CloseWrite() error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if s.werr != nil {
		return s.werr
	}
	s.finishLocked(net.ErrClosed)
	return nil
}

// finishLocked says that nothing more will be sent.
func (s *Stream) finishLocked(why error) {
	if s.werr == nil {
		s.werr = why
		s.writable.Broadcast()
	}
	if s.sentFin {
		return
	}
	s.sentFin = true
	s.m.queueLocked(frameFin, s.id, nil)
	if s.gotFin {
		s.m.forgetLocked(s)
	}
}

// Close ends both directions. Data that was written still arrives; data that
// was not read is thrown away.
func (s *Stream) Close() error {
	s.mu.Lock()
	again := errors.Is(s.rerr, net.ErrClosed)
	s.rerr = net.ErrClosed
	s.in, s.off = nil, 0
	s.settleLocked()
	s.rdead.clear()
	s.readable.Broadcast()
	s.mu.Unlock()
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.wdead.clear()
	if !again && !s.gotFin && s.m.streams[s.id] == s {
		s.m.queueLocked(frameStop, s.id, nil)
	}
	if s.m.streams[s.id] == s {
		s.finishLocked(net.ErrClosed)
	}
	s.werr = net.ErrClosed
	s.writable.Broadcast()
	return nil
}

// Reset ends the stream at once; the peer's next read returns an error that
// carries reason.
func (s *Stream) Reset(reason string) {
	if len(reason) > maxReason {
		reason = reason[:maxReason]
	}
	s.m.mu.Lock()
	if s.m.streams[s.id] == s {
		s.m.queueLocked(frameReset, s.id, []byte(reason))
		s.m.forgetLocked(s)
	}
	s.m.mu.Unlock()
	s.fail(net.ErrClosed)
}

func (s *Stream) peerFinished() {
	s.mu.Lock()
	s.eof = true
	s.readable.Broadcast()
	s.mu.Unlock()
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.gotFin = true
	if s.sentFin {
		s.m.forgetLocked(s)
	}
}

// peerStopped: what we would still send has no reader, so our end is final.
func (s *Stream) peerStopped() {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.finishLocked(syscall.EPIPE)
}

func (s *Stream) peerReset(reason string) {
	s.m.mu.Lock()
	s.m.forgetLocked(s)
	s.m.mu.Unlock()
	s.fail(&ResetError{printable(reason)})
}

// ResetError is what a stream's user gets after the far end refused or reset
// it.
type ResetError struct{ Reason string }

func (e *ResetError) Error() string { return "stream reset by the far end: " + e.Reason }

// fail ends both directions with an error. What was received before can still
// be read.
func (s *Stream) fail(err error) {
	s.mu.Lock()
	if s.rerr == nil && !s.eof {
		s.rerr = err
	}
	s.rdead.clear()
	s.readable.Broadcast()
	s.mu.Unlock()
	s.m.mu.Lock()
	if s.werr == nil {
		s.werr = err
	}
	s.wdead.clear()
	s.writable.Broadcast()
	s.m.mu.Unlock()
}

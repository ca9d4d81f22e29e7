package traversal

import (
	"encoding/binary"
	"fmt"
	"os"
)

// Write implements net.Conn. It returns when the last byte is on its way to
// the channel; the writer's round is fair among streams.
func (s *Stream) Write(p []byte) (int, error) {
	m := s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	for s.writing && s.werr == nil && !s.wdead.passed() {
		s.writable.Wait()
	}
	if err := s.writeErrLocked(); err != nil {
		return 0, err
	}
	s.writing, s.pending = true, p
	s.hastenLocked()
	m.readyLocked(s)
	for len(s.pending) > 0 && s.werr == nil && !s.wdead.passed() {
		s.writable.Wait()
	}
	n := len(p) - len(s.pending)
	s.writing, s.pending = false, nil
	s.writable.Broadcast()
	if n < len(p) {
		return n, s.writeErrLocked()
	}
	return n, nil
}

// hastenLocked spares a small write the wait for the writer: while the batch
// has room and no other stream waits for its turn, the data joins it at once.
func (s *Stream) hastenLocked() {
	m := s.m
	n := min(len(s.pending), s.credit, maxFrame)
	if n == 0 || len(m.ready) > 0 || len(m.next)+n > batchSize {
		return
	}
	m.queueLocked(frameData, s.id, s.pending[:n])
	s.pending, s.credit = s.pending[n:], s.credit-n
}

func (s *Stream) writeErrLocked() error {
	if s.werr == nil && s.wdead.passed() {
		return os.ErrDeadlineExceeded
	}
	return s.werr
}

// granted takes credit from the mux's reader.
func (s *Stream) granted(n int) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if n <= 0 || n > maxCredit || s.credit+n > maxCredit {
		return fmt.Errorf("%w: stream %d got a credit of %d", errProtocol, s.id, n)
	}
	s.credit += n
	s.m.readyLocked(s)
	return nil
}

// sendCredit grants the peer n more bytes.
func (m *mux) sendCredit(s *Stream, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.streams[s.id] == s {
		m.queueLocked(frameCredit, s.id, binary.BigEndian.AppendUint32(nil, uint32(n)))
	}
}

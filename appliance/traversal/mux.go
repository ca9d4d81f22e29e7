package traversal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
)

const (
	batchSize = 64 << 10 // data gathered for one write to the channel
	maxQueued = 1 << 20  // a peer that provokes more control frames than this is cut
)

var (
	errFlood     = errors.New("peer provokes more control frames than the link carries")
	errProtocol  = errors.New("peer breaks the stream protocol")
	errTunnelCut = errors.New("link lost")
)

// mux carries streams over one SSH channel. Its reader never waits for a
// stream's reader, since what a peer may send was granted before; its writer
// takes at most one frame per stream and round.
//
// mu guards everything about sending and the life of streams; a stream's own
// mutex guards what has been received and may be taken while mu is held, never
// the other way round.
type mux struct {
	ch     io.ReadWriteCloser
	budget *budget
	accept func(*Stream) // called on the reader's goroutine; must not block
	addrs  [2]net.Addr   // local, remote

	mu      sync.Mutex
	work    sync.Cond // there is something to write, or err
	streams map[uint32]*Stream
	nextID  uint32
	lastIn  uint32
	next    []byte    // frames in the order they go out
	ready   []*Stream // have data and credit, each once
	err     error
}

// newMux makes one end; dialled says which ids are ours.
func newMux(ch io.ReadWriteCloser, dialled bool, b *budget, local, remote net.Addr, accept func(*Stream)) *mux {
	m := &mux{ch: ch, budget: b, accept: accept, addrs: [2]net.Addr{local, remote}, streams: map[uint32]*Stream{}, nextID: 2}
	if dialled {
		m.nextID = 1
	}
	m.work.L = &m.mu
	return m
}

// run carries frames until the channel breaks or close is called, and returns
// when nothing of it runs any more. Every stream has failed by then.
func (m *mux) run() error {
	var writer sync.WaitGroup
	writer.Go(m.writeLoop)
	err := m.readLoop()
	m.close(err)
	writer.Wait()
	return err
}

// close ends the mux; the first error wins.
func (m *mux) close(err error) {
	m.mu.Lock()
	if m.err != nil {
		m.mu.Unlock()
		return
	}
	m.err = err
	all := m.streams
	m.streams = map[uint32]*Stream{}
	m.work.Broadcast()
	m.mu.Unlock()
	m.ch.Close()
	for _, s := range all {
		s.fail(errTunnelCut)
		s.leave()
	}
}

// open starts a stream. It does not wait for the peer: a refusal shows at the
// first read.
func (m *mux) open(kind, tag string) (*Stream, error) {
	if kind == "" || len(kind) > maxKind || len(tag) > maxTag {
		return nil, fmt.Errorf("stream kind %q or its tag is too long", kind)
	}
	l, err := m.budget.open(tag)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.roomLocked(); err != nil {
		m.budget.close(l)
		return nil, err
	}
	s := newStream(m, m.nextID, kind, l)
	m.nextID += 2
	m.streams[s.id] = s
	m.queueLocked(frameOpen, s.id, openPayload(kind, tag))
	return s, nil
}

func (m *mux) roomLocked() error {
	switch {
	case m.err != nil:
		return errTunnelCut
	case len(m.streams) >= maxMuxStreams:
		return fmt.Errorf("%w: %d on one channel", ErrBusy, len(m.streams))
	}
	return nil
}

func (m *mux) load() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.streams)
}

func (m *mux) queueLocked(kind byte, stream uint32, payload []byte) {
	if m.err != nil {
		return
	}
	m.next = appendFrame(m.next, kind, stream, payload)
	m.work.Signal()
}

// forgetLocked takes a stream whose both directions are over out of the table.
func (m *mux) forgetLocked(s *Stream) {
	if m.streams[s.id] == s {
		delete(m.streams, s.id)
		s.leave()
	}
}

// writeLoop writes what is queued, as much as there is at a time. Yielding
// once lets writers that are about to run join the batch.
func (m *mux) writeLoop() {
	var out []byte
	for {
		m.mu.Lock()
		for len(m.next) == 0 && len(m.ready) == 0 && m.err == nil {
			m.work.Wait()
		}
		m.mu.Unlock()
		runtime.Gosched()
		m.mu.Lock()
		if m.err != nil {
			m.mu.Unlock()
			return
		}
		out, m.next = m.next, out[:0]
		if cap(m.next) > 4*batchSize {
			m.next = nil // a burst is over: give its memory back
		}
		out = m.gatherLocked(out)
		m.mu.Unlock()
		if _, err := m.ch.Write(out); err != nil {
			m.close(err)
			return
		}
	}
}

// gatherLocked adds one frame of each stream in turn.
func (m *mux) gatherLocked(out []byte) []byte {
	for len(out) < batchSize && len(m.ready) > 0 {
		s := m.ready[0]
		m.ready[0] = nil
		m.ready = m.ready[1:]
		s.queued = false
		n := min(len(s.pending), s.credit, maxFrame)
		if n == 0 || s.werr != nil {
			continue // its Write gave up, or the end was told already
		}
		out = appendFrame(out, frameData, s.id, s.pending[:n])
		s.pending, s.credit = s.pending[n:], s.credit-n
		if len(s.pending) == 0 {
			s.writable.Broadcast()
			continue
		}
		m.readyLocked(s)
	}
	if len(m.ready) == 0 {
		m.ready = nil
	}
	return out
}

// readyLocked puts a stream into the writer's round.
func (m *mux) readyLocked(s *Stream) {
	if s.queued || s.credit == 0 || len(s.pending) == 0 {
		return
	}
	s.queued = true
	m.ready = append(m.ready, s)
	m.work.Signal()
}

func (m *mux) readLoop() error {
	r := bufio.NewReaderSize(m.ch, maxFrame)
	buf := make([]byte, maxFrame)
	for {
		f, err := readFrame(r, buf)
		if err != nil {
			return err
		}
		if err := m.handle(f); err != nil {
			return err
		}
	}
}

func (m *mux) handle(f frame) error {
	if f.kind == frameOpen {
		return m.handleOpen(f)
	}
	m.mu.Lock()
	s, flood := m.streams[f.stream], len(m.next) > maxQueued
	known := s != nil || m.wasOpenLocked(f.stream)
	m.mu.Unlock()
	switch {
	case flood:
		return errFlood
	case !known:
		return fmt.Errorf("%w: frame for stream %d, which was never opened", errProtocol, f.stream)
	case s == nil:
		return nil // crossed our own end of the stream
	}
	switch f.kind {
	case frameData:
		return s.received(f.payload)
	case frameCredit:
		return s.granted(int(binary.BigEndian.Uint32(f.payload)))
	case frameFin:
		s.peerFinished()
	case frameStop:
		s.peerStopped()
	case frameReset:
		s.peerReset(string(f.payload))
	}
	return nil
}

func (m *mux) wasOpenLocked(id uint32) bool {
	if id%2 == m.nextID%2 {
		return id < m.nextID
	}
	return id <= m.lastIn
}

func (m *mux) handleOpen(f frame) error {
	kind, tag, err := parseOpen(f.payload)
	if err != nil {
		return err
	}
	l, busy := m.budget.open(tag)
	m.mu.Lock()
	if busy == nil {
		busy = m.roomLocked()
	}
	flood := len(m.next) > maxQueued
	turn := f.stream%2 != m.nextID%2 && f.stream > m.lastIn
	if !turn || flood || busy != nil {
		defer m.mu.Unlock()
		if l != nil {
			m.budget.close(l)
		}
		return m.refuseLocked(f.stream, turn, flood, busy)
	}
	m.lastIn = f.stream
	s := newStream(m, f.stream, kind, l)
	m.streams[s.id] = s
	m.mu.Unlock()
	m.accept(s)
	return nil
}

func (m *mux) refuseLocked(stream uint32, turn, flood bool, busy error) error {
	switch {
	case !turn:
		return fmt.Errorf("%w: stream %d opened out of turn", errProtocol, stream)
	case flood:
		return errFlood
	}
	m.lastIn = stream
	m.queueLocked(frameReset, stream, []byte(busy.Error()))
	return nil
}

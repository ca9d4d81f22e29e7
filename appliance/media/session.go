package media

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Session is one call's streams. All of them belong to one worker.
type Session struct {
	ID    SessionID
	relay *Relay
	work  *worker
	since time.Time

	mu      sync.Mutex // guards the rest
	label   string
	trace   string
	relayed string
	streams []carriedAt // few: a list is smaller than a map
	ended   bool
}

// carried is a stream of either role.
type carried interface {
	stream
	Stats() StreamStats
	Close()
	meters() (client, uc *meter)
	remark()
	alerts() *alert
}

// carriedAt is the stream of one m-line.
type carriedAt struct {
	index int
	carried
}

// Session finds a session or opens it.
func (r *Relay) Session(id SessionID) (*Session, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.sessions[id]; s != nil {
		return s, nil
	}
	switch {
	case r.closed || len(r.workers) == 0:
		return nil, ErrClosed
	case len(r.sessions) >= maxSessions:
		return nil, errFull
	}
	s := &Session{ID: id, relay: r, work: r.workers[r.next%len(r.workers)],
		since: r.clock()}
	r.next++
	r.sessions[id] = s
	return s, nil
}

// Describe sets what the operator sees of the session.
func (s *Session) Describe(label, trace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.label, s.trace = label, cmp.Or(trace, s.trace)
}

// End closes the session and its streams.
func (s *Session) End() {
	s.relay.mu.Lock()
	if s.relay.sessions[s.ID] == s {
		delete(s.relay.sessions, s.ID)
	}
	s.relay.mu.Unlock()
	s.summarize()
	s.closeStreams()
}

// summarize leaves one line per stream in the log, for the question why that
// call was bad.
func (s *Session) summarize() {
	all := s.Stats()
	old := s.relay.clock().Sub(all.Since) > flowing
	for _, st := range all.Streams {
		if !old { // a call refused at once owes no media
			st.Cause = ""
		}
		s.relay.log.Info("media ended", "trace", all.Trace, "call", all.Label, "stream", st.Index, "type", st.Type,
			"seconds", int(s.relay.clock().Sub(all.Since).Seconds()),
			"client_packets", st.Client.RxPackets, "client_lost", st.Client.Lost, "client_jitter_ms", st.Client.Jitter.Milliseconds(),
			"client_forged", st.Client.Forged, "client_replayed", st.Client.Replayed, "client_moves", st.Client.Moves,
			"uc_packets", st.UC.RxPackets, "uc_lost", st.UC.Lost, "uc_jitter_ms", st.UC.Jitter.Milliseconds(), "cause", st.Cause)
	}
}

func (s *Session) closeStreams() {
	s.mu.Lock()
	s.ended = true
	streams := s.streams
	s.streams = nil
	s.mu.Unlock()
	for _, st := range streams {
		st.Close()
	}
}

// put files a stream, unless the session has ended meanwhile.
func (s *Session) put(index int, st carried) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return ErrClosed
	}
	s.streams = slices.DeleteFunc(s.streams, func(a carriedAt) bool { return a.index == index })
	s.streams = append(s.streams, carriedAt{index, st})
	return nil
}

func (s *Session) forget(index int, st carried) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams = slices.DeleteFunc(s.streams, func(a carriedAt) bool { return a == carriedAt{index, st} })
}

// Stats reads the session.
func (s *Session) Stats() SessionStats {
	s.mu.Lock()
	out := SessionStats{ID: s.ID, Label: s.label, Trace: s.trace, Since: s.since, Relayed: s.relayed}
	streams := slices.Clone(s.streams)
	s.mu.Unlock()
	for _, st := range streams {
		out.Streams = append(out.Streams, st.Stats())
	}
	slices.SortFunc(out.Streams, func(a, b StreamStats) int { return cmp.Compare(a.Index, b.Index) })
	return out
}

// Status reads every session, oldest first.
func (r *Relay) Status() []SessionStats {
	r.mu.Lock()
	sessions := make([]*Session, 0, len(r.sessions))
	for _, s := range r.sessions {
		sessions = append(sessions, s)
	}
	r.mu.Unlock()
	out := make([]SessionStats, 0, len(sessions))
	for _, s := range sessions {
		out = append(out, s.Stats())
	}
	slices.SortFunc(out, func(a, b SessionStats) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Load says how full the relay is.
func (r *Relay) Load() (sessions, pairs int, packets uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ports != nil {
		pairs = r.ports.inUse()
	}
	for _, w := range r.workers {
		packets += w.handled.Load()
	}
	return len(r.sessions), pairs, packets
}

// leg is one pair of bound sockets.
type leg struct {
	relay *Relay
	pair  [2]*socket
	key   LegKey

	mu     sync.Mutex
	closed bool // its sockets may be another's by now
}

const bindTries = 16 // ports that other programs hold are passed over

// openLeg binds a free pair on an address.
func (r *Relay) openLeg(a netip.Addr) (*leg, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.openLegLocked(a)
}

func (r *Relay) openLegLocked(a netip.Addr) (*leg, error) {
	if r.closed || r.ports == nil {
		return nil, ErrClosed
	}
	if !a.IsValid() {
		return nil, errors.New("media has no address of that family")
	}
	for range bindTries {
		port, err := r.ports.take(r.clock())
		if err != nil {
			return nil, err
		}
		l, err := r.bindPair(a, port)
		if err == nil {
			return l, nil
		}
		r.ports.give(port, r.clock())
		if !errors.Is(err, unix.EADDRINUSE) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("media: %d port pairs in a row are held by another program", bindTries)
}

func (r *Relay) bindPair(a netip.Addr, port uint16) (*leg, error) {
	l := &leg{relay: r, key: LegKey{Local: netip.AddrPortFrom(a, port)}}
	for c := range l.pair {
		at := netip.AddrPortFrom(a, port+uint16(c))
		fd, err := openUDP(at, legBuffer)
		if err != nil {
			if c == 1 {
				unix.Close(l.pair[0].fd)
			}
			return nil, err
		}
		l.pair[c] = &socket{fd: fd, local: at, comp: component(c)}
	}
	l.mark(func() string { return "" })
	return l, nil
}

// local is where the leg's RTP arrives.
func (l *leg) local() netip.AddrPort { return l.pair[compRTP].local }

// close takes the leg from its worker, closes it when nobody can be using it
// any more, and lets its ports rest.
func (l *leg) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.relay.afterAll(func() {
		for _, k := range l.pair {
			closeFD(k.fd)
		}
		l.relay.mu.Lock()
		defer l.relay.mu.Unlock()
		if l.relay.ports != nil {
			l.relay.ports.give(l.pair[0].local.Port(), l.relay.clock())
		}
	})
}

func closeFD(fd int) { unix.Close(fd) }

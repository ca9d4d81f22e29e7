package traversal

import (
	"net"
	"runtime/debug"
	"sync"

	"golang.org/x/crypto/ssh"
)

// streams is the SSH connection that carries a link's streams.
type streams struct {
	conn  net.Conn
	muxes []*mux
}

// serveStreams runs a multiplexer on each channel until the connection ends.
func (k *link) serveStreams(s *session, chans []ssh.Channel, dialled bool) error {
	t := &streams{conn: s.raw}
	for _, ch := range chans {
		t.muxes = append(t.muxes, newMux(ch, dialled, k.l.budget, s.LocalAddr(), s.RemoteAddr(), k.acceptStream))
	}
	if !k.setStreams(t) {
		return ErrDown
	}
	errs := make([]error, len(t.muxes))
	var wg sync.WaitGroup
	for i, m := range t.muxes {
		wg.Go(func() {
			errs[i] = m.run()
			k.dropStreams(t) // one channel lost, all lost
		})
	}
	wg.Wait()
	return errs[0]
}

// open puts the stream on the channel that has the fewest.
func (t *streams) open(kind, tag string) (*Stream, error) {
	best := t.muxes[0]
	for _, m := range t.muxes[1:] {
		if m.load() < best.load() {
			best = m
		}
	}
	return best.open(kind, tag)
}

func (t *streams) load() int {
	n := 0
	for _, m := range t.muxes {
		n += m.load()
	}
	return n
}

// acceptStream starts the role's function for a stream of the peer.
func (k *link) acceptStream(s *Stream) {
	f := k.l.cfg.OnStream
	if f == nil {
		s.Reset("this node takes no streams")
		return
	}
	p := k.present()
	k.l.wg.Go(func() {
		defer func() {
			if r := recover(); r != nil {
				k.l.cfg.Log.Error("panic in a stream", "zone", k.zone, "kind", s.kind, "panic", r, "stack", string(debug.Stack()))
				s.Reset("internal error")
			}
		}()
		f(s.kind, p, s)
	})
}

func (k *link) setStreams(t *streams) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.connsLocked() == 0 {
		return false
	}
	if k.streams != nil {
		k.streams.conn.Close()
	}
	k.streams = t
	k.tunnelUpLocked()
	return true
}

// dropStreams takes streams whose connection is ending out, so that the next
// stream waits for the next connection.
func (k *link) dropStreams(t *streams) {
	t.conn.Close()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.streams == t {
		k.streams = nil
		k.signalLocked()
	}
}

// tunnelUpLocked clears the reason once both tunnels stand.
func (k *link) tunnelUpLocked() {
	if k.streams != nil && k.control != nil {
		k.tunWhy = ""
	}
	k.signalLocked()
}

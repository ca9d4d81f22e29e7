package media

import (
	"cmp"
	"time"

	"sallyport/appliance/rtp"
	"sallyport/appliance/stun"
	"sallyport/appliance/xapi"
)

// Two ends with ICE agents look for a path of their own and may take their media
// off this node at any time, and bring it back. Nothing tells it but the packets:
// while neither end sends any here, media is taken to go direct, and silence is
// no fault.

// Check is how one end's ICE agent proves itself to the other's (RFC 8445 7.2.2):
// the user name of its binding requests and the password they are signed by.
type Check struct{ User, Password string }

// agree notes whether both ends have an agent.
func (a *alert) agree(now int64, agents bool) {
	switch {
	case !agents:
		a.agents.Store(0)
	case a.agents.Load() == 0:
		a.agents.Store(now)
	}
}

// follow keeps track of the path and reports whether it has changed. In a hold
// the path that was taken before stays. It is the worker's.
func (a *alert) follow(client, uc *meter, now int64) (changed bool) {
	direct := a.direct.Load()
	switch agreed := a.agents.Load(); {
	case agreed == 0:
		direct = false
	case a.since[ClientSide].Load() != 0 || a.since[UCSide].Load() != 0:
		heard := max(agreed, client.lastRx.Load(), client.lastRTCP.Load(), uc.lastRx.Load(), uc.lastRTCP.Load())
		direct = time.Duration(now-heard) > flowing
	}
	return a.direct.Swap(direct) != direct
}

// tellPath leaves a line for whoever asks why a call fared as it did.
func (s *Session) tellPath(stream int, direct bool) {
	s.mu.Lock()
	trace, label := s.trace, s.label
	s.mu.Unlock()
	path := "relay"
	if direct {
		path = "direct"
	}
	s.relay.log.Info("media path", "event", "path", "path", path, "stream", stream, "trace", trace, "call", label)
}

// Relay notes why the ends of the call are not let find a direct path, "" if
// they are.
func (s *Session) Relay(why string) {
	s.mu.Lock()
	changed := s.relayed != why
	s.relayed = why
	trace, label := s.trace, s.label
	s.mu.Unlock()
	if changed && why != "" {
		s.relay.log.Info("media path", "event", "path", "path", "relay", "why", why, "trace", trace, "call", label)
	}
}

// Direct reports whether a stream of the session goes by another path.
func (s *Session) Direct() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.streams {
		if st.alerts().direct.Load() {
			return true
		}
	}
	return false
}

// reportPath says which way a call's media takes.
func (s SessionStats) reportPath(t *xapi.Node) {
	if len(s.Streams) == 0 {
		return // it never came here
	}
	path, why := "Relay", s.Relayed
	for _, st := range s.Streams {
		switch {
		case st.Direct:
			t.Leaf("MediaPath", "Direct")
			return
		case st.Agents:
			why = cmp.Or(why, "both ends have ICE and send their media here: they found no other path yet")
		}
	}
	t.Leaf("MediaPath", path)
	if why != "" {
		t.Str("MediaPathReason", why)
	}
}

// proves reports whether a packet shows that its source is the client, where no
// key does: a question of its ICE agent at any time, else any packet of the host
// that signalling named, for a short time after it did.
func (st *CoreStream) proves(w *worker, kind rtp.Kind, f frame, pkt []byte) bool {
	if f.flags&flagExpected != 0 && w.now <= st.window.Load() {
		return true
	}
	check := st.want.Load().Check
	return kind == rtp.STUN && check != Check{} && stun.Asks(pkt, check.User, check.Password)
}

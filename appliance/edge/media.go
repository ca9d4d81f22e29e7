package edge

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// MediaConfig is what edge's media needs from its node.
type MediaConfig struct {
	Relay *media.Relay
	Log   *slog.Logger
	Clock func() time.Time // nil = time.Now
}

// MediaCall is what the role knows of a call before its first description.
type MediaCall struct {
	Client   netip.AddrPort // where the client's signalling comes from
	Fallback bool           // both ends agreed on X-cisco-srtp-fallback
	Label    string         // for the operator: the Call-ID
}

// Media rewrites the session descriptions of calls that pass edge, so that
// the client's media meets edge's own ports and core's the link. Any
// goroutine may call it; calls of one session wait for each other.
type Media struct {
	cfg MediaConfig

	mu    sync.Mutex // guards calls and begun
	calls map[media.SessionID]*mediaCall
	begun int
}

// mediaCall is one session as its descriptions show it.
type mediaCall struct {
	mu sync.Mutex
	MediaCall
	began    time.Time
	touched  time.Time // when a description last came
	sess     *media.Session
	streams  map[int]*media.EdgeStream
	exchange media.Exchange[[]media.Line]
}

// NewMedia returns a Media without calls.
func NewMedia(cfg MediaConfig) *Media {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Media{cfg: cfg, calls: map[media.SessionID]*mediaCall{}}
}

// Use tells what is known of a call. The role calls it before the first
// Inward or Outward, and again when something changes, for instance when the
// client comes back on another connection.
func (m *Media) Use(id media.SessionID, call MediaCall) {
	c := m.call(id)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.MediaCall = call
}

// Knows tells whether a call's media has been spoken of before.
func (m *Media) Knows(id media.SessionID) bool { return m.find(id) != nil }

// call finds a session or begins it.
func (m *Media) call(id media.SessionID) *mediaCall {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.calls[id]
	if c == nil {
		m.sweepLocked()
		now := m.cfg.Clock()
		c = &mediaCall{began: now, touched: now, streams: map[int]*media.EdgeStream{}}
		m.calls[id] = c
	}
	return c
}

// Sessions that nobody ended go when this long no packet came. It is longer
// than any hold, because a held call is silent too.
const (
	mediaIdle  = 4 * time.Hour
	mediaSweep = 64 // calls begun between two looks
)

// sweepLocked ends what the role has forgotten, now and then.
func (m *Media) sweepLocked() {
	if m.begun++; m.begun%mediaSweep != 0 {
		return
	}
	for id, c := range m.calls {
		if c.mu.TryLock() { // one that is busy is not idle
			idle := m.cfg.Clock().Sub(c.touched)
			if c.sess != nil {
				idle = min(idle, c.sess.Idle())
			}
			if idle > mediaIdle {
				delete(m.calls, id)
				if c.sess != nil {
					c.sess.End()
				}
			}
			c.mu.Unlock()
		}
	}
}

func (m *Media) find(id media.SessionID) *mediaCall {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[id]
}

// Inward rewrites a description that travels from the client towards core. A
// *media.Refused error carries the answer for its sender; then nothing has
// changed.
func (m *Media) Inward(id media.SessionID, kind media.Kind, body []byte, trace string) ([]byte, error) {
	return m.pass(id, kind, body, trace, (*mediaCall).inward)
}

// Outward rewrites a description that travels from core towards the client.
// What it returns names no inside address.
func (m *Media) Outward(id media.SessionID, kind media.Kind, body []byte, trace string) ([]byte, error) {
	return m.pass(id, kind, body, trace, (*mediaCall).outward)
}

type mediaPass func(*mediaCall, *media.Relay, media.Kind, *sdp.Body) error

func (m *Media) pass(id media.SessionID, kind media.Kind, body []byte, trace string, way mediaPass) ([]byte, error) {
	b, err := sdp.Parse(body)
	if err != nil {
		return nil, &media.Refused{Status: 400, Reason: "Bad session description: " + err.Error()}
	}
	c := m.call(id)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.touched = m.cfg.Clock()
	if c.sess == nil {
		if c.sess, err = m.cfg.Relay.Session(id); err != nil {
			return nil, media.NoRoom(err)
		}
	}
	c.sess.Describe(c.Label, trace)
	if err := way(c, m.cfg.Relay, kind, b); err != nil {
		m.cfg.Log.Info("media refused", "trace", trace, "kind", kind.String(), "why", err.Error())
		return nil, err
	}
	return b.Bytes(), nil
}

// Pending reports whether an offer of that side waits for its answer.
func (m *Media) Pending(id media.SessionID, from media.Side) bool {
	c := m.find(id)
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.exchange.Pending(from)
}

// Rollback forgets the offer that was refused; the session goes on as before
// it, or ends if there was none.
func (m *Media) Rollback(id media.SessionID) {
	c := m.find(id)
	if c == nil {
		return
	}
	c.mu.Lock()
	settled := c.exchange.Settled()
	c.exchange.Rollback()
	if settled {
		c.closeUnused()
	}
	c.mu.Unlock()
	if !settled {
		m.End(id)
	}
}

// End closes a session; its ports rest. Unknown ids are no error.
func (m *Media) End(id media.SessionID) {
	m.mu.Lock()
	c := m.calls[id]
	delete(m.calls, id)
	m.mu.Unlock()
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sess != nil {
		c.sess.End()
	}
}

// Status reads every session.
func (m *Media) Status() []media.SessionStats { return m.cfg.Relay.Status() }

package call

import (
	"log/slog"
	"sync"
	"time"

	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// Party is one call as a role rewrites its descriptions. Its Media calls it
// under the call's lock. A *media.Refused error carries the answer for the
// description's sender; then nothing has changed.
type Party interface {
	Begin(*media.Session) // before the first description
	// Turn is told what each description is part of, before Inward or Outward. It
	// reports false where that was overtaken; then nothing may change.
	Turn(from media.Side, kind media.Kind, of media.ExchangeID) bool
	Inward(media.Kind, *sdp.Body) error
	Outward(media.Kind, *sdp.Body) error
	Pending(from media.Side) bool
	Settled() bool
	Rollback(of media.ExchangeID)
}

// Config is what a Media needs of its role. Only Relay must be set.
type Config struct {
	Relay *media.Relay
	Log   *slog.Logger     // nil: none
	Clock func() time.Time // nil: time.Now
}

// Media rewrites the session descriptions of the calls that pass a role. Any
// goroutine may call it; calls of one session wait for each other.
type Media[P Party] struct {
	cfg   Config
	party func(since time.Time) P

	mu    sync.Mutex // guards calls and begun
	calls map[media.SessionID]*held[P]
	begun int
}

// held is one session.
type held[P Party] struct {
	mu      sync.Mutex
	party   P
	label   string
	touched time.Time // when a description last came
	sess    *media.Session
}

// NewMedia returns a Media without calls. party makes the role's part of a new
// one.
func NewMedia[P Party](cfg Config, party func(since time.Time) P) *Media[P] {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Media[P]{cfg: cfg, party: party, calls: map[media.SessionID]*held[P]{}}
}

// Use has f tell a call's party what the role knows; the call begins with it if
// it is new. label is for the operator: the Call-ID.
func (m *Media[P]) Use(id media.SessionID, label string, f func(P)) {
	c := m.call(id)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.label = label
	f(c.party)
}

// Look has f read a call's party; false if there is no such call.
func (m *Media[P]) Look(id media.SessionID, f func(P)) bool {
	c := m.find(id)
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.party)
	return true
}

// Knows tells whether a call's media has been spoken of before.
func (m *Media[P]) Knows(id media.SessionID) bool { return m.find(id) != nil }

// call finds a session or begins it.
func (m *Media[P]) call(id media.SessionID) *held[P] {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.calls[id]
	if c == nil {
		m.sweepLocked()
		now := m.cfg.Clock()
		c = &held[P]{party: m.party(now), touched: now}
		m.calls[id] = c
	}
	return c
}

// Sessions that nobody ended go when this long no packet came. It is longer
// than any hold, because a held call is silent too.
const (
	idleLimit  = 4 * time.Hour
	sweepEvery = 64 // calls begun between two looks
)

// directLimit is that for calls whose media takes a path of its own.
const directLimit = 24 * time.Hour

// sweepLocked ends what the role has forgotten, now and then.
func (m *Media[P]) sweepLocked() {
	if m.begun++; m.begun%sweepEvery != 0 {
		return
	}
	for id, c := range m.calls {
		if c.mu.TryLock() { // one that is busy is not idle
			if c.idle(m.cfg.Clock()) > c.limit() {
				delete(m.calls, id)
				c.end()
			}
			c.mu.Unlock()
		}
	}
}

func (c *held[P]) idle(now time.Time) time.Duration {
	idle := now.Sub(c.touched)
	if c.sess != nil {
		idle = min(idle, c.sess.Idle())
	}
	return idle
}

func (c *held[P]) limit() time.Duration {
	if c.sess != nil && c.sess.Direct() {
		return directLimit
	}
	return idleLimit
}

func (c *held[P]) end() {
	if c.sess != nil {
		c.sess.End()
	}
}

func (m *Media[P]) find(id media.SessionID) *held[P] {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[id]
}

// Inward rewrites a description that travels from the client's side towards
// call control; of is what it is part of, 0 where that is not known. On a
// *media.Refused error nothing has changed.
func (m *Media[P]) Inward(id media.SessionID, of media.ExchangeID, kind media.Kind, body []byte, trace string) ([]byte, error) {
	return m.pass(id, said{media.ClientSide, of, kind, body, trace}, P.Inward)
}

// Outward rewrites a description that travels towards the client.
func (m *Media[P]) Outward(id media.SessionID, of media.ExchangeID, kind media.Kind, body []byte, trace string) ([]byte, error) {
	return m.pass(id, said{media.UCSide, of, kind, body, trace}, P.Outward)
}

// said is a description as it came.
type said struct {
	from  media.Side
	of    media.ExchangeID
	kind  media.Kind
	body  []byte
	trace string
}

func (m *Media[P]) pass(id media.SessionID, s said, way func(P, media.Kind, *sdp.Body) error) ([]byte, error) {
	b, err := sdp.Parse(s.body)
	if err != nil {
		return nil, &media.Refused{Status: 400, Reason: "Bad session description: " + err.Error()}
	}
	c := m.spokenOf(id, s.kind)
	if c == nil {
		return nil, withoutOffer()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.party.Turn(s.from, s.kind, s.of) {
		m.cfg.Log.Info("media overtaken", "trace", s.trace, "kind", s.kind.String())
		return nil, errOvertaken
	}
	c.touched = m.cfg.Clock()
	if c.sess == nil {
		if c.sess, err = m.cfg.Relay.Session(id); err != nil {
			return nil, media.NoRoom(err)
		}
		c.party.Begin(c.sess)
	}
	c.sess.Describe(c.label, s.trace)
	if err := way(c.party, s.kind, b); err != nil {
		m.cfg.Log.Info("media refused", "trace", s.trace, "kind", s.kind.String(), "why", err.Error())
		return nil, err
	}
	return b.Bytes(), nil
}

// spokenOf is the session of a description. An answer begins none: it would bring
// back one that is over.
func (m *Media[P]) spokenOf(id media.SessionID, kind media.Kind) *held[P] {
	if kind == media.Answer {
		return m.find(id)
	}
	return m.call(id)
}

// Pending reports whether an offer of that side waits for its answer.
func (m *Media[P]) Pending(id media.SessionID, from media.Side) bool {
	c := m.find(id)
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.party.Pending(from)
}

// Rollback forgets the offer that was refused, 0 all that wait; the session goes
// on as before it, or ends if there was none.
func (m *Media[P]) Rollback(id media.SessionID, of media.ExchangeID) {
	c := m.find(id)
	if c == nil {
		return
	}
	c.mu.Lock()
	settled := c.party.Settled()
	c.party.Rollback(of)
	c.mu.Unlock()
	if !settled {
		m.End(id)
	}
}

// End closes a session; its ports rest. Unknown ids are no error.
func (m *Media[P]) End(id media.SessionID) {
	m.mu.Lock()
	c := m.calls[id]
	delete(m.calls, id)
	m.mu.Unlock()
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end()
}

// Status reads every session.
func (m *Media[P]) Status() []media.SessionStats { return m.cfg.Relay.Status() }

package edge

import (
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"sallyport/appliance/media"
)

// MediaConfig is what edge's media needs from its node.
type MediaConfig struct {
	Relay *media.Relay
	Log   *slog.Logger
	Clock func() time.Time // nil = time.Now
	Rand  io.Reader        // nil = crypto/rand
}

// MediaCall is what the role knows of a call before its first description.
type MediaCall struct {
	Client   netip.AddrPort // where the client's signalling comes from
	Fallback bool           // both ends agreed on X-cisco-srtp-fallback
	Label    string         // for the operator: the Call-ID
}

// Media rewrites the session descriptions of calls that pass edge.
type Media struct{ cfg MediaConfig }

// NewMedia returns a Media without calls.
func NewMedia(cfg MediaConfig) *Media { return &Media{cfg: cfg} }

// Use tells what is known of a call; call it before the first Inward or Outward, and again when it changes.
func (m *Media) Use(id media.SessionID, call MediaCall) {}

// Inward rewrites a description that travels from the client towards core. A *media.Refused error carries the answer for its sender.
func (m *Media) Inward(id media.SessionID, kind media.Kind, body []byte, trace string) ([]byte, error) {
	return nil, errors.New("media: not running")
}

// Outward rewrites a description that travels from core towards the client.
func (m *Media) Outward(id media.SessionID, kind media.Kind, body []byte, trace string) ([]byte, error) {
	return nil, errors.New("media: not running")
}

// Pending reports whether an offer of that side waits for its answer.
func (m *Media) Pending(id media.SessionID, from media.Side) bool { return false }

// Rollback forgets the offer that was refused; the session goes on as before it, or ends if there was none.
func (m *Media) Rollback(id media.SessionID) {}

// End closes a session; its ports rest. Unknown ids are no error.
func (m *Media) End(id media.SessionID) {}

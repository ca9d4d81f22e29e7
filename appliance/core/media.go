package core

import (
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"sallyport/appliance/media"
)

// MediaConfig is what core's media needs from its node.
type MediaConfig struct {
	Relay     *media.Relay
	Log       *slog.Logger
	EdgeMedia func(peer string) (rtp, rtcp netip.AddrPort, ok bool) // 2776 and 2777 at the address the link to peer dialled
	Clock     func() time.Time                                      // nil = time.Now
	Rand      io.Reader                                             // nil = crypto/rand
}

// MediaCall is what the role knows of a call before its first description.
type MediaCall struct {
	Peer   string       // the link peer (an edge), as EdgeMedia knows it
	Policy media.Policy // what the inside hop wants
	Label  string       // for the operator: the Call-ID
}

// Media rewrites the session descriptions of calls that pass core.
type Media struct{ cfg MediaConfig }

// NewMedia returns a Media without calls.
func NewMedia(cfg MediaConfig) *Media { return &Media{cfg: cfg} }

// Use tells what is known of a call; call it before the first Inward or Outward, and again when it changes.
func (m *Media) Use(id media.SessionID, call MediaCall) {}

// Inward rewrites a description that travels from edge towards the UC side. A *media.Refused error carries the answer for its sender.
func (m *Media) Inward(id media.SessionID, kind media.Kind, body []byte, trace string) ([]byte, error) {
	return nil, errors.New("media: not running")
}

// Outward rewrites a description that travels from the UC side towards edge.
func (m *Media) Outward(id media.SessionID, kind media.Kind, body []byte, trace string) ([]byte, error) {
	return nil, errors.New("media: not running")
}

// Pending reports whether an offer of that side waits for its answer.
func (m *Media) Pending(id media.SessionID, from media.Side) bool { return false }

// Rollback forgets the offer that was refused; the session goes on as before it, or ends if there was none.
func (m *Media) Rollback(id media.SessionID) {}

// End closes a session; its ports rest. Unknown ids are no error.
func (m *Media) End(id media.SessionID) {}

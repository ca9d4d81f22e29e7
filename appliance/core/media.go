package core

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"sallyport/appliance/call"
	"sallyport/appliance/media"
)

// MediaConfig is what core's media needs from its node.
type MediaConfig struct {
	Relay     *media.Relay
	Log       *slog.Logger
	EdgeMedia func(peer string) (rtp, rtcp netip.AddrPort, ok bool) // 2776 and 2777 at the address that the link to peer dialled
	Clock     func() time.Time                                      // nil = time.Now
	Rand      io.Reader                                             // nil = crypto/rand
}

// MediaCall is what the role knows of a call before its first description.
type MediaCall struct {
	Peer   string       // the link peer (an edge), as EdgeMedia knows it
	Policy media.Policy // what the inside hop wants
	Label  string       // for the operator: the Call-ID
}

// Media rewrites the session descriptions of calls that pass core: SRTP
// by the link on the client's side, RTP or SRTP with other keys inside. Any
// goroutine may call it; calls of one session wait for each other.
type Media struct {
	*call.Media[*mediaCall]
	outside *agents // of all calls
}

// mediaCall is one session as its descriptions show it.
type mediaCall struct {
	call.Talk[mediaLine, *media.CoreStream]
	MediaCall
	cfg     *MediaConfig
	keyring         // our master keys, one per stream, side and suite for the whole session
	agents  *agents // of all calls
}

// NewMedia returns a Media without calls.
func NewMedia(cfg MediaConfig) *Media {
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	outside := newAgents()
	m := &Media{outside: outside}
	m.Media = call.NewMedia(call.Config{Relay: cfg.Relay, Log: cfg.Log, Clock: cfg.Clock}, func(since time.Time) *mediaCall {
		return &mediaCall{Talk: call.NewTalk[mediaLine, *media.CoreStream](since), cfg: &cfg, keyring: newKeyring(cfg.Rand), agents: outside}
	})
	outside.knows = m.Knows
	return m
}

// Use tells what is known of a call. The role calls it before the first
// Inward or Outward, and again when something changes.
func (m *Media) Use(id media.SessionID, known MediaCall) {
	m.Media.Use(id, known.Label, func(c *mediaCall) { c.MediaCall = known })
}

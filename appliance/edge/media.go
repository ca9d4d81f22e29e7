package edge

import (
	"log/slog"
	"net/netip"
	"time"

	"sallyport/appliance/call"
	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// MediaConfig is what edge's media needs from its node.
type MediaConfig struct {
	Relay   *media.Relay
	Log     *slog.Logger
	Clock   func() time.Time // nil = time.Now
	OnAgent func(sdp.ICE)    // hears of each ICE agent of a client; must not block; nil = nobody
}

// MediaCall is what the role knows of a call before its first description.
type MediaCall struct {
	Client netip.AddrPort // where the client's signalling comes from
	Label  string         // for the operator: the Call-ID
}

// Media rewrites the session descriptions of calls that pass edge, so that
// the client's media meets edge's own ports and core's the link. Any
// goroutine may call it; calls of one session wait for each other.
type Media struct{ *call.Media[*mediaCall] }

// mediaCall is one session as its descriptions show it.
type mediaCall struct {
	call.Talk[media.Line, *media.EdgeStream]
	MediaCall
	relay   *media.Relay
	onAgent func(sdp.ICE)
}

// NewMedia returns a Media without calls.
func NewMedia(cfg MediaConfig) *Media {
	if cfg.OnAgent == nil {
		cfg.OnAgent = func(sdp.ICE) {}
	}
	return &Media{call.NewMedia(call.Config{Relay: cfg.Relay, Log: cfg.Log, Clock: cfg.Clock}, func(since time.Time) *mediaCall {
		return &mediaCall{Talk: call.NewTalk[media.Line, *media.EdgeStream](since), relay: cfg.Relay, onAgent: cfg.OnAgent}
	})}
}

// Use tells what is known of a call. The role calls it before the first
// Inward or Outward, and again when something changes, for instance when the
// client comes back on another connection.
func (m *Media) Use(id media.SessionID, known MediaCall) {
	m.Media.Use(id, known.Label, func(c *mediaCall) { c.MediaCall = known })
}

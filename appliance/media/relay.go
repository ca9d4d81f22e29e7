package media

import (
	"context"
	"io"
	"log/slog"
	"time"
)

// Config is what a relay needs from its node.
type Config struct {
	Log      *slog.Logger
	Clock    func() time.Time // nil = time.Now
	Rand     io.Reader        // nil = crypto/rand
	Workers  int              // threads; 0 = one per processor
	OnSilent func(Silence)    // media of an active stream stopped; called from Run's goroutine
}

// Silence reports that nothing arrived from one side of an active stream.
type Silence struct {
	Session SessionID
	Trace   string
	Stream  int // m-line
	Side    Side
	For     time.Duration
	All     bool // every active stream of the session is silent on both sides
}

// Relay is one node's media plane.
type Relay struct {
	cfg Config
}

// New returns a relay that carries nothing until Apply and Run.
func New(cfg Config) *Relay { return &Relay{cfg: cfg} }

// Apply makes plan real. Sessions keep their ports.
func (r *Relay) Apply(p Plan) error { return nil }

// Run carries packets until ctx ends, then closes every socket.
func (r *Relay) Run(ctx context.Context) error { <-ctx.Done(); return nil }

package signaling

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"runtime/debug"
	"time"

	"sallyport/appliance/sip"
)

// Conn is one connection as the proxy sees it. Send must not keep b, must not
// block longer than the connection's write deadline, and an error from it means
// that the connection is gone. Two Conns with one ID are the same connection.
type Conn interface {
	ID() uint64
	Network() string // "UDP", "TCP" or "TLS", as written in Via
	Reliable() bool
	Local() netip.AddrPort
	Remote() netip.AddrPort
	Zone() string
	Send(b []byte) error
}

// Config is what a Proxy needs. Only Handler is required.
type Config struct {
	// Handler gets every new request except CANCEL, and every ACK for a 2xx.
	// It runs in the reader's goroutine and must not block. It calls Reply or
	// Forward, at once or later from any goroutine.
	Handler func(*Request)

	Log             *slog.Logger
	Clock           func() time.Time
	Rand            func() uint64 // for branch identifiers; must not be guessable
	MaxTransactions int           // server transactions held at once; more get 503
	MaxDials        int           // calls whose Branch.Dial runs at once; more get 503
	Tap             Tap           // nil: nobody looks
	Product         string        // Server header of answers made here; empty: none
	// Same tells, beyond the same connection, whether a response that came over
	// got may answer what was sent over sent: a trusted peer may have opened
	// another (RFC 3261 18.2.2). nil: never on a reliable transport.
	Same func(sent, got Conn) bool
	// Revive makes the edit again of a branch that Kept something: for a 2xx
	// that comes after the one that was relayed to the caller over back.
	Revive func(kept []byte, back Conn, trace string) func(resp *sip.Message)

	ProxyRequire []string      // option tags that the role understands
	TimerC       time.Duration // how long a call may ring without news
}

// Proxy holds the transactions. New makes it, Run drives its timers.
type Proxy struct {
	cfg      Config
	start    time.Time
	seed     maphash.Seed
	server   serverTable
	client   clientTable
	answered answeredTable
	watch    watchTable
	wheel    wheel
	calls    callQueues
	off      offReader
	count    counters
}

// New returns a proxy; it runs nothing by itself.
func New(cfg Config) *Proxy {
	cfg.setDefaults()
	p := &Proxy{cfg: cfg, start: cfg.Clock(), seed: maphash.MakeSeed()}
	p.server.init(cfg.MaxTransactions)
	p.client.init()
	p.answered.init(p, 2*cfg.MaxTransactions)
	p.watch.init()
	p.wheel.init()
	p.calls.init(cfg.MaxDials)
	p.off.init()
	return p
}

func (c *Config) setDefaults() {
	if c.Handler == nil {
		panic("signaling: Config without Handler")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Uint64
	}
	if c.MaxTransactions <= 0 {
		c.MaxTransactions = 50_000
	}
	if c.MaxDials <= 0 {
		c.MaxDials = 512
	}
	if c.TimerC <= 0 {
		c.TimerC = timerC
	}
}

// Run drives the timers until ctx ends, then waits for what runs off the
// readers. Messages may be received before Run, but nothing times out then.
func (p *Proxy) Run(ctx context.Context) error {
	defer p.off.close()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		due := p.wheel.expire(p.now())
		for _, t := range due {
			t.tick(p.now())
		}
		timer.Reset(p.pause())
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-p.wheel.wake:
		}
	}
}

// pause is how long Run may sleep.
func (p *Proxy) pause() time.Duration {
	now := p.now()
	pause := p.wheel.pause(now)
	if next := p.answered.expire(now); next != 0 {
		pause = min(pause, next-now)
	}
	return pause
}

// Receive takes one whole message that came over c, from c's reader and in the
// order of the connection. It keeps m. trace is handed on to the Request.
func (p *Proxy) Receive(c Conn, m *sip.Message, trace string) {
	if !m.Request() {
		p.count.responses.Add(1)
		p.response(c, m)
		return
	}
	p.count.requests.Add(1)
	p.tap(c, false, trace, m)
	switch m.Method() {
	case "ACK":
		p.ack(c, m, trace)
	case "CANCEL":
		p.cancel(c, m)
	default:
		p.request(c, m, trace)
	}
}

// Refuse answers a message that the parser found at fault, without a
// transaction, if enough of it could be read to answer at all.
func (p *Proxy) Refuse(c Conn, f *sip.Fault) {
	p.count.refused.Add(1)
	if f == nil || f.Msg == nil || !f.Msg.Request() || f.Msg.Method() == "ACK" || !f.Msg.Has("Via") {
		return
	}
	stampVia(c, f.Msg)
	p.replyStateless(c, f.Msg, f.Status, f.Reason)
}

// ConnClosed tells that c is gone: branches that wait for an answer over it
// fail with 503, and calls that came over it and are not answered are cancelled.
func (p *Proxy) ConnClosed(c Conn) {
	if !c.Reliable() {
		return
	}
	for _, w := range p.watch.take(c.ID()) {
		w.connClosed()
	}
}

// now is the proxy's time: how long it has existed.
func (p *Proxy) now() time.Duration { return p.cfg.Clock().Sub(p.start) }

// handle runs the role's handler and turns its panic into a 500.
func (p *Proxy) handle(r *Request) {
	defer func() {
		if v := recover(); v != nil {
			p.panicked("handler", r.Trace, v)
			r.Reply(500, "Server Internal Error")
		}
	}()
	p.cfg.Handler(r)
}

// shielded runs a callback of the role and reports whether it returned.
func (p *Proxy) shielded(what, trace string, f func()) (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			p.panicked(what, trace, v)
		}
	}()
	f()
	return true
}

func (p *Proxy) panicked(where, trace string, v any) {
	p.count.panics.Add(1)
	p.cfg.Log.Error("sip callback panicked", "where", where, "trace", trace, "panic", v, "stack", string(debug.Stack()))
}

// StatusError lets Branch.Dial say which answer its failure becomes; any other
// error becomes 503.
type StatusError struct {
	Status int
	Reason string
	Fields []sip.Field
}

// Error returns the reason.
func (e *StatusError) Error() string { return e.Reason }

func asStatus(err error) *StatusError {
	var s *StatusError
	if errors.As(err, &s) {
		return s
	}
	return &StatusError{Status: 503, Reason: "Service Unavailable"}
}

package xmpp

import (
	"context"
	"crypto/tls"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/door"
)

// GateConfig is what a Gate needs of its node.
type GateConfig struct {
	Log      *slog.Logger
	TLS      *tls.Config                                              // as clients see it; asked by SNI, else by the stream's domain
	Open     func(ctx context.Context, zone string) (net.Conn, error) // a stream to a core; zone as in the plan
	Trace    func() string                                            // a fresh trace id
	OnListen func(addr netip.AddrPort, err error)                     // nil err: bound, or not wanted any more
	Clock    func() time.Time                                         // nil: time.Now
	Limits   Limits
}

// Gate is edge's end.
type Gate struct {
	cfg       GateConfig
	limits    Limits
	listeners door.Listeners
	conns     *door.Count
	guests    *door.Count
	held      *budget
	full      door.Seldom
	lines     *door.Brake // of the log, about refusals
	plan      atomic.Pointer[GatePlan]

	wait   sync.WaitGroup // of visits
	mu     sync.Mutex
	visits map[*visit]struct{}

	traffic
	total, logins, refused atomic.Int64
	most                   int // visits at once; guarded by mu
}

// NewGate returns a gate that listens nowhere yet.
func NewGate(cfg GateConfig) *Gate {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	l := cfg.Limits.withDefaults()
	g := &Gate{
		cfg: cfg, limits: l, full: door.Seldom{Clock: cfg.Clock}, lines: door.NewBrake(cfg.Log, cfg.Clock, "chat streams refused"), held: &budget{left: l.HeldBytes},
		conns: door.NewCount(l.Conns, l.SourceConns), guests: door.NewCount(l.Guests, l.SourceGuests),
		visits: map[*visit]struct{}{},
	}
	g.plan.Store(&GatePlan{})
	g.listeners = door.Listeners{Service: "xmpp", Told: cfg.OnListen}
	return g
}

// Apply makes a plan real: listeners that are not wanted close, streams of
// domains that are served no more end, and all of them where push was switched,
// since clients agree on that when they sign in. It may be called again with the
// same plan, which tries again what failed.
func (g *Gate) Apply(p GatePlan) error {
	p.Domains = maps.Clone(p.Domains)
	before := g.plan.Swap(&p)
	var wait sync.WaitGroup
	g.mu.Lock()
	for v := range g.visits {
		if why := p.ends(v.domain, before); why != nil {
			wait.Go(func() { v.end(why) })
		}
	}
	g.mu.Unlock()
	wait.Wait()
	return g.listeners.Apply(p.Listen)
}

// ends tells why the streams of a domain cannot go on, or nil.
func (p *GatePlan) ends(domain string, before *GatePlan) *Fault {
	_, served := p.Domains[domain]
	switch {
	case domain == "":
		return nil // it has not said yet what it wants
	case !served:
		return fault(condHostGone, "the domain is not served any more")
	case p.Fcm != before.Fcm:
		return fault(condReset, "push was switched: sign in again")
	}
	return nil
}

// Run serves until ctx ends, and may be run again. When it returns, nothing of
// what it served goes on.
func (g *Gate) Run(ctx context.Context) error {
	g.listeners.Run(ctx, func(open net.Listener) error {
		return door.Accept(ctx, open, nil, func(c net.Conn) { g.wait.Go(func() { g.serve(ctx, c) }) })
	})
	g.wait.Wait()
	return nil
}

// serve takes one client from its first byte to its last.
func (g *Gate) serve(ctx context.Context, c net.Conn) {
	source := door.AddrPort(c.RemoteAddr()).Addr()
	defer c.Close()
	if !g.conns.Enter(source) {
		g.tooMany(c, source)
		return
	}
	defer g.conns.Leave(source)
	mark(c, g.plan.Load().DSCP)
	if !g.guests.Enter(source) {
		g.tooMany(c, source)
		return
	}
	v := &visit{g: g, ctx: ctx, raw: c, source: source, trace: g.cfg.Trace(), since: g.cfg.Clock()}
	v.known = sync.OnceFunc(func() { g.guests.Leave(source) })
	defer v.known()
	defer func() {
		if r := recover(); r != nil {
			g.cfg.Log.Error("panic in a chat stream", "panic", r, "stack", string(debug.Stack()), "trace", v.trace)
		}
	}()
	g.enter(v)
	defer g.leave(v)
	defer whenDone(ctx, func() { v.end(fault(condShutdown, "")) })()
	v.run()
}

// whenDone calls f once ctx is done; the function that it returns takes that
// back, or waits for f.
func whenDone(ctx context.Context, f func()) (stop func()) {
	ended := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(ended)
		f()
	})
	return func() {
		if !cancel() {
			<-ended
		}
	}
}

// tooMany refuses without spending anything: one write into an empty buffer.
func (g *Gate) tooMany(c net.Conn, source netip.Addr) {
	g.refused.Add(1)
	if skipped, ok := g.full.Now(); ok {
		g.cfg.Log.Warn("chat gate is full", "event", "refused", "client", source, "skipped", skipped)
	}
	o := &outlet{conn: c, wait: g.limits.Farewell}
	o.fail(fault(condResources, "too many connections"))
}

func (g *Gate) enter(v *visit) {
	g.total.Add(1)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.visits[v] = struct{}{}
	g.most = max(g.most, len(g.visits))
}

func (g *Gate) leave(v *visit) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.visits, v)
}

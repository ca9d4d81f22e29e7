package xmpp

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ServerConfig is what a Server needs of its node.
type ServerConfig struct {
	Log   *slog.Logger
	Clock func() time.Time                                                  // nil: time.Now
	Dial  func(ctx context.Context, network, addr string) (net.Conn, error) // nil: a plain dialer
	TLS   func(n Node, domain string) *tls.Config                           // towards a node, verifying it
	// Home names the nodes that a user is at home on, best first; an error
	// refuses the login. Nil, or no names: any node of the domain will do. Whom a
	// mechanism hides is "".
	Home func(ctx context.Context, domain, user string) (hosts []string, err error)
	// MayTry counts an attempt of a user to log in from a source; false: there
	// were too many. Proven says that one turned out well. Nil: no matter how many.
	MayTry func(domain, user, source string) bool
	Proven func(domain, user, source string)
	// Secret makes a secret of a text, the same each time. Nil: the text, which is none.
	Secret func(of string) []byte
	// OnNode is told how the last try to reach a node went, when that changes.
	OnNode func(n Node, err error)
	Limits Limits
}

// Server is core's end.
type Server struct {
	cfg    ServerConfig
	limits Limits
	held   *budget
	plan   atomic.Pointer[Plan]
	nodes  nodes

	refusals   refusals
	challenges refusals
	decoys     decoys

	mu       sync.Mutex
	ctx      context.Context // of Run, while it runs
	sessions map[*session]struct{}
	most     int
	wait     sync.WaitGroup

	traffic
	total, logins, denied atomic.Int64
}

// NewServer returns a server that serves no domain yet.
func NewServer(cfg ServerConfig) *Server {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{}).DialContext
	}
	if cfg.Secret == nil {
		cfg.Secret = func(of string) []byte { return []byte(of) }
	}
	l := cfg.Limits.withDefaults()
	s := &Server{cfg: cfg, decoys: decoys{key: cfg.Secret}, limits: l, held: &budget{left: l.HeldBytes}, sessions: map[*session]struct{}{}}
	s.nodes = nodes{clock: cfg.Clock, told: cfg.OnNode, all: map[Node]*health{}}
	s.plan.Store(&Plan{})
	return s
}

// Apply makes a plan the one in force. Streams of domains that are served no
// more, or on nodes that serve them no more, end; their clients come back.
func (s *Server) Apply(p Plan) error {
	s.plan.Store(&p)
	s.nodes.keep(p)
	var wait sync.WaitGroup
	s.mu.Lock()
	for c := range s.sessions {
		if f := p.outdated(c.domain, c.at); f != nil {
			wait.Go(func() { c.end(f) })
		}
	}
	s.mu.Unlock()
	wait.Wait()
	return nil
}

// outdated is why a stream cannot go on under the plan; nil if it can. A zero
// node is none yet.
func (p *Plan) outdated(domain string, at Node) *Fault {
	list, served := p.Domains[domain]
	switch {
	case !served:
		return fault(condHostGone, "the domain is not served any more")
	case at != Node{} && !slices.Contains(list, at):
		return fault(condReset, "come back to be served elsewhere")
	}
	return nil
}

// Run lets streams be served until ctx ends, and may be run again. When it
// returns, nothing of what it served goes on.
func (s *Server) Run(ctx context.Context) error {
	s.mu.Lock()
	s.ctx = ctx
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	s.ctx = nil
	s.mu.Unlock()
	s.wait.Wait()
	return nil
}

// ServeStream takes a stream that edge opened, and owns it until it returns.
// speaks tells for which domains that edge may ask; nil: for all.
func (s *Server) ServeStream(link net.Conn, speaks func(domain string) bool) {
	defer link.Close()
	s.mu.Lock()
	ctx := s.ctx
	if ctx == nil || ctx.Err() != nil {
		s.mu.Unlock()
		return
	}
	s.wait.Add(1)
	s.mu.Unlock()
	defer s.wait.Done()
	_ = link.SetDeadline(time.Now().Add(s.limits.Login + s.limits.TLS))
	p, err := readPreamble(link)
	if err != nil {
		s.cfg.Log.Warn("chat stream of edge", "event", "failed", "err", err)
		return
	}
	c := &session{
		s: s, ctx: ctx, link: link, domain: p.Domain, client: printable(p.Client), trace: printable(p.Trace), foreign: speaks != nil && !speaks(p.Domain),
		out: &outlet{conn: link, wait: s.limits.Write, domain: p.Domain},
	}
	s.enter(c)
	defer s.leave(c)
	defer whenDone(ctx, func() { c.end(fault(condShutdown, "")) })()
	c.run()
}

func (s *Server) enter(c *session) {
	s.total.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[c] = struct{}{}
	s.most = max(s.most, len(s.sessions))
}

func (s *Server) leave(c *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, c)
}

// settle notes the node that a stream is on. If the plan has changed since, the
// stream cannot stay.
func (s *Server) settle(c *session, n Node) error {
	s.mu.Lock()
	c.at = n
	s.mu.Unlock()
	if f := s.plan.Load().outdated(c.domain, n); f != nil {
		return f
	}
	return nil
}

var errNoNode = errors.New("no node of the domain answers")

package httpproxy

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"sallyport/appliance/allow"
	"sallyport/appliance/door"
	"sallyport/appliance/state"
)

// ServerConfig is what a Server needs of its node.
type ServerConfig struct {
	Log       *slog.Logger
	Clock     func() time.Time              // nil: time.Now
	TLS       func(host string) *tls.Config // to an origin, verifying its name
	Loose     func(host string) *tls.Config // the same, verifying nothing
	State     *state.Store                  // where logins are kept; nil: in memory
	Auth      Auth                          // what sign-in has of other planes
	LookupSRV SRVLookup                     // inside DNS; nil: none
	Tap       Tap                           // nil: nobody is traced
	Limits    Limits
}

// Server is core's end.
type Server struct {
	cfg    ServerConfig
	limits Limits
	conns  handover
	proxy  *httputil.ReverseProxy
	tap    tap
	live   atomic.Pointer[live]
	clock  func() time.Time

	sessions *sessions
	rate     *door.Ration[string]
	known    *door.Ration[string] // sources from which somebody came in
	lines    *door.Brake          // of the log, about denials
	ailing   *ailing
	logins   chan struct{} // a place for each in progress
	refused  struct{ credentials, rate, unavailable atomic.Int64 }

	onboarded onboarded
}

// live is the plan in force; never changed.
type live struct {
	Plan
	list *allow.List
}

// NewServer returns a server that lets nothing through yet.
func NewServer(cfg ServerConfig) *Server {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.State == nil {
		cfg.State, _ = state.Open("", cfg.Clock) // in memory it cannot fail
	}
	s := &Server{
		cfg: cfg, limits: cfg.Limits.withDefaults(), conns: make(handover), tap: tap{cfg.Tap}, clock: cfg.Clock,
		sessions: newSessions(cfg.State, cfg.Clock), rate: door.NewRation[string](cfg.Clock), known: door.NewRation[string](cfg.Clock), lines: door.NewBrake(cfg.Log, cfg.Clock, "http requests denied"),
		ailing: &ailing{clock: cfg.Clock, until: map[string]time.Time{}}, logins: make(chan struct{}, maxLogins),
	}
	// Nothing is let in before the first plan, but no login ends for want of one.
	s.live.Store(&live{Plan{Login: Login{Life: maxLife * time.Second}}, allow.Compile(nil, nil)})
	s.proxy = &httputil.ReverseProxy{
		Rewrite: s.rewrite, ModifyResponse: s.outward, ErrorHandler: s.failed,
		ErrorLog: netLog(cfg.Log), FlushInterval: -1,
		Transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: s.limits.Connect}).DialContext,
			DialTLSContext:         s.dialTLS,
			MaxIdleConnsPerHost:    16,
			MaxIdleConns:           256,
			MaxConnsPerHost:        s.limits.OriginConns,
			IdleConnTimeout:        s.limits.Idle,
			ResponseHeaderTimeout:  s.limits.Answer,
			ExpectContinueTimeout:  continueWait,
			MaxResponseHeaderBytes: s.limits.AnswerBytes,
			DisableCompression:     true,
		},
	}
	return s
}

// Apply makes a plan the one in force. Requests in progress keep theirs; rules
// that are in both plans keep their hit counters.
func (s *Server) Apply(p Plan) error {
	list := p.List()
	before := s.live.Load()
	list.KeepHits(before.list)
	s.live.Store(&live{p, list})
	s.ailing.keep(p.Nodes)
	if before.Login.Loose != p.Login.Loose {
		s.proxy.Transport.(*http.Transport).CloseIdleConnections() // those judged by the other rule
	}
	return nil
}

// Run serves streams until ctx ends, and may be run again. When it returns,
// nothing of what it served goes on.
func (s *Server) Run(ctx context.Context) error {
	all := newTally()
	server := &http.Server{
		Handler: counted(s, all), ConnState: countConns(all), ConnContext: withEdge, ErrorLog: netLog(s.cfg.Log),
		// Edge adds headers of its own to what it let through.
		MaxHeaderBytes: 2 * s.limits.HeaderBytes, ReadHeaderTimeout: s.limits.Header, IdleTimeout: s.limits.Idle,
		DisableGeneralOptionsHandler: true,
	}
	conns := s.conns.listener()
	stop := context.AfterFunc(ctx, func() { conns.Close() })
	defer stop()
	err := server.Serve(conns)
	conns.Close()
	server.Close()
	all.wait()
	s.proxy.Transport.(*http.Transport).CloseIdleConnections()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// ServeStream takes a stream that edge opened and owns it from now on. speaks
// tells for which domains that edge may ask; nil: for all.
func (s *Server) ServeStream(c net.Conn, speaks func(domain string) bool) {
	s.conns.give(edgeStream{c, speaks})
}

// edgeStream is a stream with what the edge may ask for that opened it.
type edgeStream struct {
	net.Conn
	speaks func(domain string) bool
}

type speaksKey struct{}

// withEdge has a stream's requests know what its edge may ask for.
func withEdge(ctx context.Context, c net.Conn) context.Context {
	if e, ok := c.(edgeStream); ok && e.speaks != nil {
		return context.WithValue(ctx, speaksKey{}, e.speaks)
	}
	return ctx
}

// maySpeak tells whether the edge that a request came from may ask for a domain.
func maySpeak(ctx context.Context, domain string) bool {
	speaks, _ := ctx.Value(speaksKey{}).(func(string) bool)
	return speaks == nil || speaks(domain)
}

func (s *Server) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.limits.Connect)
	defer cancel()
	conf := s.cfg.TLS
	if s.live.Load().Login.Loose && s.cfg.Loose != nil {
		conf = s.cfg.Loose
	}
	d := tls.Dialer{Config: conf(host)}
	return d.DialContext(ctx, network, addr)
}

// pass is a request and what was decided about it.
type pass struct {
	target              allow.Target
	prefix              string // first part of the path, as the client spelled it
	list                *allow.List
	deploy              string // key of the deployment
	deployment          string // its name
	credentials         bool   // the origin may have the client's Authorization
	trace, user, client string
	body                *pacedBody
}

type passKey struct{}

func passOf(ctx context.Context) *pass {
	p, _ := ctx.Value(passKey{}).(*pass)
	return p
}

// ServeHTTP decides on one request and takes it to its origin.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := &pass{trace: r.Header.Get(headerTrace), client: r.Header.Get(headerClient), user: userOf(r)}
	out, body := newPace(w, r, s.limits, func(int, http.Header) {})
	p.body = body
	defer body.finish()
	l := s.live.Load()
	no := s.locate(l, p, r)
	if no == nil && p.target.Scheme == "" && !activates(p.target) {
		r.Body = body
		s.answerLane(out, r, p, l)
		return
	}
	var rule *allow.Rule
	if no == nil {
		rule, no = s.decide(l, p, r)
	}
	if no != nil {
		s.deny(out, r, p, no)
		return
	}
	s.cfg.Log.Info("http request allowed", "event", "allowed", "method", r.Method, "request", p.request(),
		"rule", rule.URL(), "match", rule.Match.String(), "type", rule.Type, "name", rule.Name,
		"deployment", p.deployment, "user", p.user, "client", p.client, "trace", p.trace)
	r = r.WithContext(context.WithValue(r.Context(), passKey{}, p))
	r.Body = body
	s.proxy.ServeHTTP(out, r)
}

// rewrite makes the request that the origin gets: the canonical path that the
// list decided on, and nothing of the way it came.
func (s *Server) rewrite(r *httputil.ProxyRequest) {
	p := passOf(r.In.Context())
	t := p.target
	path, _ := url.PathUnescape(t.Path) // canonical: it cannot fail
	r.Out.URL = &url.URL{Scheme: t.Scheme, Host: hostport(t), Path: path, RawPath: t.Path, RawQuery: r.In.URL.RawQuery}
	r.Out.Host = r.Out.URL.Host
	r.Out.Trailer = nil
	r.Out.Header.Del("Te")
	r.Out.Header.Del("X-Auth")
	dropRanges(r.Out.Header)
	dropPrivate(r.Out.Header)
	dropCookie(r.Out.Header, "X-Auth")
	if !p.credentials {
		r.Out.Header.Del("Authorization")
	}
	s.tap.request(p.trace, p.user, r.Out.Host, true, r.Out)
}

// maxRanges is how many parts of a resource one request may ask for. A player
// asks for one, a reader of documents for a few; a thousand that overlap make
// some origins send the whole a thousand times.
const maxRanges = 16

// dropRanges has a request for more parts be one for the whole, as the origin
// may take any (RFC 9110 14.2).
func dropRanges(h http.Header) {
	parts := len(h.Values("Range"))
	for _, v := range h.Values("Range") {
		parts += strings.Count(v, ",")
	}
	if parts > maxRanges {
		h.Del("Range")
		h.Del("If-Range")
	}
}

func hostport(t allow.Target) string { return strings.TrimPrefix(t.Origin(), t.Scheme+"://") }

// failed answers for an origin that did not.
func (s *Server) failed(w http.ResponseWriter, r *http.Request, err error) {
	p := passOf(r.Context())
	if errors.Is(err, context.Canceled) {
		panic(http.ErrAbortHandler) // nobody is left to answer
	}
	status, why := p.blame(err)
	if why == connectFailed && s.isNode(p.target.Host) {
		s.ailing.failed(p.target.Host)
	}
	s.cfg.Log.Warn("http upstream failed", "event", "failed", "status", status, "why", why, "err", err,
		"request", p.request(), "user", p.user, "trace", p.trace)
	refuse(w, status, why)
}

// blame says in the protocol's words what went wrong, and names nothing of the
// inside.
func (p *pass) blame(err error) (status int, why string) {
	var refused *refusedAnswer
	var dial *net.OpError
	var slow net.Error
	if status, why = p.body.fault(); status != 0 {
		return status, why
	}
	switch {
	case errors.As(err, &refused):
		return http.StatusBadGateway, refused.why
	case errors.As(err, &dial) && dial.Op == "dial":
		return http.StatusBadGateway, connectFailed
	case errors.As(err, &slow) && slow.Timeout() && strings.Contains(err.Error(), "awaiting response"):
		return http.StatusGatewayTimeout, "Server does not answer"
	}
	return http.StatusBadGateway, connectFailed
}

// connectFailed is what the client hears of an origin that could not be reached.
const connectFailed = "connect failed"

func (s *Server) isNode(host string) bool {
	_, node := s.live.Load().Nodes[host]
	return node
}

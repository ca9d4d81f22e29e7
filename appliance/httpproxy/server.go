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
)

// ServerConfig is what a Server needs of its node.
type ServerConfig struct {
	Log     *slog.Logger
	TLS     func(host string) *tls.Config             // to an origin, verifying its name
	Trusted func(host string) bool                    // a UC node: Authorization may reach it
	Tap     func(trace, direction, user, line string) // nil: nobody is traced
}

// Server is core's end.
type Server struct {
	cfg   ServerConfig
	http  *http.Server
	conns *handover
	proxy *httputil.ReverseProxy
	live  atomic.Pointer[live]
}

// live is the plan in force; never changed.
type live struct {
	domains map[string]string
	list    *allow.List
}

// NewServer returns a server that lets nothing through yet.
func NewServer(cfg ServerConfig) *Server {
	s := &Server{cfg: cfg, conns: newHandover()}
	s.live.Store(&live{list: allow.Compile(nil, nil)})
	quiet := slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug)
	s.http = &http.Server{Handler: s, MaxHeaderBytes: 2 * maxHeader, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, ErrorLog: quiet}
	s.proxy = &httputil.ReverseProxy{
		Rewrite: s.rewrite, ModifyResponse: s.outward, ErrorHandler: s.failed, ErrorLog: quiet, FlushInterval: -1,
		Transport: &http.Transport{
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			DialTLSContext:        s.dialTLS,
			MaxIdleConnsPerHost:   16,
			MaxIdleConns:          256,
			IdleConnTimeout:       idleTime,
			ResponseHeaderTimeout: time.Minute,
			DisableCompression:    true,
		},
	}
	return s
}

// Apply makes a plan the one in force. Requests in progress keep theirs; hit
// counters begin anew when rules change.
func (s *Server) Apply(p Plan) error {
	s.live.Store(&live{domains: p.Domains, list: allow.Compile(p.Rules, p.Methods)})
	return nil
}

// Run serves streams until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { s.http.Close() })
	defer stop()
	err := s.http.Serve(s.conns)
	s.conns.Close()
	s.proxy.Transport.(*http.Transport).CloseIdleConnections()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// ServeStream takes a stream that edge opened and owns it from now on.
func (s *Server) ServeStream(c net.Conn) { s.conns.give(c) }

func (s *Server) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: s.cfg.TLS(host)}
	return d.DialContext(ctx, network, addr)
}

// pass is what was decided about a request, for its answer.
type pass struct {
	target allow.Target
	list   *allow.List
	deploy string
	trace  string
}

type passKey struct{}

func passOf(ctx context.Context) *pass {
	p, _ := ctx.Value(passKey{}).(*pass)
	return p
}

// ServeHTTP decides on one request and takes it to its origin.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l := s.live.Load()
	trace := r.Header.Get(headerTrace)
	t, err := allow.ParseTarget(r.URL.EscapedPath())
	if err != nil {
		s.deny(w, r, http.StatusBadRequest, "Bad target: "+err.Error(), "syntax", "")
		return
	}
	deploy, ok := l.domains[t.Domain]
	if !ok {
		s.deny(w, r, http.StatusForbidden, "Domain is not served here", "domain "+t.Domain, "")
		return
	}
	if t.Scheme == "" {
		s.deny(w, r, http.StatusNotFound, "Nothing is there", "service "+t.Path, "")
		return
	}
	d := l.list.Match(r.Method, t, deploy)
	if d.Rule == nil {
		s.deny(w, r, http.StatusForbidden, "Not on the allow list", d.Why, t.Origin()+t.Path)
		return
	}
	s.cfg.Log.Info("http request allowed", "event", "allowed", "method", r.Method, "request", t.Origin()+t.Path,
		"rule", d.Rule.URL(), "match", d.Rule.Match.String(), "type", d.Rule.Type, "name", d.Rule.Name,
		"client", r.Header.Get(headerClient), "trace", trace)
	p := &pass{target: t, list: l.list, deploy: deploy, trace: trace}
	s.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), passKey{}, p)))
}

func (s *Server) deny(w http.ResponseWriter, r *http.Request, status int, text, rule, request string) {
	s.cfg.Log.Info("http request denied", "event", "denied", "method", r.Method, "status", status, "why", text,
		"rule", rule, "request", request, "client", r.Header.Get(headerClient), "trace", r.Header.Get(headerTrace))
	refuse(w, status, text)
}

// rewrite makes the request that the origin gets: the canonical path that the
// list decided on, and nothing of the way it came.
func (s *Server) rewrite(p *httputil.ProxyRequest) {
	t := passOf(p.In.Context()).target
	path, _ := url.PathUnescape(t.Path) // canonical: it cannot fail
	p.Out.URL = &url.URL{Scheme: t.Scheme, Host: hostport(t), Path: path, RawPath: t.Path, RawQuery: p.In.URL.RawQuery}
	p.Out.Host = p.Out.URL.Host
	dropPrivate(p.Out.Header)
	dropCookie(p.Out.Header, "X-Auth")
	if s.cfg.Trusted == nil || !s.cfg.Trusted(t.Host) {
		p.Out.Header.Del("Authorization")
	}
}

func hostport(t allow.Target) string { return strings.TrimPrefix(t.Origin(), t.Scheme+"://") }

func (s *Server) failed(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	p := passOf(r.Context())
	var refused *refusedAnswer
	why := "connect failed"
	if errors.As(err, &refused) {
		why = refused.why
	}
	s.cfg.Log.Warn("http upstream failed", "event", "failed", "status", http.StatusBadGateway, "why", err,
		"request", p.target.Origin()+p.target.Path, "trace", p.trace)
	refuse(w, http.StatusBadGateway, why)
}

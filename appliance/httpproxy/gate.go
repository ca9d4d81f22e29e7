package httpproxy

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strings"
	"time"
)

// Headers that edge and core say to each other on the link and nobody else
// hears. Any header with the prefix is removed from what comes from outside.
const (
	privatePrefix = "X-Sallyport-"
	headerTrace   = "X-Sallyport-Trace"
	headerClient  = "X-Sallyport-Client"
)

// Bounds of what strangers may do to the gate.
const (
	maxHeader     = 16 << 10
	maxBody       = 256 << 20
	headerTime    = 10 * time.Second
	bodyPause     = 30 * time.Second // longest wait for the next bytes of a body
	idleTime      = 90 * time.Second
	maxConcurrent = 4096
	maxPerSource  = 128
)

// GateConfig is what a Gate needs of its node.
type GateConfig struct {
	Log      *slog.Logger
	TLS      *tls.Config
	Open     func(ctx context.Context) (net.Conn, error) // a stream to core
	Trace    func() string                               // a fresh trace id
	OnListen func(addr netip.AddrPort, err error)        // nil err: bound
	Tap      func(r *http.Request, trace, direction string, status int)
}

// Gate is edge's end.
type Gate struct {
	cfg       GateConfig
	server    *http.Server
	listeners listeners
	proxy     *httputil.ReverseProxy
	busy      *busy
}

// NewGate returns a gate that listens nowhere yet.
func NewGate(cfg GateConfig) *Gate {
	g := &Gate{cfg: cfg, busy: newBusy(maxConcurrent, maxPerSource)}
	g.proxy = &httputil.ReverseProxy{
		Rewrite:        g.rewrite,
		ModifyResponse: hidePrivate,
		ErrorHandler:   g.failed,
		ErrorLog:       slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
		FlushInterval:  -1,
		Transport: &http.Transport{
			DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return cfg.Open(ctx) },
			MaxIdleConns:        64,
			MaxIdleConnsPerHost: 64,
			IdleConnTimeout:     30 * time.Second,
			DisableCompression:  true,
		},
	}
	g.server = &http.Server{
		// net/http sets HTTP/2 up only where its own config offers it.
		Handler: g, TLSConfig: offersHTTP2(cfg.TLS), MaxHeaderBytes: maxHeader, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime,
		ErrorLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	g.listeners = listeners{bind: g.bind, told: cfg.OnListen}
	return g
}

// Apply makes the plan's listeners real; it may be called again with the same
// plan, which tries again what failed.
func (g *Gate) Apply(p GatePlan) error { return g.listeners.apply(p.Listen) }

// Run serves until ctx ends.
func (g *Gate) Run(ctx context.Context) error {
	err := g.listeners.run(ctx, g.server)
	g.proxy.Transport.(*http.Transport).CloseIdleConnections()
	return err
}

func (g *Gate) bind(addr netip.AddrPort) (net.Listener, error) {
	l, err := net.Listen("tcp", addr.String())
	if err != nil {
		return nil, err
	}
	return tls.NewListener(l, g.server.TLSConfig), nil
}

func offersHTTP2(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.NextProtos = []string{"h2", "http/1.1"}
	return c
}

// ServeHTTP takes one request of a client to core.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	source, _ := netip.ParseAddrPort(r.RemoteAddr)
	if !g.busy.enter(source.Addr()) {
		w.Header().Set("Retry-After", "5")
		refuse(w, http.StatusServiceUnavailable, "Too many requests at once")
		return
	}
	defer g.busy.leave(source.Addr())
	if r.URL.Host != "" || !strings.HasPrefix(r.RequestURI, "/") {
		refuse(w, http.StatusBadRequest, "Request target is not a path")
		return
	}
	if !knownMethod(r.Method) {
		refuse(w, http.StatusMethodNotAllowed, "Method is not allowed")
		return
	}
	r.Body = &patient{ReadCloser: http.MaxBytesReader(w, r.Body, maxBody), control: http.NewResponseController(w)}
	g.proxy.ServeHTTP(w, r)
}

func (g *Gate) rewrite(p *httputil.ProxyRequest) {
	p.Out.URL.Scheme, p.Out.URL.Host = "http", "core.invalid"
	p.Out.Host = p.In.Host
	dropPrivate(p.Out.Header)
	source, _ := netip.ParseAddrPort(p.In.RemoteAddr)
	p.Out.Header.Set(headerTrace, g.cfg.Trace())
	p.Out.Header.Set(headerClient, source.Addr().String())
}

func (g *Gate) failed(w http.ResponseWriter, r *http.Request, err error) {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		refuse(w, http.StatusRequestEntityTooLarge, "Request body is too large")
	case errors.Is(err, context.Canceled):
	default:
		g.cfg.Log.Warn("http gate", "event", "failed", "err", err, "trace", r.Header.Get(headerTrace))
		w.Header().Set("Retry-After", "5")
		refuse(w, http.StatusServiceUnavailable, "No core is connected")
	}
}

// hidePrivate keeps the link's own headers inside.
func hidePrivate(r *http.Response) error {
	dropPrivate(r.Header)
	return nil
}

func dropPrivate(h http.Header) {
	for name := range h {
		if len(name) >= len(privatePrefix) && strings.EqualFold(name[:len(privatePrefix)], privatePrefix) {
			delete(h, name)
		}
	}
}

func knownMethod(m string) bool {
	switch m {
	case "OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE":
		return true
	}
	return false
}

// refuse answers with a short plain text.
func refuse(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
}

// patient bounds the wait for each part of a body, not the whole of it.
type patient struct {
	io.ReadCloser
	control *http.ResponseController
}

func (p *patient) Read(b []byte) (int, error) {
	// Without deadlines (a test's recorder) there is no slow client either.
	_ = p.control.SetReadDeadline(time.Now().Add(bodyPause))
	return p.ReadCloser.Read(b)
}

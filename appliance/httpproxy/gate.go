package httpproxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"sallyport/appliance/allow"
	"sallyport/appliance/door"
)

// GateConfig is what a Gate needs of its node.
type GateConfig struct {
	Log  *slog.Logger
	TLS  *tls.Config                                                           // as clients see it; its ALPN list is the gate's
	Zone func(domain string) string                                            // the zone that carries a domain's users; nil: ""
	Open func(ctx context.Context, zone string, core uint64) (net.Conn, error) // a stream to a core of the zone; 0: any
	// Core picks the core of a zone that takes a request: the wanted one if it is
	// up, else one by the client's address. Nil: any, each time.
	Core func(zone string, want uint64, client string) uint64
	// Face is how clients of a domain see edge under a host name; ok is false if
	// the name is none of edge's. Host, Cookie and Core are filled in. Nil: core
	// is told nothing.
	Face func(zone, domain, host string) (f Face, ok bool)
	// Ticket asks a core what a login cookie is worth for a domain, "" for none.
	// Nil: only core checks.
	Ticket func(ctx context.Context, zone string, core uint64, domain, cookie string) (Ticket, error)
	// Device names the phone of a certificate chain that a client showed; an
	// error says why none is believed. Nil: no phone is onboarded.
	Device func(shown []*x509.Certificate) (Device, error)
	// Closed says why a core of a zone takes no sign-ins now, status 0 if it does.
	// Nil: it always does.
	Closed   func(zone string, core uint64) (status int, why string)
	Trace    func() string                        // a fresh trace id
	OnListen func(addr netip.AddrPort, err error) // nil err: bound
	Tap      Tap                                  // nil: nobody is traced
	Clock    func() time.Time                     // nil: time.Now
	Limits   Limits
}

// Gate is edge's end.
type Gate struct {
	cfg       GateConfig
	limits    Limits
	listeners door.Listeners
	proxy     *httputil.ReverseProxy
	requests  *door.Count
	conns     *door.Count
	full      door.Seldom
	tap       tap
	tickets   tickets
	lines     *door.Brake          // of the log, about refusals
	codes     *door.Ration[string] // activation codes tried
	flood     door.Seldom          // where core cannot be asked
	refused   atomic.Int64
	onboarded onboarded
}

// NewGate returns a gate that listens nowhere yet.
func NewGate(cfg GateConfig) *Gate {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	l := cfg.Limits.withDefaults()
	g := &Gate{
		cfg: cfg, limits: l, full: door.Seldom{Clock: cfg.Clock}, tap: tap{cfg.Tap}, tickets: tickets{clock: cfg.Clock},
		lines: door.NewBrake(cfg.Log, cfg.Clock, "http requests refused"), codes: door.NewRation[string](cfg.Clock), flood: door.Seldom{Clock: cfg.Clock},
		requests: door.NewCount(l.Requests, l.SourceRequests), conns: door.NewCount(l.Conns, l.SourceConns),
	}
	g.proxy = &httputil.ReverseProxy{
		Rewrite: g.rewrite, ModifyResponse: hidePrivate, ErrorHandler: g.failed,
		ErrorLog: netLog(cfg.Log), FlushInterval: -1,
		Transport: &http.Transport{
			DialContext:            g.open,
			MaxIdleConns:           64,
			MaxIdleConnsPerHost:    64,
			IdleConnTimeout:        30 * time.Second,
			ExpectContinueTimeout:  continueWait,
			MaxResponseHeaderBytes: 2 * l.AnswerBytes,
			DisableCompression:     true,
		},
	}
	g.listeners = door.Listeners{Service: "https", Bind: g.bind, Told: cfg.OnListen}
	return g
}

// Apply makes the plan's listeners real; it may be called again with the same
// plan, which tries again what failed.
func (g *Gate) Apply(p GatePlan) error { return g.listeners.Apply(p.Listen) }

// Run serves until ctx ends, and may be run again. When it returns, nothing of
// what it served goes on.
func (g *Gate) Run(ctx context.Context) error {
	all := newTally()
	server := &http.Server{
		Handler: counted(g, all), ConnState: countConns(all), ConnContext: withShown, ErrorLog: netLog(g.cfg.Log),
		MaxHeaderBytes: g.limits.HeaderBytes, ReadHeaderTimeout: g.limits.Header, IdleTimeout: g.limits.Idle,
		DisableGeneralOptionsHandler: true,
		// No TLSConfig: with one that does not name h2 the server would set up
		// no HTTP/2, though the listener's offers it.
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 100, MaxReceiveBufferPerConnection: 256 << 10, MaxReceiveBufferPerStream: 64 << 10,
			SendPingTimeout: g.limits.Idle, PingTimeout: g.limits.Header, WriteByteTimeout: g.limits.Pause,
		},
	}
	g.listeners.Run(ctx, server.Serve)
	err := server.Close()
	all.wait()
	g.proxy.Transport.(*http.Transport).CloseIdleConnections()
	return err
}

func (g *Gate) bind(addr netip.AddrPort) (net.Listener, error) {
	l, err := door.Listen(addr)
	if err != nil {
		return nil, err
	}
	c := g.cfg.TLS.Clone()
	c.NextProtos = []string{"h2", "http/1.1"}
	return newSecure(&door.Counted{Listener: l, Inside: g.conns, Refused: g.tooMany}, c, g.limits.Shake), nil
}

func (g *Gate) tooMany(source netip.Addr) {
	g.refused.Add(1)
	if skipped, ok := g.full.Now(); ok {
		g.cfg.Log.Warn("https gate is full", "event", "refused", "client", source, "skipped", skipped)
	}
}

// visit is one request at the gate.
type visit struct {
	trace, user, source string
	zone                string
	target              allow.Target
	bad                 error // why there is no target; core says so
	core                uint64
	face                string // what core is told of edge
	device              string // and of the phone that is onboarded
	body                *pacedBody
}

type visitKey struct{}

// ServeHTTP takes one request of a client to core.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at, _ := netip.ParseAddrPort(r.RemoteAddr)
	v := &visit{trace: g.cfg.Trace(), user: userOf(r), source: at.Addr().Unmap().String()}
	g.tap.request(v.trace, v.user, v.source, false, r)
	out, body := newPace(w, r, g.limits, func(status int, h http.Header) {
		g.tap.answer(v.trace, v.user, v.source, true, status, h)
	})
	v.body = body
	defer body.finish()
	if !g.requests.Enter(at.Addr()) {
		g.tooMany(at.Addr())
		refuse(out, http.StatusServiceUnavailable, "Too many requests at once")
		return
	}
	defer g.requests.Leave(at.Addr())
	if status, why := unfit(r); status != 0 {
		g.refuse(out, r, v, status, why)
		return
	}
	v.target, v.bad = allow.ParseTarget(r.URL.EscapedPath())
	g.place(r, v)
	var ok bool
	if v.face, ok = g.face(r, v); !ok {
		g.refuse(out, r, v, http.StatusMisdirectedRequest, "Host is not a name of this edge")
		return
	}
	if status, why := g.closed(v); status != 0 {
		g.refuse(out, r, v, status, why)
		return
	}
	no := g.checkDevice(r, v)
	if no == nil {
		no = g.checkLogin(r, v)
	}
	if no != nil {
		g.refuseBy(out, r, v, no)
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
	r.Body = body
	g.proxy.ServeHTTP(out, r)
}

// closed is why a client that would sign in cannot.
func (g *Gate) closed(v *visit) (status int, why string) {
	if g.cfg.Closed == nil || v.bad != nil || v.target.Scheme != "" || !signsIn(v.target) {
		return 0, ""
	}
	return g.cfg.Closed(v.zone, v.core)
}

// unfit is why a request goes nowhere, whatever the allow list says.
func unfit(r *http.Request) (status int, why string) {
	switch {
	case !knownMethod(r.Method):
		return http.StatusMethodNotAllowed, "Method is not allowed"
	case r.URL.Host != "" || !strings.HasPrefix(r.RequestURI, "/"):
		return http.StatusBadRequest, "Request target is not a path"
	case len(r.Header["Upgrade"]) > 0:
		return http.StatusNotImplemented, "Upgrades are not carried"
	}
	return 0, ""
}

// refuseBy refuses by a rule, which the log names.
func (g *Gate) refuseBy(w http.ResponseWriter, r *http.Request, v *visit, no *refusal) {
	g.noteRefusal(r, v, no.status, no.why, no.rule)
	no.answer(w)
}

func (g *Gate) refuse(w http.ResponseWriter, r *http.Request, v *visit, status int, why string) {
	g.noteRefusal(r, v, status, why, "")
	refuse(w, status, why)
}

func (g *Gate) noteRefusal(r *http.Request, v *visit, status int, why, rule string) {
	g.refused.Add(1)
	if g.lines.Writes(v.source) {
		g.cfg.Log.Info("http request refused", "event", "refused", "method", r.Method, "status", status, "why", why, "rule", rule,
			"client", v.source, "user", v.user, "trace", v.trace)
	}
}

// rewrite makes the request that core gets. The name of the host tells open
// the zone, so that each zone has its own pool of streams.
func (g *Gate) rewrite(p *httputil.ProxyRequest) {
	v := p.In.Context().Value(visitKey{}).(*visit)
	p.Out.URL.Scheme, p.Out.URL.Host = "http", poolOf(v.zone, v.core)
	p.Out.URL.RawQuery = p.In.URL.RawQuery // core's business, not ours
	p.Out.Host = p.In.Host
	p.Out.Trailer = nil
	p.Out.Header.Del("Te")
	dropPrivate(p.Out.Header)
	p.Out.Header.Set(headerTrace, v.trace)
	p.Out.Header.Set(headerClient, v.source)
	if v.device != "" {
		p.Out.Header.Set(headerDevice, v.device)
	}
	if v.face != "" {
		p.Out.Header.Set(headerFace, v.face)
	}
}

// zone picks a request's zone by the domain in its path. A path that core will
// refuse goes to the zone of no domain, for core to say so.
func (g *Gate) zone(t allow.Target) string {
	if g.cfg.Zone == nil {
		return ""
	}
	return g.cfg.Zone(t.Domain)
}

// poolOf names the streams to one core of a zone.
func poolOf(zone string, core uint64) string {
	return fmt.Sprintf("z%s.%x.invalid", hex.EncodeToString([]byte(zone)), core)
}

func (g *Gate) open(ctx context.Context, _, addr string) (net.Conn, error) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(addr, "z"), ".")
	zone, err := hex.DecodeString(name)
	if err != nil {
		return nil, err
	}
	number, _, _ := strings.Cut(rest, ".")
	core, err := strconv.ParseUint(number, 16, 64)
	if err != nil {
		return nil, err
	}
	return g.cfg.Open(ctx, string(zone), core)
}

func (g *Gate) failed(w http.ResponseWriter, r *http.Request, err error) {
	v := r.Context().Value(visitKey{}).(*visit)
	if status, why := v.body.fault(); status != 0 {
		w.Header().Set("Connection", "close") // the rest of the body is still in it
		g.refuse(w, r, v, status, why)
		return
	}
	if errors.Is(err, context.Canceled) {
		panic(http.ErrAbortHandler) // nobody is left to answer
	}
	g.cfg.Log.Warn("http gate", "event", "failed", "why", "link", "err", err, "user", v.user, "trace", v.trace)
	refuse(w, http.StatusServiceUnavailable, "No core is connected")
}

// hidePrivate keeps the link's own headers inside.
func hidePrivate(r *http.Response) error {
	dropPrivate(r.Header)
	r.Body = &bare{ReadCloser: r.Body, answer: r}
	r.Trailer = nil
	return nil
}

package httpproxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/appliance/allow"
	"sallyport/test/room"
)

// world is a gate and a server joined by pipes, with an origin that records
// what reaches it.
type world struct {
	*testing.T
	gate   *Gate
	server *Server
	addr   netip.AddrPort
	origin *httptest.Server
	roots  *x509.CertPool
	log    *room.LogBook
	down   atomic.Bool // the link
	stop   context.CancelFunc

	mu   sync.Mutex
	seen []string // "METHOD request-uri", as they came to the origin

	handle http.HandlerFunc // what the origin answers; nil: "hello"
}

// live is a config like that of package trust: all that counts is in the one
// that each handshake is given.
func liveConfig(cert tls.Certificate) *tls.Config {
	inner := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}}
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return inner, nil }}
}

// build starts a world with limits short enough to be waited for.
func build(t *testing.T, limits Limits) *world {
	t.Helper()
	w := &world{T: t, log: &room.LogBook{}}
	cert, roots := room.Certificate()
	w.roots = roots
	w.origin = httptest.NewServer(http.HandlerFunc(w.serveOrigin))
	t.Cleanup(w.origin.Close)
	log := slog.New(slog.NewTextHandler(w.log, nil))
	w.server = NewServer(ServerConfig{
		Log: log, Limits: limits,
		TLS: func(host string) *tls.Config { return &tls.Config{RootCAs: roots, ServerName: host} },
	})
	var traces atomic.Int64
	w.gate = NewGate(GateConfig{
		Log: log, Limits: limits, TLS: liveConfig(cert),
		Trace: func() string { return strconv.FormatInt(traces.Add(1), 16) },
		Open:  w.open,
	})
	w.addr = netip.MustParseAddrPort("127.0.0.1:0")
	if err := w.gate.Apply(GatePlan{Listen: []netip.AddrPort{w.addr}}); err != nil {
		t.Fatal(err)
	}
	w.addr, _ = w.gate.listeners.Bound(w.addr)
	w.allow("GET,HEAD,POST,PUT", "/ok")
	ctx, stop := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	for _, run := range []func(context.Context) error{w.gate.Run, w.server.Run} {
		wait.Go(func() {
			if err := run(ctx); err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
	w.stop = func() { stop(); wait.Wait() }
	t.Cleanup(w.stop)
	return w
}

func (w *world) open(_ context.Context, zone string, _ uint64) (net.Conn, error) {
	if w.down.Load() || zone != "" {
		return nil, errors.New("no link")
	}
	ours, theirs := net.Pipe()
	go w.server.ServeStream(theirs, nil) // ends at once: the server runs
	return ours, nil
}

// allow lets prefixes of the origin through, for the methods given.
func (w *world) allow(methods string, prefixes ...string) {
	p := Plan{Domains: map[string]string{"example.com": "1"}, Nodes: map[string]string{"127.0.0.1": "1"}}
	for _, path := range prefixes {
		r, err := allow.ParseURL(w.origin.URL + path)
		if err != nil {
			w.Fatal(err)
		}
		r.Match, r.Methods, r.Deployment = allow.Prefix, allow.Methods(methods), "1"
		p.Rules = append(p.Rules, r)
	}
	if err := w.server.Apply(p); err != nil {
		w.Fatal(err)
	}
}

func (w *world) serveOrigin(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.seen = append(w.seen, r.Method+" "+r.RequestURI)
	handle := w.handle
	w.mu.Unlock()
	if handle != nil {
		handle(rw, r)
		return
	}
	io.Copy(io.Discard, r.Body)
	io.WriteString(rw, "hello")
}

func (w *world) answer(f http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handle = f
}

// took gives what the origin has seen since the last call.
func (w *world) took() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	return seen
}

// prefix is the first part of a transformed path for a URL's server.
func prefix(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		panic(err)
	}
	return "/" + base64.RawStdEncoding.EncodeToString(fmt.Appendf(nil, "example.com/%s/%s/%s", u.Scheme, u.Hostname(), u.Port()))
}

// url is the client's URL for a path of the origin.
func (w *world) url(path string) string {
	return "https://" + w.addr.String() + prefix(w.origin.URL) + path
}

// client is a browser-like client that follows nothing.
func (w *world) client(h2 bool) *http.Client {
	tr := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: w.roots}, ForceAttemptHTTP2: h2,
		DisableCompression: true, ExpectContinueTimeout: 5 * time.Second,
	}
	w.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (w *world) get(path string) (status int, body string, h http.Header) {
	w.Helper()
	req, err := http.NewRequest("GET", w.url(path), nil)
	if err != nil {
		w.Fatal(err)
	}
	return w.do(req)
}

func (w *world) do(req *http.Request) (status int, body string, h http.Header) {
	w.Helper()
	resp, err := w.client(false).Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

// raw is a TLS connection for bytes that no client library would write.
func (w *world) raw() *tls.Conn {
	w.Helper()
	c, err := tls.Dial("tcp", w.addr.String(), &tls.Config{RootCAs: w.roots, NextProtos: []string{"http/1.1"}})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second)) // of a test that hangs
	return c
}

// say writes raw bytes and gives the first answer and whether the connection
// was closed behind it.
func (w *world) say(text string) (status int, closed bool) {
	w.Helper()
	c := w.raw()
	go io.WriteString(c, text) // the gate may close before it has read all
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, &http.Request{Method: "GET"})
	if err != nil {
		return 0, true
	}
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Close
}

// eventually polls for what only the kernel or another goroutine can bring.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

func lines(s string, with ...string) (n int) {
next:
	for line := range strings.Lines(s) {
		for _, w := range with {
			if !strings.Contains(line, w) {
				continue next
			}
		}
		n++
	}
	return n
}

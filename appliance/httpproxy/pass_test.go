package httpproxy

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/appliance/allow"
	"sallyport/appliance/door"
	"sallyport/appliance/xapi"
)

func TestAllowedAndDenied(t *testing.T) {
	w := build(t, Limits{})
	domain := "https://" + w.addr.String() + "/ZXhhbXBsZS5jb20"
	for _, c := range []struct {
		method, url string
		status      int
		body        string
		origin      string
	}{
		{"GET", w.url("/ok"), 200, "hello", "GET /ok"},
		{"GET", w.url("/ok/deep?a=1;b=2&c=%zz"), 200, "hello", "GET /ok/deep?a=1;b=2&c=%zz"},
		{"HEAD", w.url("/ok"), 200, "", "HEAD /ok"},
		{"POST", w.url("/ok"), 200, "hello", "POST /ok"},
		{"DELETE", w.url("/ok"), 403, "Not on the allow list\n", ""},
		{"GET", w.url("/no"), 403, "Not on the allow list\n", ""},
		{"GET", w.url(""), 403, "Not on the allow list\n", ""},
		{"GET", domain + "/get_edge_config", 404, "Nothing is there\n", ""},
		{"GET", "https://" + w.addr.String() + prefix("http://127.0.0.1:1") + "/ok", 403, "Not on the allow list\n", ""},
		{"GET", "https://" + w.addr.String() + "/b3RoZXIub3Jn/x", 403, "Domain is not served here\n", ""},
		{"GET", "https://" + w.addr.String() + "/", 400, "Bad target: \"\" is not a host name\n", ""},
		{"GET", "https://" + w.addr.String() + "/index.html", 400, "Bad target: first part of the path is not a base64 target\n", ""},
		{"TRACE", w.url("/ok"), 405, "Method is not allowed\n", ""},
		{"PATCH", w.url("/ok"), 405, "Method is not allowed\n", ""},
		{"PROPFIND", w.url("/ok"), 405, "Method is not allowed\n", ""},
	} {
		req, err := http.NewRequest(c.method, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		status, body, h := w.do(req)
		if status != c.status || body != c.body {
			t.Errorf("%s %s: got %d %q, want %d %q", c.method, c.url, status, body, c.status, c.body)
		}
		if status == 405 && h.Get("Allow") != allMethods {
			t.Errorf("%s: Allow is %q", c.method, h.Get("Allow"))
		}
		for _, name := range []string{"Server", "Via", "X-Powered-By", headerTrace, headerClient} {
			if v := h.Get(name); v != "" {
				t.Errorf("%s %s: answer carries %s: %s", c.method, c.url, name, v)
			}
		}
		want := []string{c.origin}
		if c.origin == "" {
			want = nil
		}
		if got := w.took(); !slices.Equal(got, want) {
			t.Errorf("%s %s: origin saw %q, want %q", c.method, c.url, got, want)
		}
	}
	log := w.log.String()
	for _, want := range [][]string{
		{"event=allowed", "match=prefix", "rule=" + w.origin.URL + "/ok", "client=127.0.0.1", "trace=1"},
		{"event=denied", "no rule for this method", "trace="},
		{"event=denied", "no rule for this path"},
		{"event=denied", "no rule for this server"},
		{"event=denied", "domain other.org"},
		{"event=refused", "status=405"},
	} {
		if lines(log, want...) == 0 {
			t.Errorf("no log line has %q", want)
		}
	}
}

func TestHTTP2(t *testing.T) {
	w := build(t, Limits{})
	client := w.client(true)
	for _, c := range []struct {
		path   string
		status int
	}{{"/ok", 200}, {"/no", 403}} {
		resp, err := client.Get(w.url(c.path))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.ProtoMajor != 2 || resp.StatusCode != c.status {
			t.Errorf("%s: %s %d %q", c.path, resp.Proto, resp.StatusCode, body)
		}
	}
	resp, err := client.Post(w.url("/ok"), "text/plain", strings.NewReader(strings.Repeat("x", 300_000)))
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("POST over HTTP/2: %v, %v", resp, err)
	}
	resp.Body.Close()
}

func TestRequestHeaders(t *testing.T) {
	w := build(t, Limits{})
	headers := make(chan http.Header, 1)
	w.answer(func(_ http.ResponseWriter, r *http.Request) { headers <- r.Header.Clone() })
	ask := func(target string) http.Header {
		req, _ := http.NewRequest("GET", target, nil)
		req.Header = http.Header{
			"Authorization": {"Basic YTpi"}, "X-Auth": {"id"}, "Cookie": {"a=1; X-Auth=secret; b=2", "x-auth=other"},
			"X-Sallyport-Trace": {"forged"}, "X-Sallyport-Client": {"10.0.0.1"}, "X-Sallyport-New": {"1"}, "x-sallyport-low": {"1"},
			"X-Forwarded-For": {"10.0.0.1"}, "X-Forwarded-Host": {"evil"}, "Forwarded": {"for=10.0.0.1"},
			"Connection": {"X-Hop"}, "X-Hop": {"1"}, "Proxy-Authorization": {"Basic YTpi"}, "Te": {"trailers"}, "X-Kept": {"yes"},
		}
		if status, _, _ := w.do(req); status != 200 {
			t.Fatalf("status %d", status)
		}
		return <-headers
	}
	h := ask(w.url("/ok"))
	for _, name := range []string{"X-Auth", "X-Sallyport-Trace", "X-Sallyport-Client", "X-Sallyport-New", "X-Sallyport-Low", "X-Forwarded-For",
		"X-Forwarded-Host", "Forwarded", "Via", "X-Hop", "Proxy-Authorization", "Te", "Connection", "User-Agent2"} {
		if v := h.Get(name); v != "" {
			t.Errorf("origin got %s: %s", name, v)
		}
	}
	if got := h.Get("Cookie"); got != "a=1; b=2" {
		t.Errorf("origin got Cookie: %s", got)
	}
	if h.Get("X-Kept") != "yes" || h.Get("Authorization") != "Basic YTpi" {
		t.Errorf("a UC node got %v", h)
	}

	// The same origin by a name that is no UC node's.
	u, _ := url.Parse(w.origin.URL)
	named := "http://localhost:" + u.Port()
	r, err := allow.ParseURL(named + "/ok")
	if err != nil {
		t.Fatal(err)
	}
	r.Methods = []string{"GET"}
	w.server.Apply(Plan{Domains: map[string]string{"example.com": ""}, Rules: []allow.Rule{r}})
	if h := ask("https://" + w.addr.String() + prefix(named) + "/ok"); h.Get("Authorization") != "" || h.Get("X-Kept") != "yes" {
		t.Errorf("a stranger among the origins got %v", h)
	}
	r.Authorization = true
	w.server.Apply(Plan{Domains: map[string]string{"example.com": ""}, Rules: []allow.Rule{r}})
	if h := ask("https://" + w.addr.String() + prefix(named) + "/ok"); h.Get("Authorization") != "Basic YTpi" {
		t.Errorf("an origin whose rule says so got %v", h)
	}
}

func TestAnswerHeaders(t *testing.T) {
	w := build(t, Limits{})
	own := prefix(w.origin.URL)
	mixed := "/" + strings.TrimPrefix(own, "/")
	w.answer(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header()["Set-Cookie"] = []string{
			"JSESSIONID=1; Path=/app; Domain=.inside.example.com; Secure; HttpOnly", "b=2", "c=3; path=relative; DOMAIN=x",
			"X-Auth=forged; Path=/", "x-auth=forged", "__Host-a=1; Path=/; Secure", "__host-b=1", "=X-Auth=nameless", "X-Auth", " ; Path=/",
		}
		for name, v := range map[string]string{
			"X-Sallyport-Trace": "1", "Strict-Transport-Security": "max-age=1", "Alt-Svc": `h2="inside:443"`, "Clear-Site-Data": `"*"`,
			"Refresh": "0; url=http://inside/", "Service-Worker-Allowed": "/", "Set-Cookie2": "a=1", "Content-Location": "http://inside/x",
			"Location": w.origin.URL + "/ok/next?q=1", "X-Kept": "yes",
		} {
			rw.Header().Set(name, v)
		}
	})
	_, _, h := w.get("/ok")
	want := []string{"JSESSIONID=1; Secure; HttpOnly; Path=" + mixed + "/app", "b=2; Path=" + mixed + "/", "c=3; Path=" + mixed + "/"}
	if got := h["Set-Cookie"]; !slices.Equal(got, want) {
		t.Errorf("Set-Cookie: got %q, want %q", got, want)
	}
	for _, name := range []string{"X-Sallyport-Trace", "Strict-Transport-Security", "Alt-Svc", "Clear-Site-Data", "Refresh", "Service-Worker-Allowed", "Set-Cookie2", "Content-Location"} {
		if v := h.Get(name); v != "" {
			t.Errorf("client got %s: %s", name, v)
		}
	}
	if h.Get("X-Kept") != "yes" || h.Get("Location") != own+"/ok/next?q=1" {
		t.Errorf("client got %v", h)
	}
}

func TestRedirects(t *testing.T) {
	w := build(t, Limits{})
	w.allow("GET", "/ok", "/a b")
	own := prefix(w.origin.URL)
	for in, want := range map[string]string{
		"/ok/x": own + "/ok/x", "x": "", "ok": own + "/ok", "./ok#f": own + "/ok#f", "?q=1": own + "/ok?q=1", "../ok": own + "/ok",
		w.origin.URL + "/ok": own + "/ok", strings.ToUpper(w.origin.URL) + "/ok": own + "/ok",
		"/no": "", "http://inside.example.com/ok": "", "//inside/ok": "", "javascript:alert(1)": "", "http://u:p@127.0.0.1/": "",
		"/ok//x": "", "/ok/%2e%2e/x": "", "http://[::1": "", "\\\\inside\\": "", "https:" + strings.TrimPrefix(w.origin.URL, "http:") + "/ok": "",
	} {
		w.answer(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header()["Location"] = []string{in}
			rw.WriteHeader(302)
		})
		status, body, h := w.get("/ok")
		switch {
		case want != "" && (status != 302 || h.Get("Location") != want):
			t.Errorf("Location %q: got %d %q, want %q", in, status, h.Get("Location"), want)
		case want == "" && (status != 502 || h.Get("Location") != "" || strings.Contains(body, "inside")):
			t.Errorf("Location %q: got %d %q %q, want it refused", in, status, h.Get("Location"), body)
		}
	}
	w.answer(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header()["Location"] = []string{"", "http://inside/"}
		rw.WriteHeader(302)
	})
	if status, _, h := w.get("/ok"); status != 502 || len(h["Location"]) > 0 {
		t.Errorf("two Locations: %d %q", status, h["Location"])
	}
}

// What a redirect leads to is held against the method that the client goes on
// with, and an answer that leads nowhere by itself only loses its Location.
func TestRedirectsByMethod(t *testing.T) {
	w := build(t, Limits{})
	w.allow("GET", "/read")
	read := w.server.live.Load().Rules
	w.allow("POST,PUT", "/write")
	both := w.server.live.Load().Plan
	both.Rules = append(both.Rules, read...)
	if err := w.server.Apply(both); err != nil {
		t.Fatal(err)
	}
	own := prefix(w.origin.URL)
	for _, c := range []struct {
		method, to string
		status     int
		want       int // what the client gets
	}{
		{"POST", "/read", 303, 303}, {"POST", "/write", 303, 502}, {"PUT", "/read", 303, 303},
		{"POST", "/read", 302, 302}, {"POST", "/write", 302, 502}, {"PUT", "/write", 302, 302}, {"PUT", "/read", 301, 502},
		{"POST", "/write", 307, 307}, {"POST", "/read", 307, 502}, {"POST", "/write", 308, 308}, {"POST", "/read", 308, 502},
		{"POST", "/read/new", 201, 201}, {"POST", "/write", 201, 201}, {"POST", "http://inside.example.com/", 200, 200},
	} {
		w.answer(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Location", c.to)
			rw.WriteHeader(c.status)
		})
		req, _ := http.NewRequest(c.method, w.url("/write"), nil)
		status, _, h := w.do(req)
		location := ""
		if c.want != 502 && (c.status > 300 || c.to == "/read/new") {
			location = own + c.to
		}
		if status != c.want || h.Get("Location") != location {
			t.Errorf("%s, %d to %s: got %d %q, want %d %q", c.method, c.status, c.to, status, h.Get("Location"), c.want, location)
		}
	}
}

// A client cannot fill the log with what it is denied.
func TestDenialsAreWrittenSparingly(t *testing.T) {
	w := build(t, Limits{})
	for range door.LinesEach + 30 {
		if status, _, _ := w.get("/forbidden"); status != 403 {
			t.Fatal(status)
		}
	}
	if n := lines(w.log.String(), "http request denied"); n != door.LinesEach {
		t.Errorf("%d lines, want %d", n, door.LinesEach)
	}
	if n := lines(w.log.String(), "http requests denied"); n != 1 {
		t.Errorf("%d lines about the others, want 1", n)
	}
}

// Requests to a slow origin wait for one of its connections.
func TestOriginConnections(t *testing.T) {
	w := build(t, Limits{OriginConns: 2})
	var now, most atomic.Int64
	release := make(chan struct{})
	w.answer(func(http.ResponseWriter, *http.Request) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		<-release
		now.Add(-1)
	})
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() { w.get("/ok") })
	}
	eventually(t, "two are in progress", func() bool { return now.Load() == 2 })
	close(release)
	wait.Wait()
	if most.Load() > 2 {
		t.Errorf("%d connections to one origin", most.Load())
	}
}

// A client's own spelling of the prefix is where its cookies live.
func TestCookiesFollowTheClientsSpelling(t *testing.T) {
	w := build(t, Limits{})
	w.answer(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Set-Cookie", "a=1")
		rw.Header().Set("Location", "/ok/next")
	})
	spelled := strings.Replace(prefix(strings.Replace(w.origin.URL, "http", "http", 1)), "/ZXhhbXBsZS5jb20v", "/RXhhbXBsZS5jb20v", 1) // Example.com/
	req, _ := http.NewRequest("GET", "https://"+w.addr.String()+spelled+"/ok", nil)
	status, _, h := w.do(req)
	if status != 200 || h.Get("Set-Cookie") != "a=1; Path="+spelled+"/" || h.Get("Location") != spelled+"/ok/next" {
		t.Errorf("got %d %v, want the prefix %s", status, h, spelled)
	}
}

func TestLinkDown(t *testing.T) {
	w := build(t, Limits{})
	w.down.Store(true)
	status, body, h := w.get("/ok")
	if status != 503 || body != "No core is connected\n" || h.Get("Retry-After") == "" {
		t.Errorf("got %d %q %v", status, body, h)
	}
	w.down.Store(false)
	if status, _, _ := w.get("/ok"); status != 200 {
		t.Errorf("after the link came back: %d", status)
	}
}

func TestOriginDown(t *testing.T) {
	w := build(t, Limits{})
	secure := httptest.NewTLSServer(http.NotFoundHandler()) // valid for 127.0.0.1, but not for localhost
	defer secure.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	l.Close()
	u, _ := url.Parse(secure.URL)
	for name, origin := range map[string]string{
		"closed port": closed, "no such host": "http://nowhere.invalid:80", "wrong name": "https://localhost:" + u.Port(),
		"no TLS there": strings.Replace(w.origin.URL, "http:", "https:", 1),
	} {
		r, err := allow.ParseURL(origin + "/ok")
		if err != nil {
			t.Fatal(err)
		}
		r.Methods = []string{"GET"}
		w.server.Apply(Plan{Domains: map[string]string{"example.com": ""}, Rules: []allow.Rule{r}})
		req, _ := http.NewRequest("GET", "https://"+w.addr.String()+prefix(origin)+"/ok", nil)
		if status, body, _ := w.do(req); status != 502 || body != "connect failed\n" {
			t.Errorf("%s: got %d %q", name, status, body)
		}
	}
	if !strings.Contains(w.log.String(), "event=failed") {
		t.Error("nothing in the log")
	}
}

func TestSilentOrigin(t *testing.T) {
	w := build(t, Limits{Answer: 50 * time.Millisecond})
	gone := make(chan struct{})
	w.answer(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(gone)
	})
	if status, body, _ := w.get("/ok"); status != 504 || body != "Server does not answer\n" {
		t.Errorf("got %d %q", status, body)
	}
	<-gone
}

func TestApply(t *testing.T) {
	w := build(t, Limits{})
	hits := func() string {
		n := xapi.NewNode("HTTPAllowList")
		w.server.Report(n)
		return value(n, "Hits")
	}
	w.get("/ok")
	w.get("/ok")
	w.allow("GET,HEAD,POST,PUT", "/ok") // once more the same
	w.get("/ok")
	w.allow("GET,HEAD,POST,PUT", "/ok", "/other")
	if got := hits(); got != "3" {
		t.Errorf("hits of an unchanged rule: %s, want 3", got)
	}

	// Listeners change while the gate runs: one stays, one goes, one comes.
	second := netip.MustParseAddrPort("127.0.0.1:0")
	first := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), 0)
	client := w.client(false)
	for range 2 {
		if err := w.gate.Apply(GatePlan{Listen: []netip.AddrPort{first}}); err != nil {
			t.Fatal(err)
		}
	}
	if resp, err := client.Get(w.url("/ok")); err != nil || resp.StatusCode != 200 {
		t.Errorf("the listener did not stay: %v", err)
	} else {
		resp.Body.Close()
	}
	if err := w.gate.Apply(GatePlan{}); err != nil {
		t.Fatal(err)
	}
	client.CloseIdleConnections()
	if _, err := client.Get(w.url("/ok")); err == nil {
		t.Error("the listener that is not wanted answers")
	}
	if err := w.gate.Apply(GatePlan{Listen: []netip.AddrPort{second}}); err != nil {
		t.Fatal(err)
	}
	w.addr, _ = w.gate.listeners.Bound(second)
	if status, _, _ := w.get("/ok"); status != 200 {
		t.Errorf("the new listener answers %d", status)
	}
}

func TestListenFailureIsToldAndTriedAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(l.Addr().String())
	var told []error
	g := NewGate(GateConfig{
		Log: slog.New(slog.DiscardHandler), TLS: &tls.Config{},
		OnListen: func(_ netip.AddrPort, err error) { told = append(told, err) },
	})
	plan := GatePlan{Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0"), addr}}
	if err := g.Apply(plan); err == nil || !strings.Contains(err.Error(), addr.String()) {
		t.Errorf("a taken port: %v", err)
	}
	l.Close()
	if err := g.Apply(plan); err != nil {
		t.Errorf("the freed port: %v", err)
	}
	if len(told) != 3 || told[0] != nil || told[1] == nil || told[2] != nil {
		t.Errorf("told %v", told)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if err := g.Run(ctx); err != nil {
		t.Error(err)
	}
	for _, addr := range plan.Listen {
		if at, open := g.listeners.Bound(addr); open {
			t.Errorf("after the run %s is open", at)
		}
	}
}

// A run that ends leaves no goroutine, and the next one serves again.
func TestRunEndsWhole(t *testing.T) {
	before := runtime.NumGoroutine()
	w := build(t, Limits{})
	started, block := make(chan struct{}), make(chan struct{})
	w.answer(func(_ http.ResponseWriter, r *http.Request) {
		close(started)
		select {
		case <-r.Context().Done():
		case <-block:
		}
	})
	go w.client(true).Get(w.url("/ok")) // in progress when the run ends
	<-started
	w.stop()
	close(block)
	if n := w.requestsNow(); n != 0 {
		t.Errorf("%d requests are in progress after the run", n)
	}

	ctx, stop := context.WithCancel(context.Background())
	w.answer(nil)
	done := make(chan error, 2)
	go func() { done <- w.gate.Run(ctx) }()
	go func() { done <- w.server.Run(ctx) }()
	key := netip.MustParseAddrPort("127.0.0.1:0")
	eventually(t, "the second run listens", func() bool {
		at, open := w.gate.listeners.Bound(key)
		if open {
			w.addr = at
		}
		return open
	})
	if status, _, _ := w.get("/ok"); status != 200 {
		t.Errorf("the second run answers %d", status)
	}
	stop()
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	w.origin.Close()
	eventually(t, "all goroutines ended", func() bool { return runtime.NumGoroutine() <= before+2 })
}

func (w *world) requestsNow() int { return w.gate.requests.Load() }

// value is the first leaf of a name, in the order in which the tree is printed.
func value(n *xapi.Node, name string) string {
	for _, c := range n.Children {
		if c.Name == name {
			return c.Value
		}
		if v := value(c, name); v != "" {
			return v
		}
	}
	return ""
}

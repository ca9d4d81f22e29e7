package lab

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// WebConfig describes the inside web server; an invalid address is not
// listened on.
type WebConfig struct {
	HTTP, HTTPS netip.AddrPort
	TLS         *tls.Config
}

// Web is an inside web server with pages that tell what it was asked:
//
//	/page/…         a page that names its own path
//	/echo/…         the request as JSON (Echo)
//	/login          sets the cookie session=…; /whoami says what it got
//	/redirect?to=U  302 to U
//	/big?n=N        N bytes
//	/slow?ms=N      answers after a while
//	/upload         answers with the number of bytes it got
//	/status?code=N  that status
type Web struct {
	cfg     WebConfig
	servers []*http.Server
	addrs   map[string]netip.AddrPort
	wg      sync.WaitGroup

	mu   sync.Mutex // guards all below
	seen []Echo
}

// Echo is one request as the web server saw it.
type Echo struct {
	Method, Path, RawQuery, Host, Remote string
	Header                               http.Header
}

// NewWeb returns a server that is not started.
func NewWeb(cfg WebConfig) *Web { return &Web{cfg: cfg, addrs: map[string]netip.AddrPort{}} }

// Start listens; after an error Close must still be called.
func (w *Web) Start() error {
	if w.cfg.HTTP.IsValid() {
		if err := w.serve("http", w.cfg.HTTP, nil); err != nil {
			return err
		}
	}
	if w.cfg.HTTPS.IsValid() {
		return w.serve("https", w.cfg.HTTPS, w.cfg.TLS)
	}
	return nil
}

func (w *Web) serve(scheme string, addr netip.AddrPort, conf *tls.Config) error {
	ln, err := net.Listen("tcp", addr.String())
	if err != nil {
		return fmt.Errorf("lab: web %s: %w", addr, err)
	}
	w.addrs[scheme] = addrPort(ln.Addr())
	if conf != nil {
		ln = tls.NewListener(ln, conf)
	}
	s := &http.Server{Handler: w.handler(), ReadHeaderTimeout: 5 * time.Second}
	w.servers = append(w.servers, s)
	w.wg.Go(func() { s.Serve(ln) })
	return nil
}

// URL is the address of a page, scheme http or https; call it after Start.
func (w *Web) URL(scheme, path string) string {
	return scheme + "://" + w.addrs[scheme].String() + path
}

// Addr is the address listened on for http or https.
func (w *Web) Addr(scheme string) netip.AddrPort { return w.addrs[scheme] }

// Seen lists the requests that came, oldest first.
func (w *Web) Seen() []Echo {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Echo(nil), w.seen...)
}

// Close ends the server, requests in progress included.
func (w *Web) Close() {
	for _, s := range w.servers {
		s.Close()
	}
	w.wg.Wait()
}

func (w *Web) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/page/", func(rw http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(rw, "<html><title>inside</title><p>page %s</html>\n", r.URL.Path)
	})
	mux.HandleFunc("/echo/", func(rw http.ResponseWriter, r *http.Request) { json.NewEncoder(rw).Encode(echoOf(r)) })
	mux.HandleFunc("/login", login)
	mux.HandleFunc("/whoami", whoAmI)
	mux.HandleFunc("/redirect", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, r.URL.Query().Get("to"), http.StatusFound)
	})
	mux.HandleFunc("/big", bigPage)
	mux.HandleFunc("/slow", slowPage)
	mux.HandleFunc("/upload", upload)
	mux.HandleFunc("/status", func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(max(200, queryInt(r, "code"))) })
	return w.note(mux)
}

// note remembers each request before it is served.
func (w *Web) note(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		if len(w.seen) < maxCaptures {
			w.seen = append(w.seen, echoOf(r))
		}
		w.mu.Unlock()
		next.ServeHTTP(rw, r)
	})
}

func echoOf(r *http.Request) Echo {
	return Echo{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Host, r.RemoteAddr, r.Header.Clone()}
}

func login(rw http.ResponseWriter, r *http.Request) {
	http.SetCookie(rw, &http.Cookie{Name: "session", Value: randomHex(8), Path: "/", Domain: r.URL.Query().Get("domain"), HttpOnly: true})
	fmt.Fprintln(rw, "welcome")
}

func whoAmI(rw http.ResponseWriter, r *http.Request) {
	c, err := r.Cookie("session")
	if err != nil {
		http.Error(rw, "no session", http.StatusUnauthorized)
		return
	}
	fmt.Fprintf(rw, "session %s\n", c.Value)
}

const maxBig = 64 << 20

func bigPage(rw http.ResponseWriter, r *http.Request) {
	chunk := []byte(strings.Repeat("0123456789abcdef", 1024))
	for left := min(queryInt(r, "n"), maxBig); left > 0; {
		n, err := rw.Write(chunk[:min(left, len(chunk))])
		if err != nil {
			return
		}
		left -= n
	}
}

func slowPage(rw http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(queryInt(r, "ms"))*time.Millisecond)
	defer cancel()
	<-ctx.Done()
	fmt.Fprintln(rw, "at last")
}

func upload(rw http.ResponseWriter, r *http.Request) {
	var n int64
	buf := make([]byte, 32<<10)
	for {
		m, err := r.Body.Read(buf)
		n += int64(m)
		if err != nil {
			break
		}
	}
	fmt.Fprintf(rw, "%d\n", n)
}

func queryInt(r *http.Request, name string) int {
	var n int
	fmt.Sscan(r.URL.Query().Get(name), &n)
	return n
}

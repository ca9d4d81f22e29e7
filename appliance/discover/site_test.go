package discover

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/state"
	"sallyport/appliance/trust"
	"sallyport/appliance/uc"
	"sallyport/test/lab"
)

// A site is a network of UC hosts by name, of which each has one real listener,
// and a Discoverer before it.
type site struct {
	t      *testing.T
	ca     *trust.CA
	trust  *trust.Trust
	alarms *alarm.Book
	state  *state.Store
	d      *Discoverer
	news   chan struct{}

	mu     sync.Mutex
	hosts  map[string]string // host to listener
	dials  map[string]int    // host:port
	closed map[string]bool   // host:port
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, hosts: map[string]string{}, dials: map[string]int{}, news: make(chan struct{}, 1000), alarms: alarm.NewBook(time.Now)}
	var err error
	if s.ca, err = trust.NewCA("site", nil); err != nil {
		t.Fatal(err)
	}
	if s.trust, err = trust.Open(t.TempDir(), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.trust.InstallCA(s.ca.PEM()); err != nil {
		t.Fatal(err)
	}
	if s.state, err = state.Open("", time.Now); err != nil {
		t.Fatal(err)
	}
	s.d = s.discoverer()
	return s
}

func (s *site) discoverer() *Discoverer {
	d := New(Config{
		Log: slog.New(slog.DiscardHandler), Clock: time.Now, Alarms: s.alarms, State: s.state, Dial: s.dial,
		Resolve: func(_ context.Context, host string) []string { return []string{"192.0.2." + host[:1]} },
		TLS: func(host string, verify bool) *tls.Config {
			if verify {
				return s.trust.ClientConfig(trust.HTTPSUpstream, host)
			}
			return s.trust.UnverifiedClientConfig(trust.HTTPSUpstream, host)
		},
		Authorities: func() []*x509.Certificate { return s.trust.CAs() },
		Names:       func() []string { return []string{"core.example.com", "core2.example.com"} },
		Seal:        func(b []byte) string { return "sealed:" + string(b) },
		Open: func(token string) ([]byte, error) {
			if plain, ok := strings.CutPrefix(token, "sealed:"); ok {
				return []byte(plain), nil
			}
			return nil, errors.New("not sealed")
		},
		OnChange: func() { s.news <- struct{}{} },
	})
	d.busy = time.Millisecond
	return d
}

// host serves a handler by HTTPS under a name, with a certificate of the site.
func (s *site) host(name string, h http.Handler) *lab.Host {
	s.t.Helper()
	cert, key, err := s.ca.Issue(trust.IssueOptions{Names: []string{name}, Server: true})
	if err != nil {
		s.t.Fatal(err)
	}
	conf, err := lab.ServerTLS(cert, key)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.hostWith(name, conf, h)
}

func (s *site) hostWith(name string, conf *tls.Config, h http.Handler) *lab.Host {
	s.t.Helper()
	host := lab.NewHost(loopback, conf)
	if h != nil {
		host.Handle("/", h)
	}
	at, err := host.Listen(true, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(host.Stop)
	s.mu.Lock()
	s.hosts[name] = at[0].String()
	s.mu.Unlock()
	return host
}

func (s *site) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(addr)
	s.mu.Lock()
	at, ok := s.hosts[addr] // one that is served apart
	if !ok {
		at, ok = s.hosts[host]
	}
	if s.closed[addr] {
		at, ok = "", false
	}
	s.dials[addr]++
	s.mu.Unlock()
	if !ok {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	return (&net.Dialer{}).DialContext(ctx, network, at)
}

// callManager is a cluster of that many nodes: pub.example.com, sub1 and so on.
func (s *site) callManager(version string, hosts ...string) *lab.AXL {
	a := lab.NewAXL(version, hosts...)
	s.host(hosts[0], a)
	return a
}

func source(kind uc.NodeType, publisher string) Source {
	return Source{Kind: kind, Publisher: publisher, User: "axl", Password: "axl-secret", Verify: true, Deployment: 1, Refresh: "Auto"}
}

// add does what the command does: it asks, and takes the answer once the
// publisher is configured.
func (s *site) add(sources ...Source) {
	s.t.Helper()
	for _, src := range sources {
		a, err := s.d.Ask(s.t.Context(), src)
		if err != nil {
			s.t.Fatal(err)
		}
		s.d.Offer(a)
	}
	s.d.Apply(Plan{Sources: sources, Refresh: time.Hour, Probe: time.Hour})
}

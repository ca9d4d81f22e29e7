package push

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/xapi"
)

// Config is what a Server needs of its node.
type Config struct {
	Log      *slog.Logger
	Clock    func() time.Time
	Rand     func() uint64
	Alarms   *alarm.Book
	TLS      func(host string) *tls.Config
	Resolver *net.Resolver // nil: the system's
	Backoff  time.Duration // before the first repeat; 0 means 300 ms
}

// Server wakes phones. Its methods may be called from any goroutine.
type Server struct {
	cfg Config

	mu       sync.Mutex // guards services
	services []*service
}

// maxBusy is how many notifications may be on their way to one service.
const maxBusy = 64

// New returns a Server without services.
func New(cfg Config) *Server {
	if cfg.Backoff == 0 {
		cfg.Backoff = 300 * time.Millisecond
	}
	return &Server{cfg: cfg}
}

// Apply makes the services those of a plan. What did not change keeps its
// connections and counters.
func (s *Server) Apply(plan Plan) {
	if !plan.On {
		plan.Providers = nil
	}
	s.mu.Lock()
	old := s.services
	s.services = nil
	var keys []string
	for _, p := range plan.Providers {
		keys = append(keys, p.Name)
		s.services = append(s.services, s.keep(old, p))
	}
	now := slices.Clone(s.services)
	s.mu.Unlock()
	for _, v := range old {
		if !slices.Contains(now, v) {
			v.close()
		}
	}
	s.cfg.Alarms.Keep(xapi.AlarmPush, keys...)
	for _, v := range now {
		if v.flaw != "" {
			s.cfg.Alarms.Raise(xapi.AlarmPush, v.Name, v.Name+": "+v.flaw)
		} else if !slices.Contains(old, v) {
			s.cfg.Alarms.Lower(xapi.AlarmPush, v.Name) // the next refusal tells
		}
	}
}

func (s *Server) keep(old []*service, p Provider) *service {
	for _, v := range old {
		if v.same(p) {
			return v
		}
	}
	v := &service{Provider: p, server: s, slots: make(chan struct{}, maxBusy)}
	v.client = v.newClient(p.URL)
	if p.Type == FCM {
		v.tokens = v.newClient(p.TokenURL)
	}
	return v
}

// newClient speaks to one address only: redirects are not followed.
func (v *service) newClient(to string) *http.Client {
	u, err := url.Parse(to)
	if err != nil {
		u = &url.URL{}
	}
	dial := net.Dialer{Timeout: 5 * time.Second, Resolver: v.server.cfg.Resolver}
	t := &http.Transport{
		DialContext: dial.DialContext, TLSClientConfig: v.server.cfg.TLS(u.Hostname()), TLSHandshakeTimeout: 5 * time.Second,
		ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 2, IdleConnTimeout: 10 * time.Minute, MaxResponseHeaderBytes: 64 << 10,
		HTTP2: &http.HTTP2Config{SendPingTimeout: time.Minute, PingTimeout: 5 * time.Second},
	}
	if v.Proxy != "" {
		if via, err := url.Parse(v.Proxy); err == nil {
			t.Proxy = http.ProxyURL(via)
		}
	}
	return &http.Client{Transport: t, Timeout: 10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Providers names the services that can be used, as Feature-Caps tells phones.
func (s *Server) Providers() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.services {
		if v.flaw == "" && !slices.Contains(names, v.Name) {
			names = append(names, v.Name)
		}
	}
	return names
}

// Accepts tells whether a device can be woken: nil, ErrProvider or ErrDevice.
func (s *Server) Accepts(d Device) error {
	_, err := s.serviceOf(d)
	return err
}

// serviceOf finds the service of a device; several may have one name, for
// several apps.
func (s *Server) serviceOf(d Device) (*service, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := ErrProvider
	for _, v := range s.services {
		if v.Name != d.Provider || v.flaw != "" {
			continue
		}
		if err = v.check(d); err == nil {
			return v, nil
		}
	}
	return nil, err
}

// Wake has a phone woken and blocks until its service has taken that, or ctx
// ends. ErrGone says that the phone cannot be woken any more, by what it gave.
func (s *Server) Wake(ctx context.Context, d Device, why string, lasts time.Duration) error {
	v, err := s.serviceOf(d)
	if err != nil {
		return err
	}
	select {
	case v.slots <- struct{}{}:
		defer func() { <-v.slots }()
	default:
		return errors.New("too many notifications are on their way to " + v.Name)
	}
	err = v.insist(ctx, d, why, lasts)
	v.note(err)
	return err
}

// Close lets idle connections go.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.services {
		v.close()
	}
}

// Report adds each service to a status tree.
func (s *Server) Report(t *xapi.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.services {
		v.report(t.Nth("Provider", v.Index))
	}
}

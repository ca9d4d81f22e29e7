package zone

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// Bounds of one question, and of all that are under way.
const (
	askTime  = 2 * time.Second // for one name server
	maxAsked = 32              // questions at once; the others wait
)

// ErrNoRecord says that a name has no record of the wanted type.
var ErrNoRecord = errors.New("no such record")

// A Resolver asks the name service what DNS and ENUM zones need: NAPTR, SRV and
// address records. Answers are kept for their time to live. It blocks on the
// network, so it is used off the readers; any goroutine may call it.
type Resolver struct {
	servers atomic.Pointer[[]netip.AddrPort]
	domains atomic.Pointer[[]DomainServer]
	cache   cache
	slots   chan struct{}
}

// NewResolver returns a resolver that asks the machine's own name servers
// until SetServers names others.
func NewResolver(clock func() time.Time) *Resolver {
	return &Resolver{cache: newCache(clock), slots: make(chan struct{}, maxAsked)}
}

// SetServers names the servers, in order of preference; none means those of
// the machine. Nothing that other servers said is kept.
func (r *Resolver) SetServers(list []netip.AddrPort) {
	if old := r.servers.Load(); old == nil || !sameServers(*old, list) {
		r.servers.Store(&list)
		r.cache.clear()
	}
}

func sameServers(a, b []netip.AddrPort) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// list is whom to ask.
func (r *Resolver) list() ([]string, error) {
	var out []string
	if set := r.servers.Load(); set != nil {
		for _, a := range *set {
			out = append(out, a.String())
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	conf, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("name servers: %w", err)
	}
	if conf != nil {
		for _, s := range conf.Servers {
			out = append(out, hostPort(s, conf.Port))
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no name server is configured; set DNS Server 1 Address")
	}
	return out, nil
}

func hostPort(host, port string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + port
}

// ask returns the records of one name and type, from the cache if they are
// there. The error is ErrNoRecord where the name service knows of none.
func (r *Resolver) ask(ctx context.Context, name string, kind uint16) ([]dns.RR, error) {
	key := question{strings.ToLower(dns.Fqdn(name)), kind}
	if rrs, known := r.cache.get(key); known {
		return rrs, have(rrs, key)
	}
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	rrs, ttl, err := r.fetch(ctx, key)
	if err != nil {
		return nil, err
	}
	r.cache.put(key, rrs, ttl)
	return rrs, have(rrs, key)
}

func have(rrs []dns.RR, q question) error {
	if len(rrs) == 0 {
		return fmt.Errorf("%s %s: %w", dns.TypeToString[q.kind], q.name, ErrNoRecord)
	}
	return nil
}

// fetch asks each server until one knows, or knows that there is nothing.
func (r *Resolver) fetch(ctx context.Context, q question) ([]dns.RR, time.Duration, error) {
	servers, err := r.asked(q.name)
	if err != nil {
		return nil, 0, err
	}
	var errs []error
	for _, s := range servers {
		m, err := exchange(ctx, s, q)
		switch {
		case err != nil:
			errs = append(errs, err)
		case m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError:
			rrs, ttl := pick(m, q.kind)
			return rrs, ttl, nil
		default:
			errs = append(errs, fmt.Errorf("name server %s: %s for %s", s, dns.RcodeToString[m.Rcode], q.name))
		}
	}
	return nil, 0, errors.Join(errs...)
}

// exchange asks one server, over TCP where the answer is too long for UDP.
func exchange(ctx context.Context, server string, q question) (*dns.Msg, error) {
	m := new(dns.Msg).SetQuestion(q.name, q.kind)
	m.SetEdns0(1232, false)
	var resp *dns.Msg
	for _, network := range [...]string{"udp", "tcp"} {
		bound, stop := context.WithTimeout(ctx, askTime)
		client := dns.Client{Net: network, Timeout: askTime}
		var err error
		resp, _, err = client.ExchangeContext(bound, m, server)
		stop()
		if err != nil {
			return nil, fmt.Errorf("name server %s: %w", server, err)
		}
		if len(resp.Question) != 1 || !strings.EqualFold(resp.Question[0].Name, q.name) || resp.Question[0].Qtype != q.kind {
			return nil, fmt.Errorf("name server %s answers another question", server)
		}
		if !resp.Truncated {
			break
		}
	}
	return resp, nil
}

// How long an answer is kept, whatever it says itself.
const (
	minTTL  = 5 * time.Second
	maxTTL  = time.Hour
	noneTTL = 30 * time.Second // that there is nothing
)

// pick takes the records of a type out of an answer, with the shortest time to
// live among them.
func pick(m *dns.Msg, kind uint16) ([]dns.RR, time.Duration) {
	const most = 64 // nobody has more servers than this
	var out []dns.RR
	ttl := maxTTL
	for _, rr := range m.Answer {
		ttl = min(ttl, time.Duration(rr.Header().Ttl)*time.Second)
		if rr.Header().Rrtype == kind && len(out) < most {
			out = append(out, rr)
		}
	}
	if len(out) == 0 {
		return nil, noneTTL
	}
	return out, max(ttl, minTTL)
}

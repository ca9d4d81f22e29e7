package pair

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"sallyport/test/lab"
)

// srvServer is a public name server with the records of two edges:
//
//	_sips._tcp.example.com  10  edge.example.com   (0.1)
//	                        20  edge2.example.com  (0.2)
func srvServer(t *testing.T, priorities [2]string) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		for i, name := range []string{EdgeName, "edge2.example.com"} {
			rr, err := dns.NewRR("_sips._tcp.example.com. 60 IN SRV " + priorities[i] + " 10 5061 " + name + ".")
			if err == nil && q.Question[0].Qtype == dns.TypeSRV && strings.EqualFold(q.Question[0].Name, "_sips._tcp.example.com.") {
				m.Answer = append(m.Answer, rr)
			}
		}
		w.WriteMsg(m)
	})
	up, done := make(chan struct{}), make(chan struct{})
	s := &dns.Server{PacketConn: pc, Handler: handler, NotifyStartedFunc: func() { close(up) }}
	go func() { defer close(done); s.ActivateAndServe() }()
	<-up
	t.Cleanup(func() { s.Shutdown(); <-done })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// onward registers a phone with the first edge that takes it, in the order of
// its SRV records, as clients do. It tells which one that was.
func (s *stage) onward(ctx context.Context, t *testing.T, r *net.Resolver, name string, tone float64) string {
	t.Helper()
	_, records, err := r.LookupSRV(ctx, "sips", "tcp", Domain)
	if err != nil {
		t.Fatal(err)
	}
	var errs []error
	for _, rr := range records {
		host := strings.TrimSuffix(rr.Target, ".")
		at := map[string]string{EdgeName: "0.1", "edge2.example.com": "0.2"}[host]
		p, err := s.pair.Phone(name, tone, func(c *lab.PhoneConfig) {
			c.Server, c.ServerName = netip.AddrPortFrom(netip.MustParseAddr(s.pair.at(at)), rr.Port), host
			c.Refresh = false
		})
		if err == nil {
			if err = p.Start(ctx); err == nil {
				err = p.Register(ctx)
			}
		}
		if err == nil {
			if old := s.phones[name]; old != nil {
				old.Close()
			}
			s.phones[name] = p
			return host
		}
		if p != nil {
			p.Close()
		}
		errs = append(errs, err)
	}
	t.Fatal(errors.Join(errs...))
	return ""
}

// Two edges share clients by SRV records of one priority, and stand in for each
// other by priority: when the nearest edge goes down, its clients register with
// the next one and can be called there; when it is back, they return.
func TestEdgesBySRVPriority(t *testing.T) {
	s := open(t, Config{})
	ctx, stop := context.WithTimeout(t.Context(), storyTime)
	defer stop()
	if err := many(s.pair); err != nil {
		t.Fatal(err)
	}
	if err := s.pair.AwaitLink(ctx); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for even := srvServer(t, [2]string{"10", "10"}); len(seen) < 2 && ctx.Err() == nil; {
		seen[s.onward(ctx, t, even, "bob", 660)] = true
	}
	if len(seen) != 2 {
		t.Fatalf("clients went to %v only", seen)
	}
	near := srvServer(t, [2]string{"10", "20"})
	talk := func() {
		t.Helper()
		call, err := s.phones["bob"].Call(ctx, "alice")
		if err != nil {
			t.Fatal(err, s.tail(0))
		}
		if stats, err := call.AwaitMedia(ctx, 440, 50); err != nil {
			t.Error(stats, err)
		}
		call.Hangup(ctx)
	}
	away := srvServer(t, [2]string{"20", "10"})
	for _, step := range []struct {
		do   func(string) error
		want string
	}{{nil, EdgeName}, {s.pair.Stop, "edge2.example.com"}, {s.pair.Start, EdgeName}} {
		if step.do != nil {
			if err := step.do("edge"); err != nil {
				t.Fatal(err)
			}
		}
		if step.do != nil && step.want == EdgeName {
			if err := s.pair.AwaitLink(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.onward(ctx, t, near, "alice", 440); got != step.want {
			t.Fatalf("alice is at %s, want %s", got, step.want)
		}
		if got := s.onward(ctx, t, away, "bob", 660); got != "edge2.example.com" {
			t.Fatalf("bob is at %s", got)
		}
		talk()
	}
}

package dnscheck

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// views is a name server that answers by the client subnet of a question; ""
// answers those without one.
type views struct {
	mu    sync.Mutex
	zones map[string][]dns.RR
}

func (v *views) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	from := ""
	if o := q.IsEdns0(); o != nil {
		for _, opt := range o.Option {
			if s, ok := opt.(*dns.EDNS0_SUBNET); ok {
				from = s.Address.String()
			}
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	m := new(dns.Msg).SetReply(q)
	for _, rr := range v.zones[from] {
		h := rr.Header()
		if h.Name == q.Question[0].Name && (h.Rrtype == q.Question[0].Qtype || h.Rrtype == dns.TypeCNAME) {
			m.Answer = append(m.Answer, rr)
		}
	}
	if len(m.Answer) == 0 {
		m.Rcode = dns.RcodeNameError
	}
	w.WriteMsg(m)
}

// set gives a view its records.
func (v *views) set(t *testing.T, from, text string) {
	t.Helper()
	var out []dns.RR
	p := dns.NewZoneParser(strings.NewReader(text), "", "")
	p.SetDefaultTTL(60)
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		out = append(out, rr)
	}
	if p.Err() != nil {
		t.Fatal(p.Err())
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.zones[from] = out
}

func serve(t *testing.T) (*views, netip.AddrPort) {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &views{zones: map[string][]dns.RR{}}
	up := make(chan struct{})
	s := &dns.Server{PacketConn: pc, Handler: v, NotifyStartedFunc: func() { close(up) }}
	done := make(chan struct{})
	go func() { defer close(done); s.ActivateAndServe() }()
	<-up
	t.Cleanup(func() { s.Shutdown(); <-done })
	return v, netip.MustParseAddrPort(pc.LocalAddr().String())
}

func location(t *testing.T, text string) Location {
	t.Helper()
	l, err := ParseLocation(text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func texts(all []Finding) string {
	var b strings.Builder
	for _, f := range all {
		b.WriteString(f.Where + " " + f.Name + ": " + f.Text + "\n")
	}
	return b.String()
}

const hosts = `
us-expe.example.com. IN A 203.0.113.1
eur-expe.example.com. IN AAAA 2001:db8::1
`

func geo(t *testing.T, at netip.AddrPort) Plan {
	return Plan{Domain: "example.com", ServerDomain: "example.com", Public: []netip.AddrPort{at}, Locations: []Location{
		location(t, "US@198.51.100.0/24=us-expe.example.com,eur-expe.example.com"),
		location(t, "Europe@2001:db8:e0::/48=eur-expe.example.com,us-expe.example.com."),
	}}
}

// What the plan prints is what it then finds in order: each place's own view.
func TestOwnRecordsSatisfy(t *testing.T) {
	for name, change := range map[string]func(*Plan){
		"SRV":   func(*Plan) {},
		"CNAME": func(p *Plan) { p.Aliases = []string{"alias1.example.com", "backup-alias1.example.com"} },
	} {
		v, at := serve(t)
		p := geo(t, at)
		change(&p)
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(p.Records(), "; example.com as seen from ")
		shared := ""
		if len(p.Aliases) > 0 {
			shared = "\n" + strings.Join(grep(parts[1], "SRV"), "\n") + "\nalias1.example.com. IN A 203.0.113.1\nbackup-alias1.example.com. IN A 203.0.113.2\n"
		}
		for i, from := range []string{"198.51.100.0", "2001:db8:e0::"} {
			_, text, _ := strings.Cut(parts[i+1], "\n")
			v.set(t, from, text+shared+hosts)
		}
		if found := p.Run(t.Context()); len(found) > 0 {
			t.Errorf("%s:\n%s%s", name, texts(found), p.Records())
		}
	}
}

func grep(text, word string) (out []string) {
	for _, l := range strings.Split(text, "\n") {
		if strings.Contains(l, word) {
			out = append(out, l)
		}
	}
	return out
}

func TestFindings(t *testing.T) {
	good := `
_collab-edge._tls.example.com. IN SRV 10 10 8443 us-expe.example.com.
_collab-edge._tls.example.com. IN SRV 20 10 8443 eur-expe.example.com.
_sips._tcp.example.com. IN SRV 10 10 5061 us-expe.example.com.
_sips._tcp.example.com. IN SRV 20 10 5061 eur-expe.example.com.
` + hosts
	for _, c := range []struct{ name, old, new, want string }{
		{"good", "", "", ""},
		{"no service", "_sips._tcp.example.com. IN SRV 10 10 5061 us-expe.example.com.\n_sips._tcp.example.com. IN SRV 20 10 5061 eur-expe.example.com.\n", "", "US _sips._tcp.example.com: There is no SRV record"},
		{"one edge missing", "_sips._tcp.example.com. IN SRV 20 10 5061 eur-expe.example.com.\n", "", "does not lead to eur-expe.example.com: add the record with priority 20"},
		{"another place's order", "SRV 10 10 8443", "SRV 30 10 8443", "has priority 30 and eur-expe.example.com 20"},
		{"port", "20 10 5061", "20 10 5060", "at port 5060; clients are served at 5061"},
		{"weights", "20 10 5061", "20 50 5061", "Weights differ"},
		{"foreign target", "hosts", "", ""},
		{"stray", "_sips._tcp.example.com. IN SRV 10 10 5061 us-expe.example.com.\n", "_sips._tcp.example.com. IN SRV 10 10 5061 us-expe.example.com.\n_sips._tcp.example.com. IN SRV 30 10 5061 old.example.com.\n", "leads to old.example.com, which is not intended"},
		{"no address", "us-expe.example.com. IN A 203.0.113.1", "", "us-expe.example.com: It has no address"},
		{"alias", "us-expe.example.com. IN A 203.0.113.1", "us-expe.example.com. IN CNAME a.example.com.", "alias of a.example.com"},
		{"inside record outside", "\n_sips._tcp.example.com. IN SRV 10", "\n_cisco-uds._tcp.example.com. IN SRV 10 10 8443 cucm1.example.com.\n_sips._tcp.example.com. IN SRV 10", "serve it inside only"},
	} {
		v, at := serve(t)
		p := geo(t, at)
		p.Locations = p.Locations[:1]
		v.set(t, "198.51.100.0", strings.Replace(good, c.old, c.new, 1))
		got := texts(p.Run(t.Context()))
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s:\n%swant %q", c.name, got, c.want)
		}
	}
	v, at := serve(t)
	p := geo(t, at)
	p.Locations = []Location{location(t, "All=us_expe.example.net")}
	v.set(t, "", "_collab-edge._tls.example.com. IN SRV 10 10 8443 us_expe.example.net.\nus_expe.example.net. IN A 203.0.113.1\n")
	got := texts(p.Run(t.Context()))
	for _, want := range []string{"underscore", "outside edge's domain example.com", "_sips._tcp.example.com: There is no SRV record"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing:\n%s", want, got)
		}
	}
}

func TestInside(t *testing.T) {
	v, at := serve(t)
	p := Plan{Domain: "example.com", Locations: []Location{location(t, "All=edge.example.com")}, Internal: []netip.AddrPort{at}, Nodes: []string{"cucm2.example.com"}}
	if got := texts(p.Run(t.Context())); !strings.Contains(got, "no SRV record inside") || !strings.Contains(got, "cucm2.example.com: It has no address inside") {
		t.Error(got)
	}
	records := "_cisco-uds._tcp.example.com. IN SRV 10 10 8443 cucm1.example.com.\ncucm1.example.com. IN A 192.0.2.1\ncucm2.example.com. IN A 192.0.2.2\n1.2.0.192.in-addr.arpa. IN PTR cucm1.example.com.\n"
	v.set(t, "", records)
	if got := texts(p.Run(t.Context())); strings.Count(got, "\n") != 1 || !strings.Contains(got, "cucm2.example.com: Its address 192.0.2.2 does not lead back to it") {
		t.Error(got)
	}
	v.set(t, "", records+"2.2.0.192.in-addr.arpa. IN PTR cucm2.example.com.\n")
	if got := texts(p.Run(t.Context())); got != "" {
		t.Error(got)
	}
	if !strings.Contains(p.Records(), "_cisco-uds._tcp.example.com.\t3600\tIN\tSRV\t10 10 8443 cucm2.example.com.") {
		t.Error(p.Records())
	}
}

func TestPlansThatCannotBe(t *testing.T) {
	for _, bad := range []string{"", "US", "US=", "=a.b", "US@x=a.b", "US@198.51.100.1=a.b"} {
		if l, err := ParseLocation(bad); err == nil {
			t.Errorf("%q: %+v", bad, l)
		}
	}
	at := []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")}
	one := []Location{{Name: "All", Edges: []string{"a.b"}}}
	for _, bad := range []Plan{
		{Locations: one, Public: at}, {Domain: "a.b", Public: at}, {Domain: "a.b", Locations: one},
		{Domain: "a.b", Locations: one, Public: at, Aliases: []string{"x.a.b"}},
		{Domain: "a.b", Locations: one, Public: at, Aliases: []string{"x.a.b", "y.a.b"}},
	} {
		if bad.Check() == nil {
			t.Errorf("%+v", bad)
		}
	}
}

func FuzzParseLocation(f *testing.F) {
	f.Add("US@198.51.100.0/24=us-expe.example.com,eur-expe.example.com")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ParseLocation(text)
		if err == nil && (l.Name == "" || len(l.Edges) == 0) {
			t.Errorf("%q: %+v", text, l)
		}
	})
}

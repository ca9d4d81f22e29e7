package appliance

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
	"sallyport/appliance/zone"
)

// nameServer answers every address question with its own address, and tells the
// port that it was asked from.
func nameServer(t *testing.T, answer string) (netip.AddrPort, chan int) {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ports := make(chan int, 64)
	s := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, m *dns.Msg) {
		ports <- w.RemoteAddr().(*net.UDPAddr).Port
		r := new(dns.Msg).SetReply(m)
		if q := m.Question[0]; q.Qtype == dns.TypeA {
			r.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.ParseIP(answer)}}
		}
		w.WriteMsg(r)
	})}
	done := make(chan error, 1)
	go func() { done <- s.ActivateAndServe() }()
	t.Cleanup(func() { pc.Close(); <-done })
	return netip.MustParseAddrPort(pc.LocalAddr().String()), ports
}

// TestNamesGoToTheirServers asks for names in and out of a domain that has a
// server of its own, from ports that were asked for.
func TestNamesGoToTheirServers(t *testing.T) {
	all, _ := nameServer(t, "192.0.2.1")
	lab, ports := nameServer(t, "192.0.2.2")
	var s nameServers
	r := s.resolver()
	s.plan.Store(&namePlan{servers: []netip.AddrPort{all}, domains: []zone.DomainServer{{Domain: "lab.example.com", Server: lab}}, low: 20000, high: 29000})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for name, want := range map[string]string{"www.example.com.": "192.0.2.1", "a.lab.example.com.": "192.0.2.2", "LAB.example.com.": "192.0.2.2"} {
		got, err := r.LookupNetIP(ctx, "ip4", name)
		if err != nil || len(got) != 1 || got[0].Unmap().String() != want {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
	for range len(ports) {
		if p := <-ports; p < 20000 || p > 29000 {
			t.Errorf("asked from port %d", p)
		}
	}
}

func TestNamePlan(t *testing.T) {
	p := namePlanFrom(config.NewSnapshotForTest(xapi.Core,
		"DNS Server 1 Address: 10.0.0.53", "DNS PerDomainServer 2 Address: 10.0.1.53", "DNS PerDomainServer 2 Domain1: lab.example.com",
		"DNS PerDomainServer 2 Domain2: dev.example.com", "DNS PerDomainServer 3 Domain1: none.example.com",
		"IP DNS UseEphemeralPortRange: Off", "IP DNS MinPort: 2000", "IP DNS MaxPort: 3000"))
	if len(p.servers) != 1 || len(p.domains) != 2 || p.domains[1].Domain != "dev.example.com" || p.low != 2000 || p.high != 3000 {
		t.Errorf("%+v", p)
	}
	if p := namePlanFrom(config.NewSnapshotForTest(xapi.Core)); p.low != 0 {
		t.Errorf("%+v", p)
	}
}

func FuzzQuestionName(f *testing.F) {
	m := new(dns.Msg).SetQuestion("a.example.com.", dns.TypeA)
	b, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	if got := questionName(b); got != "a.example.com" {
		f.Error(got)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if n := questionName(b); len(n) > len(b) || strings.HasPrefix(n, ".") && len(b) < 13 {
			t.Errorf("%q", n)
		}
	})
}

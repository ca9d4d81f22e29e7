package pair

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"sallyport/appliance/trust"
	"sallyport/test/lab"
)

// TestPartners calls another company and is called by it, through both nodes
// and the records of its domain; who is not meant to come in does not.
//
//	carol ── call control ── trunk ─▶ core ─▶ edge ── SRV ─▶ partner's server ─▶ ext
//	carol ◀─ call control ◀────────── core ◀─ edge ◀──────── partner's server ◀─ ext
func TestPartners(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a name server listens on port 53, which takes root")
	}
	s := open(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	ext := s.partner(ctx)
	carol := s.pair.World.Carol
	for _, line := range []string{
		`core> xConfiguration Zones Policy SearchRules Rule 30 Name: "Partners"`,
		`core> xConfiguration Zones Policy SearchRules Rule 30 Mode: AliasPatternMatch`,
		`core> xConfiguration Zones Policy SearchRules Rule 30 Pattern Type: Suffix`,
		`core> xConfiguration Zones Policy SearchRules Rule 30 Pattern String: "@` + lab.PartnerDomain + `"`,
		`core> xConfiguration Zones Policy SearchRules Rule 30 Pattern Behavior: Leave`,
		`core> xConfiguration Zones Policy SearchRules Rule 30 Target Name: "Edge"`,
		`edge> xConfiguration Ethernet 1 IP V4 SubnetMask: "255.255.0.0"`, // the partner's network is one of the outside
		`edge> xConfiguration DNS Server 1 Address: "` + s.pair.at("2.53") + `"`,
		`edge> xConfiguration Zones Zone 9 Name: "World"`,
		`edge> xConfiguration Zones Zone 9 Type: DNS`,
		`edge> xConfiguration Zones Zone 9 DNS SIP TLS Verify Mode: On`,
	} {
		node, line, _ := strings.Cut(line, "> ")
		if got := s.shell(ctx, node, line); !strings.Contains(got, "OK") {
			t.Fatal(line, got)
		}
	}
	s.applied(ctx)

	t.Run("denied by default", func(t *testing.T) {
		if _, err := ext.Call(ctx, "sip:carol@example.com"); err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("a stranger's call: %v", err)
		}
		if _, err := carol.Call(ctx, "sip:ext@"+lab.PartnerDomain); err == nil || !strings.Contains(err.Error(), "404") {
			t.Errorf("a call without a rule on edge: %v", err)
		}
	})
	for _, line := range []string{
		`xConfiguration SIP Domain 1 Partners: On`,
		`xConfiguration Zones Policy SearchRules Rule 1 Name: "World"`,
		`xConfiguration Zones Policy SearchRules Rule 1 Target Name: "World"`,
	} {
		s.shell(ctx, "edge", line)
	}
	s.applied(ctx)
	t.Run("out", func(t *testing.T) {
		s.betweenCompanies(ctx, t, carol, ext, "sip:ext@"+lab.PartnerDomain, lab.CarolTone, extTone)
	})
	t.Run("in", func(t *testing.T) {
		s.betweenCompanies(ctx, t, ext, carol, "sip:carol@example.com", extTone, lab.CarolTone)
	})
	t.Run("only what is meant", func(t *testing.T) {
		for to, want := range map[string]string{
			"sip:carol@elsewhere.example": "404", // the partner's own server knows no way
			"sip:nobody@example.com":      "404",
		} {
			if _, err := ext.Call(ctx, to); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", to, err, want)
			}
		}
		if err := ext.Message(ctx, "sip:carol@example.com", "spam"); err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("a stranger's message: %v", err)
		}
		if m, err := ext.Options(ctx, "sip:carol@example.com"); err == nil && m.Status() < 400 {
			t.Errorf("a stranger's OPTIONS: %s", m.Start)
		}
	})
	s.look("ext", ext)
}

const extTone = 770

// betweenCompanies makes a call, listens at both ends, holds from the far one
// and ends it from there.
func (s *stage) betweenCompanies(ctx context.Context, t *testing.T, from, to *lab.Phone, uri string, near, far float64) {
	t.Helper()
	s.T = t
	call, err := from.Call(ctx, uri)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.tail(0))
	}
	other := <-to.Incoming()
	if stats, err := other.AwaitMedia(ctx, near, 25); err != nil {
		t.Errorf("the called end hears %s: %v", stats, err)
	}
	if stats, err := call.AwaitMedia(ctx, far, 25); err != nil {
		t.Errorf("the calling end hears %s: %v", stats, err)
	}
	for _, step := range []func(context.Context) error{other.Hold, other.Resume, other.Hangup} {
		if err := step(ctx); err != nil {
			t.Fatalf("%v\n%s", err, s.tail(0))
		}
	}
	if err := call.Await(ctx, lab.CallEnded); err != nil {
		t.Error(err)
	}
}

func (s *stage) applied(ctx context.Context) {
	s.Helper()
	for _, r := range s.pair.nodes {
		if err := AwaitApplied(ctx, r.node); err != nil {
			s.Fatal(err)
		}
	}
}

// partner is another company outside: its name records, its server and a phone
// that is registered there.
func (s *stage) partner(ctx context.Context) *lab.Phone {
	s.Helper()
	at := s.pair.Client(150)
	s.nameServer("_sips._tcp."+lab.PartnerDomain+". 60 IN SRV 1 1 5061 sip."+lab.PartnerDomain+".",
		"sip."+lab.PartnerDomain+". 60 IN A "+at.String())
	cert, key, err := s.pair.ca.Issue(trust.IssueOptions{Names: []string{lab.PartnerDomain}, IPs: []string{at.String()}, Server: true, Client: true})
	if err != nil {
		s.Fatal(err)
	}
	conf, err := lab.ServerTLS(cert, key)
	if err != nil {
		s.Fatal(err)
	}
	client, err := lab.ClientTLS(s.pair.CA, EdgeName, conf)
	if err != nil {
		s.Fatal(err)
	}
	server := lab.NewRegistrar(lab.RegistrarConfig{
		Domain: lab.PartnerDomain, Accounts: map[string]string{"ext": "ext-secret"}, Path: lab.PathLazy,
		TCP: netip.AddrPortFrom(at, 5060), TLS: netip.AddrPortFrom(at, 5061), ServerTLS: conf, ClientTLS: client,
		Hosts:  map[string]netip.Addr{EdgeName: s.pair.Outer},
		Trunks: map[string]netip.AddrPort{"example.com": netip.AddrPortFrom(s.pair.Outer, 5060)},
	})
	if err := server.Start(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(server.Close)
	ext, err := lab.NewPhone(lab.PhoneConfig{
		User: "ext", Password: "ext-secret", Domain: lab.PartnerDomain, Server: netip.AddrPortFrom(at, 5061), CA: s.pair.CA,
		Local: s.pair.Client(151), Suites: lab.AllSuites(), Tone: extTone, AutoAnswer: true, Outbound: true, Expires: time.Minute,
	})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(ext.Close)
	for _, step := range []func(context.Context) error{ext.Start, ext.Register} {
		if err := step(ctx); err != nil {
			s.Fatal(err)
		}
	}
	return ext
}

// nameServer answers from records, as the world's name service would.
func (s *stage) nameServer(records ...string) {
	s.Helper()
	pc, err := net.ListenPacket("udp", s.pair.at("2.53")+":53")
	if err != nil {
		s.Fatal(err)
	}
	server := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		for _, text := range records {
			rr, err := dns.NewRR(text)
			if err == nil && strings.EqualFold(rr.Header().Name, q.Question[0].Name) && rr.Header().Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
		w.WriteMsg(m)
	})}
	done := make(chan struct{})
	go func() { defer close(done); server.ActivateAndServe() }()
	s.Cleanup(func() { server.Shutdown(); <-done })
}

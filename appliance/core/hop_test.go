package core

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"sallyport/appliance/media"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

func uri(t testing.TB, s string) sip.URI {
	t.Helper()
	u, err := sip.ParseURI(s)
	if err != nil {
		t.Fatal(s, err)
	}
	return u
}

func text(ts ...target) string {
	var out []string
	for _, t := range ts {
		out = append(out, fmt.Sprintf("%s %s %s:%d %s", t.zone, t.network, t.host, t.port, t.uri))
	}
	return strings.Join(out, "\n")
}

func TestTargetOf(t *testing.T) {
	p := planned(t).plan.Load()
	for _, c := range []struct{ uri, want string }{
		{"sip:carol@10.0.0.9", "inside UDP 10.0.0.9:0 "},
		{"sip:carol@10.0.0.9:5070;transport=TCP", "inside TCP 10.0.0.9:5070 "},
		{"sips:carol@phone.example.com", "inside TLS phone.example.com:0 "},
		{"sips:carol@10.0.0.9;transport=tcp", "inside TCP 10.0.0.9:0 "},
		{"sip:carol@[2001:db8::9]:5070;transport=tls", "inside TLS 2001:db8::9:5070 "},
		{"sip:carol@example.com;maddr=10.0.0.20;transport=tcp", "Call control TCP 10.0.0.20:0 "},
		{"sip:carol@example.com;maddr=[2001:db8::9]", "inside UDP 2001:db8::9:0 "},
		{"sip:CUCM2.example.com;lr", "Call control UDP CUCM2.example.com:0 "},
	} {
		if got := text(p.targetOf(uri(t, c.uri))); got != c.want {
			t.Errorf("%s: %s", c.uri, got)
		}
	}
}

func TestDefaultPorts(t *testing.T) {
	for _, c := range []struct {
		t    target
		want uint16
	}{{target{network: "TLS"}, 5061}, {target{network: "TCP"}, 5060}, {target{network: "UDP", port: 5080}, 5080}} {
		if got := defaultPort(c.t); got != c.want {
			t.Errorf("%+v: %d", c.t, got)
		}
	}
	for addr, want := range map[string]string{"10.0.0.6:5060": "10.0.0.6:5060", "[2001:db8::6]:5061": "[2001:db8::6]:5061"} {
		if got := hostport(netip.MustParseAddrPort(addr)); got != want {
			t.Errorf("%s: %s", addr, got)
		}
	}
}

func TestNextHop(t *testing.T) {
	p := planned(t).plan.Load()
	for _, c := range []struct{ name, route, hop, uri, left string }{
		{"no route", "", "example.com", "sip:bob@example.com", ""},
		{"loose", "<sip:10.0.0.20;lr>, <sip:10.0.0.6;lr>", "10.0.0.20", "sip:bob@example.com", "<sip:10.0.0.20;lr>|<sip:10.0.0.6;lr>"},
		{"loose, with a value", "<sip:10.0.0.20;lr=on>", "10.0.0.20", "sip:bob@example.com", "<sip:10.0.0.20;lr=on>"},
		{"strict", "<sip:10.0.0.20>, <sip:10.0.0.6;lr>", "10.0.0.20", "sip:10.0.0.20", "<sip:10.0.0.6;lr>|<sip:bob@example.com>"},
		{"strict alone", "<sip:10.0.0.20;transport=tcp>", "10.0.0.20", "sip:10.0.0.20;transport=tcp", "<sip:bob@example.com>"},
		{"strict by a header parameter", "<sip:10.0.0.20>;lr", "10.0.0.20", "sip:10.0.0.20", "<sip:bob@example.com>"},
	} {
		var fields []string
		if c.route != "" {
			fields = append(fields, "Route: "+c.route)
		}
		m := invite(t, fields...)
		hop, err := p.nextHop(m)
		if err != nil || hop.host != c.hop || m.URI() != c.uri || all(m, "Route") != c.left {
			t.Errorf("%s: to %s, %s, Route %s, %v", c.name, hop.host, m.URI(), all(m, "Route"), err)
		}
	}
}

func TestSearch(t *testing.T) {
	c := planned(t)
	o := outlet{tokens: c.tokens, book: c.book, zone: "Edge", sealed: "Edge"}
	both := func(u string) string {
		return "Call control TCP 10.0.0.20:5060 " + u + "\nCall control TCP cucm2.example.com:5060 " + u
	}
	h, _ := c.book.put(mark{}, "sip:carol@10.0.0.9:5070;transport=tcp")
	token := c.tokens.sealHandle(purposeContact, "Edge", h)
	stale := c.tokens.sealHandle(purposeContact, "Edge", handle{1})
	for _, s := range []struct{ name, uri, want string }{
		{"a user", "sip:carol@EXAMPLE.com;user=phone", both("sip:carol@EXAMPLE.com;user=phone")},
		{"a user, led elsewhere", "sip:carol@example.com;maddr=10.0.0.99", both("sip:carol@example.com")},
		{"the domain", "sip:example.com", both("sip:example.com")},
		{"nobody", "sip:carol@example.org", ""},
		{"an address", "sip:carol@10.0.0.9", ""},
		{"a contact", "sip:" + token + "@edge.example.com", "inside TCP 10.0.0.9:5070 sip:carol@10.0.0.9:5070;transport=tcp"},
		{"a contact that is forgotten", "sip:" + stale + "@example.com", ""},
		{"a user whose name looks like a token", "sip:c1.smith@example.com", both("sip:c1.smith@example.com")},
	} {
		if got := text(c.search(uri(t, s.uri), o, invite(t))...); got != s.want {
			t.Errorf("%s:\n%s", s.name, got)
		}
	}
	if c.mayAddress(parse(t, "BYE sip:x@10.0.0.99 SIP/2.0\nCSeq: 2 BYE"), o) || !c.mayAddress(parse(t, "BYE sip:bob@example.com SIP/2.0\nCSeq: 2 BYE"), o) ||
		!c.mayAddress(parse(t, "BYE tel:+4930 SIP/2.0\nCSeq: 2 BYE"), o) {
		t.Error("a Request-URI within a dialog may be what it may be without, and no more")
	}
}

func TestRegistrars(t *testing.T) {
	p := planned(t, "SIP Domain 1 Authzone: Call control").plan.Load()
	d, _ := p.Domain("Example.COM")
	for asked, want := range map[string]string{
		"sip:example.com":                     "sip:example.com",
		"sip:cucm2.example.com;transport=tls": "sip:cucm2.example.com;transport=tls",
		"sip:10.0.0.20:5060":                  "sip:10.0.0.20:5060",
		"sip:example.com;maddr=10.0.0.99":     "sip:example.com",
		"sip:10.0.0.99:22;transport=tcp":      "sip:example.com",
		"sip:edge.example.com":                "sip:example.com",
		"tel:+4930":                           "sip:example.com",
	} {
		for _, way := range []*Plan{p, planned(t).plan.Load()} {
			ts := way.registrars(d, "Edge", uri(t, "sip:alice@example.com"), uri(t, asked), 0)
			if len(ts) != 2 || ts[0].host != "10.0.0.20" || ts[1].uri != want {
				t.Errorf("%s: %s", asked, text(ts...))
			}
		}
	}
}

func TestWorthAnother(t *testing.T) {
	for status, want := range map[int]bool{404: true, 408: true, 500: true, 503: true, 504: true, 302: false, 401: false, 403: false, 486: false, 487: false, 600: false, 603: false} {
		if worthAnother(status) != want {
			t.Error(status)
		}
	}
}

// TestFailOver: the second peer is asked with its own branch, the hops that
// the zone grants, and nobody after it.
func TestFailOver(t *testing.T) {
	c := planned(t)
	c.log = quiet()
	ts := targetsOf(c.plan.Load().Zones.Next(query("alice@example.com")), uri(t, "sip:alice@example.com"))
	b, err := c.branch(ts, func(t2 target) (signaling.Branch, error) {
		m := invite(t)
		m.SetURI("sip:" + t2.host)
		return signaling.Branch{Msg: m}, nil
	}, nil)
	if err != nil || b.Msg.URI() != "sip:10.0.0.20" || b.Via != "10.0.0.6:5060" || b.Msg.MaxForwards() != 15 {
		t.Fatalf("%v %+v", err, b)
	}
	if b.Next(486) != nil {
		t.Error("a busy user is sought elsewhere")
	}
	next := b.Next(503)
	if next == nil || next.Msg.URI() != "sip:cucm2.example.com" || next.Next(503) != nil {
		t.Errorf("%+v", next)
	}
	if _, err := c.resolve(context.Background(), target{host: "10.0.0.20", network: "TCP"}); err != nil {
		t.Error(err)
	}
}

func TestPolicy(t *testing.T) {
	for _, c := range []struct {
		mode    media.Encryption
		network string
		want    media.Policy
	}{
		{media.Auto, "TCP", media.Policy{Inside: media.Auto}},
		{media.Auto, "TLS", media.Policy{Inside: media.BestEffort, InsideTLS: true}},
		{media.On, "UDP", media.Policy{Inside: media.On}},
		{media.Off, "TLS", media.Policy{Inside: media.Off, InsideTLS: true}},
	} {
		if got := policy(c.mode, c.network); got != c.want {
			t.Errorf("%v over %s: %+v", c.mode, c.network, got)
		}
	}
	p := planned(t, "Zones Zone 2 Neighbor SIP Media Encryption Mode: Off").plan.Load()
	if got := p.policyOf("call control", passage{network: "TCP"}); got.Inside != media.Off {
		t.Errorf("%+v", got)
	}
	p = planned(t, "Zones Zone 2 Neighbor SIP Media AesGcm Support: Off").plan.Load()
	if got := p.policyOf("call control", passage{network: "TCP"}); !got.NoGCMInside {
		t.Errorf("%+v", got)
	}
	if got := p.targetOf(sip.URI{Host: p.Zones.Zone("call control").Peers[0]}).policy(); !got.NoGCMInside {
		t.Errorf("%+v", got)
	}
	if got := p.policyOf("nowhere", passage{network: "TCP"}); got.Inside != media.Auto {
		t.Errorf("%+v", got)
	}
}

package edge

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/flow"
	"sallyport/appliance/sip"
)

// dialled is a real connection on loopback; edge's address on it is 127.0.0.1.
func dialled(t testing.TB) *flow.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	f := flow.New(flow.Config{AllowDial: true, OnMessage: func(*flow.Conn, *sip.Message) {}})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	wait, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	c, err := f.Dial(wait, flow.Target{Network: "TCP", Addr: netip.MustParseAddrPort(l.Addr().String())})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOwnRoutes(t *testing.T) {
	e := planned("IP DNS Hostname: edge", "IP DNS Domain Name: example.com")
	c := dialled(t)
	tok := e.tokens.seal(purposeRecordRoute, "Core", route{binding: 1})
	mine := "<sip:" + tok + "@edge.example.com:5061;transport=tls;lr>"
	first := "<sip:" + e.tokens.preload("example.com") + "@edge.example.com:5061;transport=tls;lr>"
	const core = "<sip:c1.AAAA@edge.example.com;lr>"
	for _, r := range []struct {
		name, route string
		token       string
		ok          bool
		left        string
	}{
		{"none", "", "", true, ""},
		{"only ourselves", "<sip:edge.example.com;lr>", "", true, ""},
		{"ourselves by address, twice", "<sip:127.0.0.1:5061;lr>, <sip:EDGE.example.com;transport=tls;lr>", "", true, ""},
		{"a token", mine + ", " + core, tok, true, core},
		{"ourselves, then a token", "<sip:edge.example.com;lr>, " + mine + ", " + core, tok, true, core},
		{"what edge configuration says", first, "", true, ""},
		{"that, then a token", first + ", " + mine + ", " + core, tok, true, core},
		{"that, then a foreign host", first + ", <sip:10.0.0.9;lr>", "", false, "<sip:10.0.0.9;lr>"},
		{"two tokens of a call through us twice", mine + "," + mine + "," + core, tok, true, core},
		{"a token at another host", "<sip:" + tok + "@edge.example.org;lr>, " + core, tok, true, core},
		{"a foreign host behind the token", mine + ", <sip:10.0.0.9;lr>", tok, true, "<sip:10.0.0.9;lr>"},
		{"a foreign host", "<sip:10.0.0.9;lr>", "", false, "<sip:10.0.0.9;lr>"},
		{"a foreign host before the token", "<sip:10.0.0.9;lr>, " + mine, "", false, "<sip:10.0.0.9;lr>|" + mine},
		{"a user of ours", "<sip:alice@edge.example.com;lr>", "", false, "<sip:alice@edge.example.com;lr>"},
		{"core's token alone", core, "", false, core},
	} {
		var fields []string
		if r.route != "" {
			fields = append(fields, "Route: "+r.route)
		}
		m := invite(t, fields...)
		token, ok := e.ownRoutes(m, c)
		if token != r.token || ok != r.ok {
			t.Errorf("%s: token %q, %v", r.name, token, ok)
		}
		e.dropOwnRoutes(m, c)
		if left := strings.Join(m.Values("Route"), "|"); left != r.left {
			t.Errorf("%s: left %s", r.name, left)
		}
	}
}

// TestOwnRouteBehindStaticNAT: clients outside know edge by the address that a
// router translates, and so write it.
func TestOwnRouteBehindStaticNAT(t *testing.T) {
	lines := []string{`Ethernet 1 IP V4 Address: "127.0.0.1"`, `Ethernet 1 IP V4 StaticNAT Address: "203.0.113.1"`}
	c := dialled(t)
	for mode, want := range map[string]bool{"On": true, "Off": false} {
		e := planned(append(lines, "Ethernet 1 IP V4 StaticNAT Mode: "+mode)...)
		m := invite(t, "Route: <sip:203.0.113.1:5061;transport=tls;lr>")
		if _, ok := e.ownRoutes(m, c); ok != want {
			t.Errorf("static NAT %s: taken %v", mode, ok)
		}
		if host := e.face(c).host; (host == "203.0.113.1") != want {
			t.Errorf("static NAT %s: clients are told %s", mode, host)
		}
	}
}

// FuzzOwnRoutes: a route that passes names this edge, and dropping ours always
// ends.
func FuzzOwnRoutes(f *testing.F) {
	e := planned("IP DNS Hostname: edge", "IP DNS Domain Name: example.com")
	c := dialled(f)
	for _, s := range []string{"<sip:edge.example.com;lr>", "<sip:e1.AAAA@x;lr>, <sip:c1.AAAA@x>", ",,<sip:127.0.0.1>", "sip:10.0.0.1", "<tel:+1>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, routes string) {
		m := invite(t)
		m.Add("Route", routes)
		token, ok := e.ownRoutes(m, c)
		if ok && token == "" {
			for _, v := range m.Values("Route") {
				na, err := sip.ParseNameAddr(v)
				if err != nil || na.URI.User != "" || na.URI.Host != "127.0.0.1" && !strings.EqualFold(na.URI.Host, "edge.example.com") {
					t.Errorf("%q passes", v)
				}
			}
			e.dropOwnRoutes(m, c)
			if len(m.Values("Route")) > 0 {
				t.Errorf("left %q", m.Values("Route"))
			}
			return
		}
		e.dropOwnRoutes(m, c)
	})
}

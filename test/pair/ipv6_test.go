package pair

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"sallyport/test/lab"
)

// TestIPv6 has everybody outside on IPv6 and call control on IPv4: alice
// registers, calls and is called with media both ways, and a browser fetches.
//
//	alice, browser ::1 ──▶ edge ::1 │ 127.x.1.1 ◀── core 127.x.1.2 ──▶ 127.x.2.x
func TestIPv6(t *testing.T) { ipv6(t, Config{Listen: netip.IPv6Loopback()}, "127.") }

// TestIPv6Link has the link on IPv6 too: signalling, streams and media. Both
// nodes share the one address that there is, so core has other ports.
//
//	alice, browser ::1 ──▶ edge ::1 │ ::1 ◀── core ::1, 127.x.1.2 ──▶ 127.x.2.x
func TestIPv6Link(t *testing.T) {
	ipv6(t, Config{
		Listen: netip.IPv6Loopback(),
		Edge: []string{
			`xConfiguration Ethernet 2 IP V4 Address: ""`,
			`xConfiguration Ethernet 2 IP V6 Address: "::1"`,
			`xConfiguration Traversal Media Port End: 49999`,
		},
		Core: []string{
			`xConfiguration Ethernet 1 IP V6 Address: "::1"`,
			`xConfiguration Zones Zone 1 TraversalClient Peer 1 Address: "::1"`,
			`xConfiguration SIP TCP Port: 5090`,
			`xConfiguration SIP UDP Port: 5090`,
			`xConfiguration SIP TLS Port: 5091`,
			`xConfiguration Administration SSH Port: 2023`,
			`xConfiguration Traversal Media Port Start: 50000`,
		},
		World: func(w *lab.WorldConfig) { w.Core = netip.AddrPortFrom(w.Core.Addr(), 5090) },
	}, "::1")
}

// ipv6 plays on a pair whose link begins at an address that begins with link.
func ipv6(t *testing.T, cfg Config, link string) {
	outside := cfg.Listen
	if l, err := net.Listen("tcp6", netip.AddrPortFrom(outside, 0).String()); err != nil {
		t.Skip("this machine has no IPv6 loopback: ", err)
	} else {
		l.Close()
	}
	s := open(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	defer s.clear()
	var zones strings.Builder
	shell := s.pair.Edge.Console("test")
	shell.Exec(ctx, "xStatus Zones", &zones)
	shell.Close()
	if !strings.Contains(zones.String(), `"`+link) {
		t.Errorf("the link is not at %s:\n%s", link, zones.String())
	}
	alice := s.registered(ctx, t, "alice")
	call, err := alice.Call(ctx, "carol")
	if err != nil {
		t.Fatal(err)
	}
	s.calls["alice"] = call
	for _, at := range call.FarMedia() {
		if at.Addr() != outside {
			t.Errorf("alice was told to send media to %s", at)
		}
	}
	answered := s.rings(ctx, t, s.pair.World.Carol)
	s.hears(ctx, t, call, lab.CarolTone)
	s.hears(ctx, t, answered, 440)
	if err := call.Hangup(ctx); err != nil {
		t.Error(err)
	}
	back, err := s.pair.World.Carol.Call(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	hers := s.rings(ctx, t, alice)
	s.hears(ctx, t, hers, lab.CarolTone)
	s.hears(ctx, t, back, 440)
	back.Hangup(ctx)
	if text, err := s.browserVerb(ctx, nil, []string{"gets", "/page/welcome"}); text != "200\n" || err != nil {
		t.Errorf("the page: %q, %v", text, err)
	}
	for _, c := range alice.Received() {
		if m, err := lab.ParseMessage(c.Raw); err == nil && strings.Contains(string(m.Body), "IN IP4") {
			t.Errorf("alice was told an IPv4 address:\n%s", m.Body)
		}
	}
}

func (s *stage) rings(ctx context.Context, t *testing.T, p *lab.Phone) *lab.Call {
	t.Helper()
	select {
	case c := <-p.Incoming():
		return c
	case <-ctx.Done():
		t.Fatal("nobody calls")
		return nil
	}
}

func (s *stage) hears(ctx context.Context, t *testing.T, c *lab.Call, hz float64) {
	t.Helper()
	if stats, err := c.AwaitMedia(ctx, hz, 25); err != nil || stats.Lost > 0 {
		t.Error(fmt.Errorf("%v Hz: %s: %w", hz, stats, err))
	}
}

package core

import (
	"strings"
	"testing"
	"time"

	"sallyport/appliance/sip"
)

func registration(t *testing.T, user, binding string) *sip.Message {
	t.Helper()
	return parse(t, "REGISTER sip:example.com SIP/2.0\nTo: <sip:"+user+"@example.com>\n"+headerBinding+": "+binding+"\nCSeq: 1 REGISTER")
}

// TestShortcut: a token serves the binding that it was made for, as often as
// it comes, until time or topology end it; anyone else's is refused, and so is
// one that this core did not seal.
func TestShortcut(t *testing.T) {
	const edge, peer = "Edge", 7
	on := "SIP PreRoutedRouteHeader: REGISTER"
	c := planned(t, on)
	clock := newClock()
	c.cfg.Clock = clock.read
	plan := c.plan.Load()
	alice := registration(t, "alice", "a1")
	hop := targetsOf(plan.Zones.Next(query("alice@example.com")), uri(t, "sip:example.com"))[1]
	token := c.shortcutTo(plan, alice, edge, peer, hop)
	if token == "" || len(token) > 128 {
		t.Fatalf("token %q", token)
	}
	same := func(name string, s *shortcut, why string) {
		t.Helper()
		if s == nil || why != "" || s.target.host != "cucm2.example.com" || s.target.uri != "sip:example.com" || !s.target.preRouted {
			t.Errorf("%s: %+v, %q", name, s, why)
		}
	}
	refused := func(name string, m *sip.Message, zone string, from uint64, token, rule string) {
		t.Helper()
		if s, why := c.openShortcut(m, plan, zone, from, token); s != nil || !strings.Contains(why, rule) {
			t.Errorf("%s: %+v, %q", name, s, why)
		}
	}
	for _, known := range []string{"first", "again"} {
		s, why := c.openShortcut(alice, plan, edge, peer, token)
		same(known, s, why)
	}
	refused("another user", registration(t, "bob", "a1"), edge, peer, token, "another registration")
	refused("another device", registration(t, "alice", "a2"), edge, peer, token, "another registration")
	refused("another edge", alice, edge, 8, token, "another registration")
	refused("another zone", alice, "Edge 2", peer, token, "forged")
	refused("one bit", alice, edge, peer, token[:len(token)-1]+"-", "forged")
	refused("a token of another kind", alice, edge, peer, c.tokens.sealHandle(purposeBinding, edge, handle{}), "forged")

	changed := planned(t, on, `Zones Zone 2 Neighbor SIP Port: 5070`).plan.Load()
	if s, why := c.openShortcut(alice, changed, edge, peer, token); s != nil || why != "" {
		t.Errorf("after a change: %+v, %q", s, why)
	}
	clock.now = clock.now.Add(shortcutTTL)
	if s, why := c.openShortcut(alice, plan, edge, peer, token); s != nil || why != "" {
		t.Errorf("after its time: %+v, %q", s, why)
	}
}

// What is remembered of tokens is bounded, and what was forgotten is read anew.
func TestShortcutsBounded(t *testing.T) {
	var s shortcuts
	for i := range 5 * maxShortcuts {
		s.put(time.Duration(i).String(), remembered{})
	}
	if n := len(s.now) + len(s.old); n > 2*maxShortcuts {
		t.Errorf("%d tokens are remembered", n)
	}
}

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

// TestIPv6 has everybody outside on IPv6 and everything inside on IPv4: alice
// registers, calls and is called with media both ways, and a browser fetches.
//
//	alice, browser ::1 ──▶ edge ::1 │ 127.x.1.1 ◀── core 127.x.1.2 ──▶ 127.x.2.x
func TestIPv6(t *testing.T) {
	outside := netip.IPv6Loopback()
	if l, err := net.Listen("tcp6", netip.AddrPortFrom(outside, 0).String()); err != nil {
		t.Skip("this machine has no IPv6 loopback: ", err)
	} else {
		l.Close()
	}
	s := open(t, Config{Listen: outside})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	defer s.clear()
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

package core

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/zone"
)

// led is a core and where its DNS zone leads for a host.
func led(t *testing.T, host string, lines ...string) string {
	t.Helper()
	c := planned(t, append([]string{"Zones Zone 3 Name: World", "Zones Zone 3 Type: DNS", "Zones Zone 3 DNS SIP Default Transport: TCP"}, lines...)...)
	c.names = zone.NewResolver(time.Now)
	p := c.plan.Load()
	ts, err := c.strangers(t.Context(), p, zone.Hop{Zone: p.Zones.Zone("World"), URI: "sip:x@" + host})
	if err != nil {
		return err.Error()
	}
	return text(ts...)
}

// TestStrangersAreOutside: the records of a domain that somebody called choose
// where core connects to, and must not choose the inside.
func TestStrangersAreOutside(t *testing.T) {
	const inside = "Zones Zone 3 DNS InsideAddresses: On"
	if got, want := led(t, "8.8.8.8"), "World TCP 8.8.8.8:5060 sip:x@8.8.8.8"; got != want {
		t.Errorf("a server outside: %s", got)
	}
	for _, host := range []string{"10.0.0.20", "10.0.0.6", "192.168.1.1", "127.0.0.1", "169.254.169.254", "[::1]", "[fd00::1]", "[fe80::1]"} {
		if got := led(t, host); !strings.Contains(got, "which is no address of the outside") {
			t.Errorf("%s: %s", host, got)
		}
	}
	if got, want := led(t, "10.0.0.21", inside), "World TCP 10.0.0.21:5060 sip:x@10.0.0.21"; got != want {
		t.Errorf("a server inside, where that is meant: %s", got)
	}
	for _, host := range []string{"10.0.0.6", "127.0.0.1", "169.254.169.254", "[::1]", "[fe80::1]"} {
		if got := led(t, host, inside); !strings.Contains(got, "which is no address of the outside") {
			t.Errorf("%s, where the inside is meant: %s", host, got)
		}
	}
}

// TestStrangersStayOutside: nor may they choose it by what they say of
// themselves within a dialog, whoever sends there.
func TestStrangersStayOutside(t *testing.T) {
	c := planned(t, "Zones Zone 3 Name: World", "Zones Zone 3 Type: DNS")
	c.reach.note(target{network: "TCP", host: "cucm2.example.com"}, netip.MustParseAddrPort("10.0.0.22:5060"))
	p := c.plan.Load()
	for _, x := range []struct {
		near    bool
		host    string
		strange bool
		want    bool
	}{
		{false, "10.0.0.20", true, true}, {false, "cucm2.example.com", true, true}, {false, "10.0.0.22", true, true},
		{false, "10.0.0.99", true, false}, {false, "192.0.2.1", true, false}, {false, "10.0.0.99", true, false},
		{true, "8.8.8.8", true, true}, {true, "10.0.0.99", true, false}, {true, "127.0.0.1", true, false},
		{true, "10.0.0.99", false, true},
	} {
		to := target{host: x.host, network: "TCP", stranger: x.strange && !c.isPeer(p, x.host)}
		if got := c.mayReach(p, x.near, netip.MustParseAddr("8.8.8.8"), to); got != x.want {
			t.Errorf("near %v, to %s of a stranger (%v): %v", x.near, x.host, x.strange, got)
		}
	}
	plain, strange := c.tokens.sealTrunk(7, false), c.tokens.sealTrunk(8, true)
	if s, is, err := c.tokens.openTrunk(plain); s != 7 || is || err != nil {
		t.Error(s, is, err)
	}
	if s, is, err := c.tokens.openTrunk(strange); s != 8 || !is || err != nil {
		t.Error(s, is, err)
	}
	// A name is looked at when it is known where it leads.
	to := target{host: "localhost", network: "TCP", port: 5060, stranger: true}
	c.reach.note(to, netip.MustParseAddrPort("10.0.0.99:5060"))
	if c.opened(to) != nil {
		t.Error("a connection to the inside is used")
	}
	if _, err := c.dial(context.Background(), to); err == nil || !strings.Contains(err.Error(), "no address of the outside") {
		t.Errorf("a name that leads inside: %v", err)
	}
}

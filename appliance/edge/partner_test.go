package edge

import (
	"net/netip"
	"strings"
	"testing"

	"sallyport/appliance/sip"
	"sallyport/appliance/zone"
)

// TestPartnersAreForeign: whom a user calls chooses the address that edge
// connects to, and must not choose one of the inside.
func TestPartnersAreForeign(t *testing.T) {
	addr := netip.MustParseAddr
	open := &Plan{outside: []netip.Addr{addr("203.0.113.5")}, addresses: []netip.Addr{addr("203.0.113.5"), addr("10.0.0.5")}}
	natted := &Plan{outside: []netip.Addr{addr("192.168.1.5")}, addresses: []netip.Addr{addr("192.168.1.5")}}
	for _, c := range []struct {
		plan *Plan
		addr string
		want bool
	}{
		{open, "198.51.100.7", true}, {open, "2001:db8::7", true}, {natted, "198.51.100.7", true}, {natted, "192.168.1.9", true},
		{open, "10.0.0.20", false}, {open, "::ffff:10.0.0.20", false}, {open, "fd00::20", false}, {open, "127.0.0.1", false}, {open, "::1", false},
		{open, "169.254.169.254", false}, {open, "fe80::1", false}, {open, "0.0.0.0", false}, {open, "224.0.0.1", false},
		{open, "203.0.113.5", false}, {natted, "192.168.1.5", false}, {natted, "127.0.0.1", false},
	} {
		if got := c.plan.foreign(addr(c.addr)); got != c.want {
			t.Errorf("outside %s: %s is foreign: %v", c.plan.outside, c.addr, got)
		}
	}
	e := planned()
	e.plan.Store(open)
	_, err := e.dialPartner(t.Context(), sip.URI{Scheme: "sip", User: "x", Host: "10.0.0.20", Port: 5060}, &zone.Zone{Name: "World", Transport: "TCP"})
	if err == nil || !strings.Contains(err.Error(), "10.0.0.20 is at 10.0.0.20, which is no address of the outside") {
		t.Errorf("a call to an address inside: %v", err)
	}
}

// TestPartnersOfANetwork: an IPv6 network of one owner has one share of the
// places for partners.
func TestPartnersOfANetwork(t *testing.T) {
	key := func(a string) string { return partnerKey(netip.MustParseAddr(a), 1, "Core").AOR }
	if key("2001:db8:0:1::1") != key("2001:db8:0:1:ffff::2") {
		t.Error("each address of a network has a share of its own")
	}
	if key("2001:db8:0:1::1") == key("2001:db8:0:2::1") || key("192.0.2.1") == key("192.0.2.2") {
		t.Error("strangers share their places")
	}
	if key("192.0.2.1") != "192.0.2.1" {
		t.Errorf("filed as %s", key("192.0.2.1"))
	}
}

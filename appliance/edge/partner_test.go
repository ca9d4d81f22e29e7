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
	e := planned("Ethernet 1 IP V4 Address: 192.168.1.5", "Ethernet 2 IP V4 Address: 10.0.0.5",
		"Ethernet 1 IP V4 StaticNAT Mode: On", "Ethernet 1 IP V4 StaticNAT Address: 9.9.9.5")
	for _, host := range []string{"10.0.0.20", "192.168.1.9", "192.168.7.1", "9.9.9.5"} {
		_, err := e.dialPartner(t.Context(), sip.URI{Scheme: "sip", User: "x", Host: host, Port: 5060}, &zone.Zone{Name: "World", Transport: "TCP"})
		if err == nil || !strings.Contains(err.Error(), host+" is at "+host+", which is no address of the outside") {
			t.Errorf("a call to %s: %v", host, err)
		}
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

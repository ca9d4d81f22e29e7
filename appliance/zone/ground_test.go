package zone

import (
	"net/netip"
	"testing"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// TestGround: whoever is called chooses the address that a node connects to, and
// must not choose one of the inside.
func TestGround(t *testing.T) {
	const inner = "Ethernet 2 IP V4 Address: 10.0.0.5"
	for name, c := range map[string]struct {
		role  xapi.Role
		lines []string
		yes   []string
		no    []string
	}{
		"edge, two interfaces": {xapi.Edge, []string{"Ethernet 1 IP V4 Address: 9.9.9.5", "Ethernet 1 IP V6 Address: 2a00:1::5", inner},
			[]string{"8.8.8.8", "2a00:2::7", "9.9.9.6", "64:ff9b::808:808"},
			[]string{"10.0.0.20", "::ffff:10.0.0.20", "172.16.0.1", "fd00::20", "127.0.0.1", "::1", "169.254.169.254", "fe80::1", "fe80::1%eth0", "0.0.0.0", "0.0.0.1",
				"224.0.0.1", "255.255.255.255", "100.64.0.1", "9.9.9.5", "2a00:1::5", "10.0.0.5", "64:ff9b::a00:14", "2002:a00:14::1"}},
		"edge, public addresses inside": {xapi.Edge, []string{"Ethernet 1 IP V4 Address: 9.9.9.5", "Ethernet 2 IP V4 Address: 8.8.4.5",
			"IP Route 1 Address: 8.9.0.0", "IP Route 1 PrefixLength: 16", "IP Route 1 Gateway: 8.8.4.1"},
			[]string{"8.8.8.8"}, []string{"8.8.4.20", "8.9.1.1"}},
		"edge behind static NAT": {xapi.Edge, []string{"Ethernet 1 IP V4 Address: 192.168.1.5", inner,
			"Ethernet 1 IP V4 StaticNAT Mode: On", "Ethernet 1 IP V4 StaticNAT Address: 9.9.9.5"},
			[]string{"8.8.8.8", "9.9.9.6"}, []string{"192.168.1.9", "192.168.2.9", "10.0.0.20", "10.1.0.20", "9.9.9.5", "192.168.1.5", "127.0.0.1"}},
		"the same, and a line to a partner": {xapi.Edge, []string{"Ethernet 1 IP V4 Address: 192.168.1.5", inner,
			"Ethernet 1 IP V4 StaticNAT Mode: On", "Ethernet 1 IP V4 StaticNAT Address: 9.9.9.5",
			"IP Route 1 Address: 10.50.0.0", "IP Route 1 PrefixLength: 16", "IP Route 1 Gateway: 192.168.1.1"},
			[]string{"10.50.1.1"}, []string{"10.51.1.1", "192.168.1.9"}},
		"edge of a closed network": {xapi.Edge, []string{"Ethernet 1 IP V4 Address: 10.1.0.5", "Ethernet 1 IP V4 SubnetMask: 255.0.0.0", inner},
			[]string{"10.1.0.9", "10.7.0.9", "8.8.8.8"}, []string{"10.0.0.20", "192.168.1.9", "10.1.0.5"}},
		"core": {xapi.Core, []string{"Ethernet 1 IP V4 Address: 9.9.9.5", "IP Route 1 Address: 8.9.0.0", "IP Route 1 PrefixLength: 16", "IP Route 1 Gateway: 9.9.9.1"},
			[]string{"8.8.8.8"}, []string{"9.9.9.5", "9.9.9.6", "8.9.1.1", "10.0.0.20", "127.0.0.1", "::1", "169.254.169.254", "fe80::1"}},
	} {
		g := GroundFrom(config.NewSnapshotForTest(c.role, c.lines...), c.role)
		for want, list := range map[bool][]string{true: c.yes, false: c.no} {
			for _, a := range list {
				if got := g.Stranger(netip.MustParseAddr(a)); got != want {
					t.Errorf("%s: %s may be a stranger: %v", name, a, got)
				}
			}
		}
	}
	g := GroundFrom(config.NewSnapshotForTest(xapi.Core, "Ethernet 1 IP V4 Address: 10.0.0.5"), xapi.Core)
	for a, want := range map[string]bool{"10.0.0.20": true, "192.168.7.7": true, "8.8.8.8": true,
		"10.0.0.5": false, "127.0.0.1": false, "::1": false, "169.254.169.254": false, "fe80::1": false, "224.0.0.1": false} {
		if got := g.Inside(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s may be of the inside: %v", a, got)
		}
	}
}

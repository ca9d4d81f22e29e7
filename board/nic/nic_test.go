package nic

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/server4"
	"github.com/vishvananda/netlink"
)

// inNamespace runs the test again in a network of its own and reports whether
// this is that run.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv("NIC_NAMESPACE") == t.Name() {
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("making a network namespace needs root")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "NIC_NAMESPACE="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	return false
}

// wires makes pairs of interfaces: lan1 and lan2 are the machine's, peer1 and
// peer2 the far ends.
func wires(t *testing.T) *Network {
	t.Helper()
	for _, n := range []string{"1", "2"} {
		v := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "lan" + n, MTU: 1500}, PeerName: "peer" + n}
		if err := netlink.LinkAdd(v); err != nil {
			t.Fatal(err)
		}
		p, err := netlink.LinkByName("peer" + n)
		if err != nil {
			t.Fatal(err)
		}
		netlink.LinkSetUp(p)
	}
	return New(Config{
		Log: slog.New(slog.DiscardHandler), Hardware: func() []string { return []string{"lan1", "lan2"} },
		Resolv: filepath.Join(t.TempDir(), "resolv.conf"),
	})
}

// picture is what the kernel has, as text.
func picture(t *testing.T) string {
	t.Helper()
	var out []string
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		name := l.Attrs().Name
		if strings.HasPrefix(name, "peer") || name == "lo" {
			continue
		}
		line := name + " " + l.Attrs().Flags.String()
		if l.Attrs().MTU != 1500 {
			line += " mtu"
		}
		addrs, _ := netlink.AddrList(l, netlink.FAMILY_ALL)
		for _, a := range addrs {
			if !a.IP.IsLinkLocalUnicast() {
				line += " " + a.IPNet.String()
			}
		}
		out = append(out, line)
	}
	routes, _ := netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{Protocol: ours}, netlink.RT_FILTER_PROTOCOL)
	for _, r := range routes {
		out = append(out, "route "+routeKey(r))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func prefixes(s ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range s {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// tag is a VLAN, or none where the test's own kernel has none: then the boot
// tests are what shows them.
func tag(t *testing.T) int {
	t.Helper()
	d, err := netlink.LinkByName("lan2")
	if err != nil {
		t.Fatal(err)
	}
	v, err := vlan(d, 7)
	if err != nil {
		t.Logf("VLANs are left out: %v", err)
		return 0
	}
	netlink.LinkDel(v)
	return 7
}

func dualPlan(vlan int) Plan {
	return Plan{
		Links: []Link{
			{LAN: 1, Addresses: prefixes("192.0.2.10/24", "2001:db8::10/64"), MTU: 1400, Speed: "Auto"},
			{LAN: 2, Addresses: prefixes("10.1.1.1/24"), VLAN: vlan, MTU: 1500},
		},
		Gateway4: netip.MustParseAddr("192.0.2.1"), Gateway6: netip.MustParseAddr("2001:db8::1"),
		Routes:    []Route{{To: netip.MustParsePrefix("10.0.0.0/8"), Gateway: netip.MustParseAddr("10.1.1.254")}},
		PortFirst: 30000, PortLast: 35999,
		DNS: []netip.Addr{netip.MustParseAddr("10.1.1.53")}, Search: "example.com",
	}
}

func TestApplyTwice(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	n := wires(t)
	vlan := tag(t)
	if err := n.Apply(dualPlan(vlan)); err != nil {
		t.Fatal(err)
	}
	first := picture(t)
	for _, want := range []string{"192.0.2.10/24", "2001:db8::10/64", carrierName("lan2", vlan), "10.1.1.1/24", "route default 192.0.2.1", "route default 2001:db8::1", "route 10.0.0.0/8 10.1.1.254"} {
		if !strings.Contains(first, want) {
			t.Errorf("%s is missing in\n%s", want, first)
		}
	}
	if err := n.Apply(dualPlan(vlan)); err != nil {
		t.Fatal(err)
	}
	if second := picture(t); second != first {
		t.Errorf("the second time changed it:\n%s\nwas\n%s", second, first)
	}
	b, _ := os.ReadFile(n.cfg.Resolv)
	if string(b) != "search example.com\nnameserver 10.1.1.53\n" {
		t.Errorf("resolv.conf: %q", b)
	}
	ports, _ := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if strings.Join(strings.Fields(string(ports)), "-") != "30000-35999" {
		t.Errorf("ports: %q", ports)
	}
}

// TestChangeTakesAway applies a plan over another: nothing of the first stays.
func TestChangeTakesAway(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	n := wires(t)
	vlan := tag(t)
	if err := n.Apply(dualPlan(vlan)); err != nil {
		t.Fatal(err)
	}
	p := Plan{Links: []Link{{LAN: 1, Addresses: prefixes("198.51.100.2/24"), MTU: 1500}, {LAN: 2}}}
	if err := n.Apply(p); err != nil {
		t.Fatal(err)
	}
	got := picture(t)
	for _, gone := range []string{"192.0.2.", "2001:db8", "lan2.7", "route", "mtu"} {
		if strings.Contains(got, gone) {
			t.Errorf("%s is still there:\n%s", gone, got)
		}
	}
	if !strings.Contains(got, "198.51.100.2/24") {
		t.Errorf("the new address is missing:\n%s", got)
	}
	p.Gateway4 = netip.MustParseAddr("203.0.113.1")
	if err := n.Apply(p); err == nil || !strings.Contains(err.Error(), "203.0.113.1") {
		t.Errorf("a gateway that nobody reaches: %v", err)
	}
}

func TestSwappedHardware(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	n := wires(t)
	two, err := netlink.LinkByName("lan2")
	if err != nil {
		t.Fatal(err)
	}
	p := Plan{Links: []Link{
		{LAN: 1, MAC: two.Attrs().HardwareAddr.String(), Addresses: prefixes("192.0.2.1/24")},
		{LAN: 2, Addresses: prefixes("192.0.2.130/25")},
	}}
	if err := n.Apply(p); err != nil {
		t.Fatal(err)
	}
	for _, i := range n.Interfaces() {
		if (i.Name == "lan2") != (i.LAN == 1) {
			t.Errorf("%+v", i)
		}
	}
	p.Links[0].MAC = "02:00:00:00:00:99"
	if err := n.Apply(p); err == nil {
		t.Error("an interface that is not there was not told")
	}
}

func TestDHCP(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	leases := make(chan Lease, 4)
	n := wires(t)
	n.cfg.OnLease = func(l Lease) { leases <- l }
	serveDHCP(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	if err := n.Apply(Plan{Links: []Link{{LAN: 1, DHCP: true}}}); err != nil {
		t.Fatal(err)
	}
	select {
	case l := <-leases:
		if l.Address.String() != "10.9.0.77/24" || l.Gateway.String() != "10.9.0.1" || len(l.DNS) != 1 {
			t.Errorf("%+v", l)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("no lease")
	}
	if got := picture(t); !strings.Contains(got, "10.9.0.77/24") || !strings.Contains(got, "route default 10.9.0.1") {
		t.Errorf("%s", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// serveDHCP gives one address on peer1.
func serveDHCP(t *testing.T) {
	t.Helper()
	p, err := netlink.LinkByName("peer1")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.AddrAdd(p, &netlink.Addr{IPNet: ipNet(netip.MustParsePrefix("10.9.0.1/24"))}); err != nil {
		t.Fatal(err)
	}
	handler := func(c net.PacketConn, peer net.Addr, m *dhcpv4.DHCPv4) {
		kind := dhcpv4.MessageTypeOffer
		if m.MessageType() == dhcpv4.MessageTypeRequest {
			kind = dhcpv4.MessageTypeAck
		}
		r, err := dhcpv4.NewReplyFromRequest(m, dhcpv4.WithMessageType(kind), dhcpv4.WithYourIP(net.IPv4(10, 9, 0, 77)),
			dhcpv4.WithServerIP(net.IPv4(10, 9, 0, 1)), dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IPv4(10, 9, 0, 1))),
			dhcpv4.WithNetmask(net.CIDRMask(24, 32)), dhcpv4.WithRouter(net.IPv4(10, 9, 0, 1)),
			dhcpv4.WithDNS(net.IPv4(10, 9, 0, 53)), dhcpv4.WithLeaseTime(600))
		if err != nil {
			return
		}
		c.WriteTo(r.ToBytes(), &net.UDPAddr{IP: net.IPv4bcast, Port: 68})
	}
	s, err := server4.NewServer("peer1", &net.UDPAddr{IP: net.IPv4zero, Port: 67}, handler)
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve()
	t.Cleanup(func() { s.Close() })
}

func TestHardwareOrder(t *testing.T) {
	sys := t.TempDir()
	for name, place := range map[string]string{"eth0": "pci0000:00/0000:00:19.0", "eth1": "pci0000:00/0000:00:03.0", "veth9": ""} {
		dir := filepath.Join(sys, "class/net", name)
		os.MkdirAll(dir, 0o755)
		if place != "" {
			device := filepath.Join(sys, "devices", place)
			os.MkdirAll(device, 0o755)
			os.Symlink(device, filepath.Join(dir, "device"))
		}
	}
	if got := hardwareBelow(sys); !slices.Equal(got, []string{"eth1", "eth0"}) {
		t.Error(got)
	}
}

func TestParseSpeed(t *testing.T) {
	for in, want := range map[string]int{"10half": 10, "1000full": 1000, "Auto": 0} {
		if _, got, _, err := parseSpeed(in); got != want || err != nil {
			t.Error(in, got, err)
		}
	}
	if _, _, _, err := parseSpeed("fast"); err == nil {
		t.Error("taken")
	}
}

package nic

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/dhcpv6/server6"
	"github.com/insomniacslk/dhcp/iana"
	"github.com/vishvananda/netlink"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"
)

// advertText makes a router advertisement.
func advertText(lifetime uint16, options ...[]byte) []byte {
	b := make([]byte, 16)
	b[0], b[4] = 134, 64
	binary.BigEndian.PutUint16(b[6:], lifetime)
	return append(b, bytes.Join(options, nil)...)
}

// prefixText makes a prefix information option.
func prefixText(p string, flags byte, valid, preferred uint32) []byte {
	q := netip.MustParsePrefix(p)
	b := make([]byte, 32)
	b[0], b[1], b[2], b[3] = 3, 4, byte(q.Bits()), flags
	binary.BigEndian.PutUint32(b[4:], valid)
	binary.BigEndian.PutUint32(b[8:], preferred)
	a := q.Addr().As16()
	copy(b[16:], a[:])
	return b
}

// serversText makes a recursive name server option.
func serversText(lifetime uint32, servers ...string) []byte {
	b := make([]byte, 8, 8+16*len(servers))
	b[0], b[1] = 25, byte(1+2*len(servers))
	binary.BigEndian.PutUint32(b[4:], lifetime)
	for _, s := range servers {
		a := netip.MustParseAddr(s).As16()
		b = append(b, a[:]...)
	}
	return b
}

const onLinkChoose = 0x80 | 0x40

func TestParseAdvert(t *testing.T) {
	h, err := parseAdvert(advertText(1800, prefixText("2001:db8:1::/64", onLinkChoose, 3600, 1800),
		[]byte{1, 1, 2, 0, 0, 0, 0, 1}, serversText(600, "2001:db8::53", "fe80::1")))
	if err != nil || !h.router || len(h.prefixes) != 1 || len(h.dns) != 1 {
		t.Fatalf("%+v %v", h, err)
	}
	if p := h.prefixes[0]; p.prefix.String() != "2001:db8:1::/64" || !p.choose || !p.onLink || p.valid != time.Hour {
		t.Errorf("%+v", p)
	}
	for what, b := range map[string][]byte{
		"short": {134, 0}, "another message": append([]byte{135}, make([]byte, 23)...), "a code": append([]byte{134, 1}, make([]byte, 14)...),
		"an option of no length": advertText(1, []byte{3, 0}), "an option beyond the end": advertText(1, []byte{3, 4, 0, 0, 0, 0, 0, 0}),
	} {
		if _, err := parseAdvert(b); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
	h, err = parseAdvert(advertText(0, prefixText("fe80::/64", onLinkChoose, 10, 10), prefixText("2001:db8::/64", onLinkChoose, 10, 20), serversText(0, "2001:db8::53")))
	if err != nil || h.router || len(h.prefixes)+len(h.dns) != 0 {
		t.Errorf("%+v %v", h, err)
	}
}

func FuzzParseAdvert(f *testing.F) {
	f.Add(advertText(1800, prefixText("2001:db8:1::/64", onLinkChoose, 3600, 1800), serversText(600, "2001:db8::53")))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseAdvert(b)
		if err != nil {
			return
		}
		a := advert{}.merge(h, netip.MustParseAddr("fe80::1"), []byte{2, 0, 0, 0, 0, 1})
		if len(a.onLink) > maxPrefixes || len(a.dns) > maxDNS || a.own.IsValid() && a.own.Bits() != 64 {
			t.Errorf("%+v", a)
		}
	})
}

// TestMergeAdverts follows an interface through what its routers say over time.
func TestMergeAdverts(t *testing.T) {
	hw := []byte{0x52, 0x54, 0, 0, 0, 1}
	one, two := netip.MustParseAddr("fe80::1"), netip.MustParseAddr("fe80::2")
	var a advert
	say := func(from netip.Addr, b []byte) {
		t.Helper()
		h, err := parseAdvert(b)
		if err != nil {
			t.Fatal(err)
		}
		a = a.merge(h, from, hw)
	}
	expect := func(want string) {
		t.Helper()
		if got := fmt.Sprintf("%v %v %v", a.gateway, a.own, a.onLink); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	say(one, advertText(1800, prefixText("2001:db8:1::/64", onLinkChoose, 3600, 1800)))
	expect("fe80::1 2001:db8:1:0:5054:ff:fe00:1/64 [2001:db8:1::/64]")
	say(two, advertText(1800, prefixText("2001:db8:2::/64", onLinkChoose, 3600, 1800)))
	expect("fe80::1 2001:db8:1:0:5054:ff:fe00:1/64 [2001:db8:1::/64 2001:db8:2::/64]")
	say(one, advertText(0, prefixText("2001:db8:1::/64", onLinkChoose, 0, 0)))
	expect("invalid IP invalid Prefix [2001:db8:2::/64]")
	say(two, advertText(1800, prefixText("2001:db8:2::/64", onLinkChoose, 3600, 1800), prefixText("2001:db8:3::/48", onLinkChoose, 3600, 1800)))
	expect("fe80::2 2001:db8:2:0:5054:ff:fe00:1/64 [2001:db8:2::/64 2001:db8:3::/48]")
}

// TestAutoConfiguration has a router give an address, a gateway and a name
// server, and take them away.
func TestAutoConfiguration(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	leases := make(chan Lease, 16)
	n := wires(t)
	n.cfg.OnLease = func(l Lease) { leases <- l }
	run(t, n)
	p := Plan{Links: []Link{{LAN: 1, Auto6: true, Addresses: prefixes("2001:db8:9::1/64")}}}
	if err := n.Apply(p); err != nil {
		t.Fatal(err)
	}
	say := router(t)
	own := eui64(netip.MustParsePrefix("2001:db8:1::/64"), hardwareOf(t, "lan1")).String()
	say(advertText(1800, prefixText("2001:db8:1::/64", onLinkChoose, 3600, 1800), serversText(600, "2001:db8::53")))
	if l := next(t, leases); l.Address.String() != own || !l.Gateway.IsLinkLocalUnicast() || len(l.DNS) != 1 {
		t.Errorf("%+v", l)
	}
	settled := picture(t)
	if !strings.Contains(settled, own) || !strings.Contains(settled, "route default fe80::") || strings.Contains(settled, "2001:db8:9::1") {
		t.Errorf("%s", settled)
	}
	if text, _ := os.ReadFile(n.cfg.Resolv); !strings.Contains(string(text), "nameserver 2001:db8::53") {
		t.Errorf("%s", text)
	}
	if err := n.Apply(p); err != nil || picture(t) != settled {
		t.Errorf("the second time: %v\n%s", err, picture(t))
	}
	p = Plan{Links: []Link{{LAN: 1, Addresses: p.Links[0].Addresses}}} // who has applied a plan keeps it
	if err := n.Apply(p); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool {
		got := picture(t)
		return !strings.Contains(got, own) && !strings.Contains(got, "route default") && strings.Contains(got, "2001:db8:9::1/64")
	})
}

// TestDHCP6 takes an address from a DHCPv6 server and the gateway from a router,
// behind a firewall that lets nothing in.
func TestDHCP6(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	leases := make(chan Lease, 16)
	n := wires(t)
	n.cfg.OnLease = func(l Lease) { leases <- l }
	run(t, n)
	p := Plan{Links: []Link{{LAN: 1, DHCP6: true}}, Firewall: []Rule{{LAN: 1, Action: Drop}}}
	if err := n.Apply(p); err != nil {
		t.Logf("without a firewall: %v", err)
		p.Firewall = nil
		if err := n.Apply(p); err != nil {
			t.Fatal(err)
		}
	}
	serveDHCP6(t)
	if l := next(t, leases); l.Address.String() != "2001:db8:1::77/128" || len(l.DNS) != 1 {
		t.Errorf("%+v", l)
	}
	router(t)(advertText(1800, prefixText("2001:db8:1::/64", onLinkChoose, 3600, 1800)))
	await(t, func() bool {
		got := picture(t)
		return strings.Contains(got, "2001:db8:1::77/64") && strings.Contains(got, "route default fe80::") && !strings.Contains(got, "2001:db8:1::77/128")
	})
	if err := n.Apply(p); err != nil || strings.Count(picture(t), "2001:db8") != 1 {
		t.Errorf("the second time: %v\n%s", err, picture(t))
	}
}

// run keeps a network until the test ends.
func run(t *testing.T, n *Network) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func next(t *testing.T, leases <-chan Lease) Lease {
	t.Helper()
	select {
	case l := <-leases:
		return l
	case <-time.After(40 * time.Second):
		t.Fatalf("no lease\n%s", picture(t))
	}
	return Lease{}
}

// await polls the kernel, which tells nobody when it is done.
func await(t *testing.T, good func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !good(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still\n%s", picture(t))
		}
	}
}

func hardwareOf(t *testing.T, name string) []byte {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return l.Attrs().HardwareAddr
}

// router speaks on peer1: what is said is said once a second from then on, as
// the box may begin to listen at any time.
func router(t *testing.T) (say func([]byte)) {
	t.Helper()
	peer, err := net.InterfaceByName("peer1")
	if err != nil {
		t.Fatal(err)
	}
	var c *icmp.PacketConn
	await(t, func() bool { // until its own address is no longer tentative
		c, err = icmp.ListenPacket("ip6:ipv6-icmp", linkLocal(peer)+"%peer1")
		return err == nil
	})
	p := c.IPv6PacketConn()
	if err := p.SetMulticastHopLimit(255); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	said := make(chan []byte)
	go func() {
		defer close(stopped)
		var b []byte
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case b = <-said:
			case <-tick.C:
			}
			if b != nil {
				p.WriteTo(b, &ipv6.ControlMessage{IfIndex: peer.Index}, &net.IPAddr{IP: net.IPv6linklocalallnodes, Zone: "peer1"})
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-stopped; c.Close() })
	return func(b []byte) { said <- b }
}

func linkLocal(i *net.Interface) string {
	addrs, _ := i.Addrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsLinkLocalUnicast() && n.IP.To4() == nil {
			return n.IP.String()
		}
	}
	return ""
}

// serveDHCP6 gives one address on peer1, to whoever names itself the same way
// each time.
func serveDHCP6(t *testing.T) {
	t.Helper()
	server := &dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: hardwareOf(t, "peer1")}
	handler := func(c net.PacketConn, peer net.Addr, m dhcpv6.DHCPv6) {
		msg, err := m.GetInnerMessage()
		if err != nil {
			return
		}
		ia := msg.Options.OneIANA()
		if _, ok := msg.Options.ClientID().(*dhcpv6.DUIDLL); !ok || ia == nil {
			return
		}
		make := dhcpv6.NewReplyFromMessage
		if msg.Type() == dhcpv6.MessageTypeSolicit {
			make = dhcpv6.NewAdvertiseFromSolicit
		}
		r, err := make(msg, dhcpv6.WithServerID(server), dhcpv6.WithIAID(ia.IaId), dhcpv6.WithDNS(net.ParseIP("2001:db8::53")), dhcpv6.WithIANA(dhcpv6.OptIAAddress{
			IPv6Addr: net.ParseIP("2001:db8:1::77"), PreferredLifetime: time.Hour, ValidLifetime: 2 * time.Hour,
		}))
		if err == nil {
			c.WriteTo(r.ToBytes(), peer)
		}
	}
	s, err := server6.NewServer("peer1", &net.UDPAddr{IP: net.IPv6unspecified, Port: dhcpv6.DefaultServerPort}, handler)
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve()
	t.Cleanup(func() { s.Close() })
}

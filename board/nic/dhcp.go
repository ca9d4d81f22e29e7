package nic

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
)

// request asks as a client that has nothing yet: that also renews, since the
// server gives the same address to the same hardware.
func (n *Network) request(ctx context.Context, lan int, name string) (Lease, time.Duration, error) {
	c, err := nclient4.New(name, nclient4.WithTimeout(3*time.Second), nclient4.WithRetry(2))
	if err != nil {
		return Lease{}, 0, err
	}
	defer c.Close()
	l, err := c.Request(ctx)
	if err != nil {
		return Lease{}, 0, err
	}
	ones, bits := l.ACK.SubnetMask().Size()
	if bits == 0 {
		ones = 24
	}
	out := Lease{LAN: lan, Address: netip.PrefixFrom(address(l.ACK.YourIPAddr), ones), Server: address(l.ACK.ServerIdentifier())}
	if r := l.ACK.Router(); len(r) > 0 {
		out.Gateway = address(r[0])
	}
	for _, s := range l.ACK.DNS() {
		out.DNS = append(out.DNS, address(s))
	}
	return out, l.ACK.IPAddressLeaseTime(time.Hour), nil
}

func address(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

package nic

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/dhcpv6/nclient6"
	"github.com/insomniacslk/dhcp/iana"
)

// request6 asks a DHCPv6 server for an address, RFC 8415. As in IPv4 it asks as
// a client that has nothing yet: its identity is made from the hardware's alone,
// so that it is given the same address.
func (n *Network) request6(ctx context.Context, lan int, name string) (Lease, time.Duration, error) {
	c, err := nclient6.New(name, nclient6.WithTimeout(3*time.Second), nclient6.WithRetry(2))
	if err != nil {
		return Lease{}, 0, err
	}
	defer c.Close()
	hw := c.InterfaceAddr()
	identity := []dhcpv6.Modifier{dhcpv6.WithClientID(&dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: hw}), dhcpv6.WithIAID(iaid(hw))}
	offer, err := c.Solicit(ctx, identity...)
	if err != nil {
		return Lease{}, 0, err
	}
	m, err := c.Request(ctx, offer)
	if err != nil {
		return Lease{}, 0, err
	}
	return leaseOf(m, lan)
}

// iaid is the last four bytes of the hardware's address.
func iaid(hw []byte) (id [4]byte) {
	if len(hw) >= len(id) {
		copy(id[:], hw[len(hw)-len(id):])
	}
	return id
}

// leaseOf reads a server's reply.
func leaseOf(m *dhcpv6.Message, lan int) (Lease, time.Duration, error) {
	ia := m.Options.OneIANA()
	if ia == nil {
		return Lease{}, 0, errors.New("the server gave no address")
	}
	if st := ia.Options.Status(); st != nil && st.StatusCode != iana.StatusSuccess {
		return Lease{}, 0, errors.New("the server refuses: " + st.StatusCode.String())
	}
	given := ia.Options.OneAddress()
	if given == nil || given.ValidLifetime <= 0 {
		return Lease{}, 0, errors.New("the server gave no address")
	}
	a := address(given.IPv6Addr)
	if !a.Is6() || !a.IsGlobalUnicast() {
		return Lease{}, 0, errors.New("the server gave an address that none can have: " + a.String())
	}
	out := Lease{LAN: lan, Address: netip.PrefixFrom(a, 128)}
	for _, s := range m.Options.DNS() {
		if a := address(s); !a.IsLinkLocalUnicast() {
			out.DNS = append(out.DNS, a)
		}
	}
	return out, lasting(given.PreferredLifetime, given.ValidLifetime), nil
}

// lasting is how long a lease is good for: as long as it is preferred.
func lasting(preferred, valid time.Duration) time.Duration {
	if preferred > 0 {
		return min(preferred, valid)
	}
	return valid
}

// eui64 is the address of an interface in a prefix of 64 bits, RFC 4291
// appendix A.
func eui64(p netip.Prefix, hw []byte) netip.Prefix {
	if len(hw) != 6 || p.Bits() != 64 || !p.Addr().Is6() {
		return netip.Prefix{}
	}
	b := p.Masked().Addr().As16()
	binary.BigEndian.PutUint64(b[8:], uint64(hw[0]^2)<<56|uint64(hw[1])<<48|uint64(hw[2])<<40|0xFFFE<<24|
		uint64(hw[3])<<16|uint64(hw[4])<<8|uint64(hw[5]))
	return netip.PrefixFrom(netip.AddrFrom16(b), 64)
}

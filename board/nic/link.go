package nic

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// applyLink sets one interface up and returns the one that carries the
// addresses: itself, or its VLAN.
func (n *Network) applyLink(l Link, name string) (netlink.Link, error) {
	d, err := netlink.LinkByName(name)
	if err != nil {
		return nil, err
	}
	errs := []error{applyMTU(d, l.MTU), applySpeed(name, l.Speed), netlink.LinkSetUp(d)}
	carrier := d
	if l.VLAN != 0 {
		v, err := vlan(d, l.VLAN)
		if err != nil {
			return nil, errors.Join(append(errs, fmt.Errorf("VLAN %d: %w", l.VLAN, err))...)
		}
		errs = append(errs, applyMTU(v, l.MTU), netlink.LinkSetUp(v), applyAddresses(d, nil))
		carrier = v
	}
	errs = append(errs, dropVLANs(d, l.VLAN), applyAddresses(carrier, n.addresses(l)))
	return carrier, errors.Join(errs...)
}

// addresses are those of the plan, of the leases and of the routers' prefix.
func (n *Network) addresses(l Link) (out []netip.Prefix) {
	for _, a := range l.Addresses {
		if a.Addr().Is4() && !l.DHCP || a.Addr().Is6() && !l.DHCP6 && !l.Auto6 {
			out = append(out, a)
		}
	}
	if lease, ok := n.leases[l.LAN]; ok {
		out = append(out, lease.Address)
	}
	if own := n.adverts[l.LAN].own; l.Auto6 && own.IsValid() {
		out = append(out, own)
	}
	if lease, ok := n.leases6[l.LAN]; ok {
		out = append(out, n.widened(lease.Address, l.LAN))
	}
	return slices.Compact(out) // both may have given the same
}

// widened gives an address of a DHCPv6 server, who names no prefix, the length
// of the routers' prefix that it is from.
func (n *Network) widened(a netip.Prefix, lan int) netip.Prefix {
	for _, p := range n.adverts[lan].onLink {
		if p.Contains(a.Addr()) {
			return netip.PrefixFrom(a.Addr(), p.Bits())
		}
	}
	return a
}

func applyMTU(d netlink.Link, mtu int) error {
	if mtu == 0 || d.Attrs().MTU == mtu {
		return nil
	}
	if err := netlink.LinkSetMTU(d, mtu); err != nil {
		return fmt.Errorf("MTU %d: %w", mtu, err)
	}
	return nil
}

// carrierName is the interface that carries the addresses of another's VLAN.
func carrierName(name string, vlan int) string {
	if vlan == 0 {
		return name
	}
	return fmt.Sprintf("%.10s.%d", name, vlan)
}

// vlan finds or makes the tagged interface on top of another.
func vlan(parent netlink.Link, id int) (netlink.Link, error) {
	name := carrierName(parent.Attrs().Name, id)
	if v, err := netlink.LinkByName(name); err == nil {
		return v, nil
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex = name, parent.Attrs().Index
	if err := netlink.LinkAdd(&netlink.Vlan{LinkAttrs: attrs, VlanId: id}); err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, err
	}
	return netlink.LinkByName(name)
}

// dropVLANs removes the tagged interfaces on parent but the one that is kept.
func dropVLANs(parent netlink.Link, keep int) error {
	all, err := netlink.LinkList()
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range all {
		v, ok := l.(*netlink.Vlan)
		if ok && v.ParentIndex == parent.Attrs().Index && v.VlanId != keep {
			errs = append(errs, netlink.LinkDel(v))
		}
	}
	return errors.Join(errs...)
}

// applyAddresses makes the global addresses of an interface exactly those.
func applyAddresses(d netlink.Link, want []netip.Prefix) error {
	have, err := netlink.AddrList(d, netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	missing := map[netip.Prefix]bool{}
	for _, w := range want {
		missing[w] = true
	}
	var errs []error
	for _, h := range have {
		p, ok := prefix(h.IPNet)
		switch {
		case !ok || p.Addr().IsLinkLocalUnicast():
		case missing[p]:
			delete(missing, p)
		default:
			errs = append(errs, netlink.AddrDel(d, &h))
		}
	}
	for _, w := range want {
		if missing[w] {
			errs = append(errs, addAddress(d, w))
		}
	}
	return errors.Join(errs...)
}

// addAddress skips the check for doubles of IPv6, during which nobody could
// listen on it: the address is an administrator's choice.
func addAddress(d netlink.Link, p netip.Prefix) error {
	a := &netlink.Addr{IPNet: ipNet(p)}
	if p.Addr().Is6() {
		a.Flags = unix.IFA_F_NODAD
	}
	if err := netlink.AddrReplace(d, a); err != nil {
		return fmt.Errorf("address %s: %w", p, err)
	}
	return nil
}

func prefix(n *net.IPNet) (netip.Prefix, bool) {
	a, ok := netip.AddrFromSlice(n.IP)
	ones, _ := n.Mask.Size()
	return netip.PrefixFrom(a.Unmap(), ones), ok
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

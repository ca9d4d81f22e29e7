package config

import (
	"net"
	"net/netip"
	"slices"

	"sallyport/appliance/xapi"
)

// Outside lists the addresses of the interface that faces remote clients,
// IPv4 first. Core has one interface for all.
func (sn *Snapshot) Outside(role xapi.Role) []netip.Addr {
	outer, _ := sn.lans(role)
	return sn.addresses(outer)
}

// Inside lists the addresses of the interface that faces the inside: edge's
// other one, where it has two, else the only one.
func (sn *Snapshot) Inside(role xapi.Role) []netip.Addr {
	outer, inner := sn.lans(role)
	if list := sn.addresses(inner); len(list) > 0 {
		return list
	}
	return sn.addresses(outer)
}

// Addresses lists those of both interfaces, each once.
func (sn *Snapshot) Addresses() []netip.Addr {
	all := sn.addresses(1)
	for _, a := range sn.addresses(2) {
		if !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// StaticNAT is the address under which the outside reaches edge's external
// interface, if that is not its own.
func (sn *Snapshot) StaticNAT() netip.Addr {
	outer, _ := sn.lans(xapi.Edge)
	if !sn.Bool(xapi.EthernetV4StaticNATMode, outer) {
		return netip.Addr{}
	}
	a, _ := netip.ParseAddr(sn.Str(xapi.EthernetV4StaticNATAddress, outer))
	return a
}

func (sn *Snapshot) lans(role xapi.Role) (outer, inner int) {
	switch {
	case role == xapi.Core:
		return 1, 1
	case sn.Enum(xapi.IPExternalInterface) == "LAN2":
		return 2, 1
	}
	return 1, 2
}

func (sn *Snapshot) addresses(lan int) []netip.Addr {
	var list []netip.Addr
	v4, v6 := sn.Interface(lan)
	for _, a := range []netip.Addr{v4, v6} {
		if a.IsValid() {
			list = append(list, a)
		}
	}
	return list
}

// Interface is what an interface is reached by, in the families that are used;
// invalid where there is none.
func (sn *Snapshot) Interface(lan int) (v4, v6 netip.Addr) {
	families := sn.Enum(xapi.IPProtocol)
	if families != "IPv6" {
		v4, _ = netip.ParseAddr(sn.Str(xapi.EthernetV4Address, lan))
	}
	if families != "IPv4" {
		v6, _ = netip.ParseAddr(sn.Str(xapi.EthernetV6Address, lan))
	}
	return v4, v6
}

// Networks lists what the interface that faces the inside leads to, or with
// outside the one that faces remote clients: its own networks and those that
// routes reach by it. Where one interface faces both, its networks are outside
// on edge and inside on core.
func (sn *Snapshot) Networks(role xapi.Role, outside bool) []netip.Prefix {
	outer, inner := sn.lans(role)
	lan, other := inner, outer
	if outside {
		lan, other = outer, inner
	}
	switch {
	case role == xapi.Core && outside:
		return nil
	case role == xapi.Core:
		lan, other = 1, 2
	}
	list := sn.connected(lan)
	for _, i := range sn.Indexes(xapi.IPRouteAddress.Item) {
		if to := sn.prefix(xapi.IPRouteAddress, sn.Int(xapi.IPRoutePrefixLength, i), i); to.IsValid() && sn.routedBy(i, lan, other) {
			list = append(list, to)
		}
	}
	if role == xapi.Core {
		list = append(list, sn.connected(other)...)
	}
	return list
}

// routedBy tells whether a route goes by an interface: as it says, else as its
// gateway lies. Of a gateway that lies in no network, both count.
func (sn *Snapshot) routedBy(route, lan, other int) bool {
	switch sn.Enum(xapi.IPRouteInterface, route) {
	case "LAN1":
		return lan == 1
	case "LAN2":
		return lan == 2
	}
	by, err := netip.ParseAddr(sn.Str(xapi.IPRouteGateway, route))
	in := func(p netip.Prefix) bool { return p.Contains(by) }
	return err != nil || slices.ContainsFunc(sn.connected(lan), in) || !slices.ContainsFunc(sn.connected(other), in)
}

// connected are the networks of an interface's own addresses.
func (sn *Snapshot) connected(lan int) (list []netip.Prefix) {
	if mask, err := netip.ParseAddr(sn.Str(xapi.EthernetV4SubnetMask, lan)); err == nil && mask.Is4() {
		if bits, size := net.IPMask(mask.AsSlice()).Size(); size > 0 {
			list = append(list, sn.prefix(xapi.EthernetV4Address, bits, lan))
		}
	}
	list = append(list, sn.prefix(xapi.EthernetV6Address, sn.Int(xapi.EthernetV6PrefixLength, lan), lan))
	return slices.DeleteFunc(list, func(p netip.Prefix) bool { return !p.IsValid() })
}

// prefix is the network of an address in a row; invalid if there is none.
func (sn *Snapshot) prefix(row xapi.Str, bits int, index int) netip.Prefix {
	a, err := netip.ParseAddr(sn.Str(row, index))
	if err != nil {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(a, min(bits, a.BitLen())).Masked()
}

package config

import (
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
	for _, row := range []xapi.Str{xapi.EthernetV4Address, xapi.EthernetV6Address} {
		if a, err := netip.ParseAddr(sn.Str(row, lan)); err == nil {
			list = append(list, a)
		}
	}
	return list
}

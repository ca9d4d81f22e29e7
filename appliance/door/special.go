package door

import (
	"net/netip"
	"slices"
)

// Special tells whether an address is none of the open Internet (RFC 6890 and
// its successors). IPv6 addresses that carry an IPv4 one count as that, since a
// translator on the way would make it so.
func Special(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || a.IsPrivate() || a.IsLoopback() || a.IsMulticast() || a.IsUnspecified() ||
		a.IsLinkLocalUnicast() || a.IsInterfaceLocalMulticast() {
		return true
	}
	if a.Is4() {
		return among(special4(), a)
	}
	if v4, ok := carried(a); ok {
		return Special(v4)
	}
	return !netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20}), 3).Contains(a) || among(special6(), a)
}

func special4() []netip.Prefix {
	return prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
		"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4")
}

func special6() []netip.Prefix {
	return prefixes("2001::/23", "2001:db8::/32", "3fff::/20", "fec0::/10")
}

func prefixes(text ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(text))
	for i, t := range text {
		all[i] = netip.MustParsePrefix(t)
	}
	return all
}

// carried reads the IPv4 address out of a NAT64 or 6to4 address.
func carried(a netip.Addr) (netip.Addr, bool) {
	b := a.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(a):
		return netip.AddrFrom4([4]byte(b[12:])), true
	case netip.MustParsePrefix("2002::/16").Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}

func among(all []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(a) })
}

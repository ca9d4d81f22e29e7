package turn

import "net/netip"

// What may be reached, and by which rule. The names are in the log.
const (
	RuleAllowed  = "turn-peer-allowed"   // a row of the configuration
	RulePublic   = "turn-peer-public"    // an address of the open Internet
	RuleRelay    = "turn-peer-relay"     // another relay of this node
	RuleOwn      = "turn-peer-own"       // denied: this node
	RuleInside   = "turn-peer-inside"    // denied: a network of the interface inside
	RuleSpecial  = "turn-peer-special"   // denied: private, loopback, link-local, multicast and other special networks
	RuleCrowded  = "turn-peer-too-many"  // denied: the relay has permissions enough
	RuleOwnPorts = "turn-peer-own-ports" // denied: this node, but for its relays
)

// Peer tells by which rule a peer may have a permission, or may not.
func (p *Plan) Peer(peer netip.Addr) (rule string, ok bool) {
	peer = peer.Unmap().WithZone("")
	switch {
	case !peer.IsValid():
		return RuleSpecial, false
	case p.relays(peer):
		return RuleRelay, true // of its ports, only relays'
	case contains(p.Own, peer):
		return RuleOwn, false
	case within(p.Inside, peer):
		return RuleInside, false
	case within(p.Allow, peer):
		return RuleAllowed, true
	case special(peer):
		return RuleSpecial, false
	}
	return RulePublic, true
}

// relays tells whether relays of this node are known by an address.
func (p *Plan) relays(a netip.Addr) bool { return contains(p.Outside, a) || a == p.Advertise }

// ownRelay tells whether an address is that of a relay of this node.
func (p *Plan) ownRelay(a netip.AddrPort) bool {
	return p.relays(a.Addr()) && int(a.Port()) >= p.PortStart && int(a.Port()) <= p.PortEnd
}

func contains(all []netip.Addr, a netip.Addr) bool {
	for _, x := range all {
		if x.Unmap() == a {
			return true
		}
	}
	return false
}

func within(all []netip.Prefix, a netip.Addr) bool {
	for _, p := range all {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// special tells whether an address is none of the open Internet (RFC 6890 and
// its successors). IPv6 addresses that carry an IPv4 one count as that, since a
// translator on the way would make it so.
func special(a netip.Addr) bool {
	if a.IsPrivate() || a.IsLoopback() || a.IsMulticast() || a.IsUnspecified() ||
		a.IsLinkLocalUnicast() || a.IsInterfaceLocalMulticast() {
		return true
	}
	if a.Is4() {
		return within(special4(), a)
	}
	if v4, ok := carried(a); ok {
		return special(v4)
	}
	return !netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20}), 3).Contains(a) || within(special6(), a)
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

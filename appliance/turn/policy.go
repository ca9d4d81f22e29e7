package turn

import (
	"net/netip"

	"sallyport/appliance/door"
)

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
	case door.Special(peer):
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

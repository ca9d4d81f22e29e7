package zone

import (
	"net/netip"
	"slices"

	"sallyport/appliance/config"
	"sallyport/appliance/door"
	"sallyport/appliance/xapi"
)

// Ground tells what an address that a stranger chose, by himself or by the
// records of his domain, may be.
type Ground struct {
	own            []netip.Addr // of this node, under any name
	inside, abroad []netip.Prefix
}

// GroundFrom reads what the interfaces of a node lead to. The network before a
// static NAT is not abroad: partners are behind that.
func GroundFrom(snap *config.Snapshot, role xapi.Role) Ground {
	g := Ground{own: snap.Addresses(), inside: snap.Networks(role, false), abroad: snap.Networks(role, true)}
	if role != xapi.Edge {
		return g
	}
	if a := snap.StaticNAT(); a.IsValid() {
		g.own = append(g.own, a)
		g.abroad = slices.DeleteFunc(g.abroad, func(p netip.Prefix) bool {
			return slices.ContainsFunc(snap.Outside(role), func(o netip.Addr) bool { return o.Is4() && p.Contains(o) })
		})
	}
	return g
}

// Stranger tells whether this node may connect to an address that a stranger
// named: one of the open Internet, or in a network that an interface to the
// outside leads to, and never this node or a network of the inside. Of two
// networks that hold it the narrower counts.
func (g Ground) Stranger(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !g.somebody(a) {
		return false
	}
	in, out := narrowest(g.inside, a), narrowest(g.abroad, a)
	if in >= 0 || out >= 0 {
		return out > in
	}
	return !door.Special(a)
}

// Inside tells whether this node may connect to an address that a name server
// which the inside is entrusted to named: anybody but this node, whoever is on
// its wire only, and loopback where this node does not live there itself.
func (g Ground) Inside(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return g.somebody(a) && (!a.IsLoopback() || narrowest(g.inside, a) >= 0)
}

// somebody tells whether an address is that of one other machine, which may be
// further than the next wire.
func (g Ground) somebody(a netip.Addr) bool {
	return (a.IsGlobalUnicast() || a.IsLoopback()) && !slices.Contains(g.own, a)
}

// narrowest is the length of the narrowest network that holds an address; -1:
// there is none.
func narrowest(all []netip.Prefix, a netip.Addr) int {
	bits := -1
	for _, p := range all {
		if p.Contains(a) {
			bits = max(bits, p.Bits())
		}
	}
	return bits
}

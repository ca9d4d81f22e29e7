package nic

import (
	"net/netip"
	"slices"
)

// Plan is what the network should be. Plans can be compared with Equal.
type Plan struct {
	Links     []Link
	Gateway4  netip.Addr // unspecified: that of a DHCP lease, or none
	Gateway6  netip.Addr // unspecified: a router that a link with DHCP6 or Auto6 hears, or none
	Routes    []Route
	PortFirst int // of connections that the machine opens; 0: the kernel's own range
	PortLast  int
	DNS       []netip.Addr // name servers; without any those of leases and routers
	Search    string       // domain of names that have none
	Firewall  []Rule
	Marks     []Mark
}

// Link is one of the machine's interfaces.
type Link struct {
	LAN       int    // 1 or 2
	MAC       string // of the hardware that is meant; empty: the LANth in bus order
	Addresses []netip.Prefix
	DHCP      bool // IPv4 from a DHCP server instead of Addresses
	DHCP6     bool // IPv6 from a DHCPv6 server instead
	Auto6     bool // IPv6 from the prefix that routers name, RFC 4862, instead
	VLAN      int  // 0: untagged
	MTU       int
	Speed     string // "Auto", "100full", ...
}

// Route is one way that no gateway knows.
type Route struct {
	To      netip.Prefix
	Gateway netip.Addr
	LAN     int // 0: whichever reaches the gateway
}

// Equal reports whether two plans want the same.
func (p Plan) Equal(q Plan) bool {
	return p.Gateway4 == q.Gateway4 && p.Gateway6 == q.Gateway6 && slices.Equal(p.Routes, q.Routes) &&
		p.PortFirst == q.PortFirst && p.PortLast == q.PortLast && slices.Equal(p.DNS, q.DNS) && p.Search == q.Search &&
		slices.Equal(p.Firewall, q.Firewall) && slices.Equal(p.Marks, q.Marks) &&
		slices.EqualFunc(p.Links, q.Links, Link.equal)
}

func (l Link) equal(m Link) bool {
	return l.LAN == m.LAN && l.MAC == m.MAC && slices.Equal(l.Addresses, m.Addresses) && l.DHCP == m.DHCP &&
		l.DHCP6 == m.DHCP6 && l.Auto6 == m.Auto6 && l.VLAN == m.VLAN && l.MTU == m.MTU && l.Speed == m.Speed
}

// Lease is what a DHCP server or a router gave.
type Lease struct {
	LAN     int
	Address netip.Prefix // of either family
	Gateway netip.Addr   // unspecified if it gave none
	DNS     []netip.Addr
	Server  netip.Addr // who gave it
}

package nic

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ours marks the routes that a plan made, so that only they are taken away.
const ours = netlink.RouteProtocol(0x53)

// applyRoutes makes the routes exactly those of the plan and of the leases.
func (n *Network) applyRoutes(devices map[int]netlink.Link) error {
	want, errs := n.routes(devices)
	have, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{Protocol: ours}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return err
	}
	missing := map[string]netlink.Route{}
	for _, r := range want {
		missing[routeKey(r)] = r
	}
	for _, h := range have {
		if _, ok := missing[routeKey(h)]; ok {
			delete(missing, routeKey(h))
			continue
		}
		errs = append(errs, netlink.RouteDel(&h))
	}
	for _, w := range want {
		if _, ok := missing[routeKey(w)]; !ok {
			continue
		}
		if err := netlink.RouteReplace(&w); err != nil {
			errs = append(errs, fmt.Errorf("route to %s by %s: %w", w.Dst, w.Gw, err))
		}
	}
	return errors.Join(errs...)
}

func routeKey(r netlink.Route) string {
	dst := "default"
	if r.Dst != nil {
		if ones, _ := r.Dst.Mask.Size(); ones != 0 || !r.Dst.IP.IsUnspecified() {
			dst = r.Dst.String()
		}
	}
	return fmt.Sprintf("%s %s %d %d", dst, r.Gw, r.LinkIndex, family(r.Gw))
}

func family(ip net.IP) int {
	if ip.To4() != nil {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func (n *Network) routes(devices map[int]netlink.Link) (want []netlink.Route, errs []error) {
	add := func(to netip.Prefix, gateway netip.Addr, lan int) {
		r, err := n.route(devices, to, gateway, lan)
		if err != nil {
			errs = append(errs, err)
			return
		}
		want = append(want, r)
	}
	if g := n.gateway4(); g.IsValid() {
		add(netip.PrefixFrom(netip.IPv4Unspecified(), 0), g, 0)
	}
	if g, lan := n.gateway6(); g.IsValid() {
		add(netip.PrefixFrom(netip.IPv6Unspecified(), 0), g, lan)
	}
	for _, r := range n.plan.Routes {
		add(r.To.Masked(), r.Gateway, r.LAN)
	}
	return want, errs
}

// gateway4 is the plan's, else that of the first lease that names one.
func (n *Network) gateway4() netip.Addr {
	if n.plan.Gateway4.IsValid() {
		return n.plan.Gateway4
	}
	for _, l := range n.plan.Links {
		if lease, ok := n.leases[l.LAN]; ok && l.DHCP && lease.Gateway.IsValid() {
			return lease.Gateway
		}
	}
	return netip.Addr{}
}

// gateway6 is the plan's, else the first router that is heard; and the link that
// it was heard on, since its address says nothing of that.
func (n *Network) gateway6() (netip.Addr, int) {
	if n.plan.Gateway6.IsValid() {
		return n.plan.Gateway6, 0
	}
	for _, l := range n.plan.Links {
		if a := n.adverts[l.LAN]; (l.DHCP6 || l.Auto6) && a.gateway.IsValid() {
			return a.gateway, l.LAN
		}
	}
	return netip.Addr{}, 0
}

func (n *Network) route(devices map[int]netlink.Link, to netip.Prefix, gateway netip.Addr, lan int) (netlink.Route, error) {
	for _, l := range n.plan.Links {
		d := devices[l.LAN]
		if d == nil || lan != 0 && l.LAN != lan || lan == 0 && !n.reaches(l, gateway) {
			continue
		}
		r := netlink.Route{LinkIndex: d.Attrs().Index, Protocol: ours, Dst: ipNet(to), Gw: gateway.AsSlice()}
		if !n.reaches(l, gateway) {
			r.Flags = int(netlink.FLAG_ONLINK)
		}
		return r, nil
	}
	return netlink.Route{}, fmt.Errorf("route to %s: no interface reaches the gateway %s", to, gateway)
}

// reaches reports whether a gateway is a neighbour on a link.
func (n *Network) reaches(l Link, gateway netip.Addr) bool {
	if gateway.IsLinkLocalUnicast() {
		return true
	}
	for _, a := range n.addresses(l) {
		if a.Masked().Contains(gateway) {
			return true
		}
	}
	return false
}

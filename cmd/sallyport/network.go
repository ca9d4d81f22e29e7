package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
	"sallyport/board/nic"
)

// networkPlan is what a snapshot wants of the machine's network. Entries that
// make no sense yet are left out and told; the rest of the plan holds.
func networkPlan(snap *config.Snapshot, role string) (nic.Plan, error) {
	var errs []error
	p := nic.Plan{
		Gateway4: addr(snap.Str(xapi.IPGateway)), Gateway6: addr(snap.Str(xapi.IPV6Gateway)),
		Search: strings.Join(strings.Fields(snap.Str(xapi.IPDNSDomainName)+" "+snap.Str(xapi.IPDNSSearchDomains)), " "),
	}
	families := snap.Enum(xapi.IPProtocol)
	if p.Gateway4.IsLoopback() || families == "IPv6" { // a loopback is how the replaced product says that there is none
		p.Gateway4 = netip.Addr{}
	}
	if families == "IPv4" {
		p.Gateway6 = netip.Addr{}
	}
	if first, last := snap.Int(xapi.IPEphemeralStart), snap.Int(xapi.IPEphemeralEnd); first < last {
		p.PortFirst, p.PortLast = first, last
	} else {
		errs = append(errs, errors.New("IP Ephemeral PortRange ends before it starts"))
	}
	for lan := 1; lan <= 2; lan++ {
		l, err := linkPlan(snap, lan)
		p.Links, errs = append(p.Links, l), append(errs, err)
	}
	for _, i := range snap.Indexes(xapi.IPRouteAddress.Item) {
		r, err := routePlan(snap, i)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p.Routes = append(p.Routes, r)
	}
	for _, i := range snap.Indexes(xapi.DNSServerAddress.Item) {
		if a := addr(snap.Str(xapi.DNSServerAddress, i)); a.IsValid() {
			p.DNS = append(p.DNS, a)
		}
	}
	rules, faults := firewallPlan(snap)
	management, err := managementRules(snap, role)
	p.Firewall, p.Marks = append(rules, management...), marksPlan(snap)
	errs = append(errs, err)
	return p, errors.Join(append(errs, faults...)...)
}

func linkPlan(snap *config.Snapshot, lan int) (nic.Link, error) {
	l := nic.Link{
		LAN: lan, MAC: snap.Str(xapi.EthernetHardware, lan), DHCP: snap.Bool(xapi.EthernetV4DHCP, lan),
		DHCP6: snap.Bool(xapi.EthernetV6DHCP, lan), Auto6: snap.Bool(xapi.EthernetV6Auto, lan),
		VLAN: snap.Int(xapi.EthernetVLAN, lan), MTU: snap.Int(xapi.EthernetMTU, lan), Speed: snap.Enum(xapi.EthernetSpeed, lan),
	}
	var err error
	v4, v6 := snap.Interface(lan)
	if v4.IsValid() {
		var bits int
		bits, err = maskBits(snap.Str(xapi.EthernetV4SubnetMask, lan))
		if err != nil {
			err = fmt.Errorf("LAN %d: %w", lan, err)
			bits = 32
		}
		l.Addresses = append(l.Addresses, netip.PrefixFrom(v4, bits))
	}
	if v6.IsValid() {
		l.Addresses = append(l.Addresses, netip.PrefixFrom(v6, snap.Int(xapi.EthernetV6PrefixLength, lan)))
	}
	switch snap.Enum(xapi.IPProtocol) {
	case "IPv4":
		l.DHCP6, l.Auto6 = false, false
	case "IPv6":
		l.DHCP = false
	}
	return l, err
}

func routePlan(snap *config.Snapshot, i int) (nic.Route, error) {
	to, gateway := addr(snap.Str(xapi.IPRouteAddress, i)), addr(snap.Str(xapi.IPRouteGateway, i))
	prefix := netip.PrefixFrom(to, snap.Int(xapi.IPRoutePrefixLength, i))
	if !prefix.IsValid() || !gateway.IsValid() || to.Is4() != gateway.Is4() {
		return nic.Route{}, fmt.Errorf("IP Route %d is not whole: address, prefix length and gateway of one family", i)
	}
	r := nic.Route{To: prefix, Gateway: gateway}
	switch snap.Enum(xapi.IPRouteInterface, i) {
	case "LAN1":
		r.LAN = 1
	case "LAN2":
		r.LAN = 2
	}
	return r, nil
}

// addr reads an address that a row has checked; what is unset is invalid.
func addr(text string) netip.Addr {
	a, _ := netip.ParseAddr(text)
	return a
}

func maskBits(mask string) (int, error) {
	a := addr(mask)
	if a.Is4() {
		if ones, bits := net.IPMask(a.AsSlice()).Size(); bits != 0 {
			return ones, nil
		}
	}
	return 0, fmt.Errorf("%s is no subnet mask", mask)
}

// leased writes what a DHCP server gave into the configuration: the planes
// listen on what stands there.
func leased(store *config.Store, l nic.Lease) error {
	if l.Address.Addr().Is6() {
		return leased6(store, l)
	}
	snap := store.Snapshot()
	mask := net.IP(net.CIDRMask(l.Address.Bits(), 32)).String()
	if snap.Str(xapi.EthernetV4Address, l.LAN) == l.Address.Addr().String() && snap.Str(xapi.EthernetV4SubnetMask, l.LAN) == mask {
		return nil
	}
	prefix := fmt.Sprintf("Ethernet %d IP V4 ", l.LAN)
	_, err := store.Edit(config.Who{User: "dhcp", From: l.Server.String()}, func(e *config.Edit) error {
		return errors.Join(e.Set(prefix+"Address", l.Address.Addr().String()), e.Set(prefix+"SubnetMask", mask))
	})
	return err
}

// leased6 writes an IPv6 address that a server or a router gave.
func leased6(store *config.Store, l nic.Lease) error {
	if store.Snapshot().Str(xapi.EthernetV6Address, l.LAN) == l.Address.Addr().String() {
		return nil // how long its prefix is the network knows better
	}
	prefix := fmt.Sprintf("Ethernet %d IP V6 ", l.LAN)
	_, err := store.Edit(config.Who{User: "network", From: l.Server.String()}, func(e *config.Edit) error {
		return errors.Join(e.Set(prefix+"Address", l.Address.Addr().String()), e.Set(prefix+"PrefixLength", fmt.Sprint(l.Address.Bits())))
	})
	return err
}

// hostName is what the machine calls itself to others.
func hostName(snap *config.Snapshot, fallback string) string {
	if h := snap.Str(xapi.IPDNSHostname); h != "" {
		return strings.ToLower(h)
	}
	return fallback
}

func timeServers(snap *config.Snapshot) []string {
	var out []string
	for _, i := range snap.Indexes(xapi.NTPServerAddress.Item) {
		if s := snap.Str(xapi.NTPServerAddress, i); s != "" {
			out = append(out, s)
		}
	}
	return out
}

package nic

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"
)

// How often routers are asked to speak up while none has.
const solicitEvery = 4 * time.Second

// hear follows the routers of an interface until ctx ends. The kernel is told to
// pass them over: one keeper of addresses is enough.
func (n *Network) hear(ctx context.Context, lan int, name string) {
	for ctx.Err() == nil {
		if err := n.hearOn(ctx, lan, name); err != nil && ctx.Err() == nil {
			n.cfg.Log.Info("routers are not heard yet", "lan", lan, "err", err)
		}
		pause(ctx, askAgain)
	}
}

func (n *Network) hearOn(ctx context.Context, lan int, name string) error {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	c, err := listenRouters(ifi)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	buf := make([]byte, 9216)
	quiet := true
	for {
		if quiet {
			c.SetReadDeadline(time.Now().Add(solicitEvery))
			if err := solicit(c, ifi); err != nil {
				return err
			}
		}
		size, meta, from, err := c.IPv6PacketConn().ReadFrom(buf)
		if e, ok := err.(net.Error); ok && e.Timeout() {
			continue
		}
		if err != nil {
			return err
		}
		if router, ok := valid(meta, from, ifi); ok {
			if h, err := parseAdvert(buf[:size]); err == nil {
				quiet = false
				c.SetReadDeadline(time.Time{})
				n.heardFrom(ctx, lan, router, h, ifi.HardwareAddr)
			}
		}
	}
}

// listenRouters opens a socket that hears only router advertisements.
func listenRouters(ifi *net.Interface) (*icmp.PacketConn, error) {
	c, err := icmp.ListenPacket("ip6:ipv6-icmp", "::")
	if err != nil {
		return nil, err
	}
	p := c.IPv6PacketConn()
	var only ipv6.ICMPFilter
	only.SetAll(true)
	only.Accept(ipv6.ICMPTypeRouterAdvertisement)
	for _, f := range []func() error{
		func() error { return p.SetICMPFilter(&only) },
		func() error { return p.SetControlMessage(ipv6.FlagHopLimit|ipv6.FlagInterface, true) },
		func() error { return p.SetMulticastHopLimit(255) },
		func() error { return p.SetMulticastInterface(ifi) },
		func() error { return p.JoinGroup(ifi, &net.IPAddr{IP: net.IPv6linklocalallnodes}) },
	} {
		if err := f(); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// solicit asks all routers of a link, RFC 4861 section 4.1.
func solicit(c *icmp.PacketConn, ifi *net.Interface) error {
	m := icmp.Message{Type: ipv6.ICMPTypeRouterSolicitation, Body: &icmp.RawBody{Data: make([]byte, 4)}}
	b, err := m.Marshal(nil)
	if err != nil {
		return err
	}
	_, err = c.WriteTo(b, &net.IPAddr{IP: net.IPv6linklocalallrouters, Zone: ifi.Name})
	if err != nil {
		return fmt.Errorf("router solicitation: %w", err)
	}
	return nil
}

// valid takes what was sent on this very link, RFC 4861 section 6.1.2.
func valid(meta *ipv6.ControlMessage, from net.Addr, ifi *net.Interface) (netip.Addr, bool) {
	ip, ok := from.(*net.IPAddr)
	if !ok || meta == nil || meta.HopLimit != 255 || meta.IfIndex != ifi.Index {
		return netip.Addr{}, false
	}
	a := address(ip.IP)
	return a, a.Is6() && a.IsLinkLocalUnicast()
}

// heardFrom makes real what a router said.
func (n *Network) heardFrom(ctx context.Context, lan int, router netip.Addr, h heard, hw []byte) {
	n.mu.Lock()
	before := n.adverts[lan]
	after := before.merge(h, router, hw)
	if ctx.Err() != nil || after.equal(before) {
		n.mu.Unlock()
		return
	}
	n.adverts[lan] = after
	if err := n.apply(); err != nil {
		n.cfg.Log.Warn("network not as configured", "err", err)
	}
	known := n.autoLeases()
	n.mu.Unlock()
	n.cfg.Log.Info("router", "lan", lan, "from", router, "gateway", after.gateway, "address", after.own)
	for _, l := range known {
		n.tell(l)
	}
}

// autoLeases are the addresses in routers' prefixes that interfaces are known
// by. A DHCPv6 server, where one is asked too, knows better.
func (n *Network) autoLeases() (out []Lease) {
	for _, l := range n.plan.Links {
		if a := n.adverts[l.LAN]; l.Auto6 && !l.DHCP6 && a.own.IsValid() {
			out = append(out, Lease{LAN: l.LAN, Address: a.own, Gateway: a.gateway, DNS: a.dns, Server: a.gateway})
		}
	}
	return out
}

// learnedDNS are the name servers of leases and routers.
func (n *Network) learnedDNS() (out []netip.Addr) {
	for _, l := range n.plan.Links {
		out = append(out, n.leases[l.LAN].DNS...)
		out = append(out, n.leases6[l.LAN].DNS...)
		if l.Auto6 || l.DHCP6 {
			out = append(out, n.adverts[l.LAN].dns...)
		}
	}
	return out
}

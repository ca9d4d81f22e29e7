package nic

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
)

// asker gets and keeps the lease of one interface.
type asker struct {
	name   string // of the interface that carries the address
	cancel context.CancelFunc
}

// startAskers has one asker for each link that the plan wants one for.
func (n *Network) startAskers(ctx context.Context, work *sync.WaitGroup) {
	n.mu.Lock()
	defer n.mu.Unlock()
	names, _ := n.names()
	wanted := map[int]string{}
	for _, l := range n.plan.Links {
		if name := names[l.LAN]; l.DHCP && name != "" {
			wanted[l.LAN] = carrierName(name, l.VLAN)
		}
	}
	for lan, a := range n.asking {
		if wanted[lan] != a.name {
			a.cancel()
			delete(n.asking, lan)
			delete(n.leases, lan)
		}
	}
	for lan, name := range wanted {
		if n.asking[lan] == nil {
			ctx, cancel := context.WithCancel(ctx)
			n.asking[lan] = &asker{name, cancel}
			work.Go(func() { n.ask(ctx, lan, name) })
		}
	}
}

// askAgain is how long after a failure the next question is.
const askAgain = 5 * time.Second

// ask gets a lease, and renews it at half its time, until ctx ends. While none
// can be had the last one stays: a box that is cut off from its DHCP server must
// not also lose the peers that it still reaches.
func (n *Network) ask(ctx context.Context, lan int, name string) {
	for ctx.Err() == nil {
		lease, lasts, err := n.request(ctx, lan, name)
		if err != nil {
			n.cfg.Log.Info("no DHCP lease yet", "lan", lan, "err", err)
			pause(ctx, askAgain)
			continue
		}
		n.take(lease, lasts)
		pause(ctx, max(lasts/2, askAgain))
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// request asks as a client that has nothing yet: that also renews, since the
// server gives the same address to the same hardware.
func (n *Network) request(ctx context.Context, lan int, name string) (Lease, time.Duration, error) {
	c, err := nclient4.New(name, nclient4.WithTimeout(3*time.Second), nclient4.WithRetry(2))
	if err != nil {
		return Lease{}, 0, err
	}
	defer c.Close()
	l, err := c.Request(ctx)
	if err != nil {
		return Lease{}, 0, err
	}
	ones, bits := l.ACK.SubnetMask().Size()
	if bits == 0 {
		ones = 24
	}
	out := Lease{LAN: lan, Address: netip.PrefixFrom(address(l.ACK.YourIPAddr), ones), Server: address(l.ACK.ServerIdentifier())}
	if r := l.ACK.Router(); len(r) > 0 {
		out.Gateway = address(r[0])
	}
	for _, s := range l.ACK.DNS() {
		out.DNS = append(out.DNS, address(s))
	}
	return out, l.ACK.IPAddressLeaseTime(time.Hour), nil
}

func address(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

// take makes a lease real.
func (n *Network) take(l Lease, lasts time.Duration) {
	n.mu.Lock()
	old, had := n.leases[l.LAN]
	n.leases[l.LAN] = l
	if err := n.apply(); err != nil {
		n.cfg.Log.Warn("network not as configured", "err", err)
	}
	n.mu.Unlock()
	if had && old.Address == l.Address && old.Gateway == l.Gateway {
		return
	}
	n.cfg.Log.Info("DHCP lease", "lan", l.LAN, "address", l.Address, "gateway", l.Gateway, "server", l.Server, "lasts", lasts)
	if n.cfg.OnLease != nil {
		n.cfg.OnLease(l)
	}
}

package core

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/flow"
	"sallyport/appliance/zone"
)

const (
	// peersEvery is how often the names of peers are looked up again.
	peersEvery  = time.Minute
	peerWait    = 5 * time.Second
	peersAtOnce = 8
)

// peerNames are the addresses of peers that zones are told by name: who connects
// shows an address. The zero value knows none.
type peerNames struct {
	at atomic.Pointer[map[netip.Addr][]string]
}

func (p *peerNames) of(a netip.Addr) []string {
	if at := p.at.Load(); at != nil {
		return (*at)[a]
	}
	return nil
}

// zoneFrom is the zone of who sent something over a connection, as the zones are
// now: they may have changed since it was opened. A peer of several zones keeps to
// the one that core called it by, else to the first.
func (c *Core) zoneFrom(conn *flow.Conn) string {
	zones, remote := c.plan.Load().Zones, conn.Remote().Addr()
	if z := zones.Zone(conn.Zone()); z != nil && (z.Type != zone.Neighbor || z.Automatic || c.isPeerOf(z, remote)) {
		return z.Name
	}
	if z := c.peerZone(remote); z != nil {
		return z.Name
	}
	return ""
}

// peerZone is the first neighbor that an address is a peer of, or nil.
func (c *Core) peerZone(a netip.Addr) *zone.Zone {
	zones := c.plan.Load().Zones
	if z := zones.PeerAt(a); z != nil {
		return z
	}
	for _, name := range c.peerNames.of(a) {
		if z := zones.Peer(name); z != nil {
			return z
		}
	}
	return nil
}

func (c *Core) isPeerOf(z *zone.Zone, a netip.Addr) bool {
	return z.HasPeerAt(a) || slices.ContainsFunc(c.peerNames.of(a), z.HasPeer)
}

// learnPeers keeps the addresses of peers, until ctx ends.
func (c *Core) learnPeers(ctx context.Context) error {
	known := map[string][]netip.Addr{}
	for {
		known = c.askPeers(ctx, known)
		at := map[netip.Addr][]string{}
		for name, addrs := range known {
			for _, a := range addrs {
				at[a] = append(at[a], name)
			}
		}
		for _, names := range at {
			slices.Sort(names)
		}
		c.peerNames.at.Store(&at)
		timer := time.NewTimer(peersEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		case <-c.repeered:
			timer.Stop()
		}
	}
}

// askPeers looks up the names of all peers. One that cannot be found keeps the
// addresses that it had.
func (c *Core) askPeers(ctx context.Context, before map[string][]netip.Addr) map[string][]netip.Addr {
	var mu sync.Mutex // guards now
	now := map[string][]netip.Addr{}
	var wait sync.WaitGroup
	slots := make(chan struct{}, peersAtOnce)
	for _, name := range c.plan.Load().Zones.PeerNames() {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			asking, stop := context.WithTimeout(ctx, peerWait)
			defer stop()
			addrs := before[name]
			if found, err := c.resolveHost(asking, name, 0); err == nil {
				addrs = nil
				for _, a := range found {
					addrs = append(addrs, a.Addr())
				}
			}
			mu.Lock()
			now[name] = addrs
			mu.Unlock()
		})
	}
	wait.Wait()
	return now
}

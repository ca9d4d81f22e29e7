package core

import (
	"fmt"
	"net/netip"
	"strconv"

	"sallyport/appliance/call"
	"sallyport/appliance/config"
	"sallyport/appliance/flow"
	"sallyport/appliance/traversal"
	"sallyport/appliance/xapi"
)

// listening keeps the alarm of a listener that cannot be bound.
func (c *Core) listening(l flow.Listener, err error) {
	name := l.Network + " " + l.Addr.String()
	detail := ""
	if err != nil {
		detail = fmt.Sprintf("SIP over %s: %v", name, err)
	}
	c.cfg.Alarms.Set(xapi.AlarmListener, name, err != nil, detail)
}

// peerChanged tells of a edge that came or went, in the log and by the alarms.
func (c *Core) peerChanged(p traversal.Peer, up bool, why string) {
	c.log.Info("traversal link", "event", "link", "zone", p.Zone, "peer", p.Node, "up", up, "why", why)
	c.links.Judge(c.cfg.Alarms)
	c.renames()
	if !up {
		c.media.outside.forget(p.ID)
	}
}

// Look keeps the alarms that hang on how this role fares now; it is called
// every few seconds.
func (c *Core) Look(snap *config.Snapshot) {
	c.links.Judge(c.cfg.Alarms)
	c.lookMaintenance()
	c.watch.Look(call.PlanOf(snap))
	c.judgeRecording()
	c.lookSAML()
}

// edgeMedia is where an edge takes media: the address that the link to it
// dialled, at its two shared ports.
func (c *Core) edgeMedia(peer string) (rtp, rtcp netip.AddrPort, ok bool) {
	id, err := strconv.ParseUint(peer, 16, 64)
	if err != nil {
		return
	}
	p, ok := c.links.Peer("", traversal.PeerID(id))
	if !ok {
		return
	}
	plan := c.plan.Load()
	at := p.Remote.Addr()
	return netip.AddrPortFrom(at, plan.LinkRTP), netip.AddrPortFrom(at, plan.LinkRTCP), true
}

// zoneOf names the neighbor zone that an inside peer belongs to by its
// address.
func (c *Core) zoneOf(l flow.Listener, remote netip.AddrPort) string {
	if z := c.peerZone(remote.Addr()); z != nil {
		return z.Name
	}
	return l.Zone
}

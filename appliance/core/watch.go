package core

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/flow"
	"sallyport/appliance/media"
	"sallyport/appliance/signaling"
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
}

// silent names a call of which one side, or both, is not heard, and why.
func (c *Core) silent(s media.Silence) {
	c.log.Warn("media silent", "event", "silent", "side", s.Side.String(), "stream", s.Stream, "why", s.Cause,
		"all", s.All, "call", strconv.FormatUint(uint64(s.Session), 16), "trace", s.Trace)
}

// forgotten is after how long a call is taken for over that has no media here
// any more: its BYE went another way, or was never sent.
const forgotten = 10 * time.Minute

// sweep takes calls off the list whose media the relay has given up.
func (c *Core) sweep() {
	live := map[uint64]bool{}
	for _, s := range c.relay.Status() {
		live[uint64(s.ID)] = true
	}
	for _, call := range c.calls.List() {
		if call.State == signaling.Connected && !live[call.Session] && c.cfg.Clock().Sub(call.Since) > forgotten {
			c.calls.End(call.Session)
		}
	}
}

// Look keeps the alarms that hang on how this role fares now; it is called
// every few seconds.
func (c *Core) Look(snap *config.Snapshot) {
	c.links.Judge(c.cfg.Alarms)
	c.sweep()
	level := snap.Int(xapi.ResourceWarningLevel)
	calls, _, _ := c.calls.Counts()
	c.capacity("calls", calls, maxCalls, level)
	c.cfg.Alarms.Set(xapi.AlarmCallCapacity, "", calls >= maxCalls, fmt.Sprintf("%d calls are in progress.", calls))

	_, pairs, _ := c.relay.Load()
	most := (snap.Int(xapi.MediaPortEnd) - snap.Int(xapi.MediaPortStart) + 1) / 2
	c.capacity("media port pairs", pairs, most, level)
	c.cfg.Alarms.Set(xapi.AlarmMediaPorts, "", pairs >= most, fmt.Sprintf("All %d port pairs are in use.", most))
}

// capacity warns from a percentage of what there is; 0 warns never.
func (c *Core) capacity(what string, used, most, level int) {
	near := level > 0 && used*100 >= most*level
	c.cfg.Alarms.Set(xapi.AlarmCapacity, what, near, fmt.Sprintf("%d of %d %s are in use.", used, most, what))
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
	if z := c.plan.Load().Zones.Peer(remote.Addr().String()); z != nil {
		return z.Name
	}
	return l.Zone
}

// callEvent tells whoever listens what became of a call.
func (c *Core) callEvent(name string, call signaling.Call) {
	level := slog.LevelInfo
	if name == "CallAttempt" {
		level = slog.LevelDebug // how it ends is told in any case
	}
	c.log.Log(context.Background(), level, "call", "event", name, "from", call.From, "to", call.To, "direction", call.Direction,
		"call", call.Serial(), "trace", call.Trace)
	c.cfg.Event(name, func() *xapi.Node {
		n := xapi.NewNode(name)
		call.Report(n, c.cfg.Clock())
		return n
	})
}

package edge

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/flow"
	"sallyport/appliance/media"
	"sallyport/appliance/signaling"
	"sallyport/appliance/traversal"
	"sallyport/appliance/xapi"
)

// clientClosed lets a connection's bindings wait for their client to come
// back, and its transactions fail.
func (e *Edge) clientClosed(c *flow.Conn) {
	e.bindings.ConnClosed(c)
	e.proxy.ConnClosed(c)
}

// listening keeps the alarm of a listener that cannot be bound.
func (e *Edge) listening(l flow.Listener, err error) {
	name := l.Network + " " + l.Addr.String()
	detail := ""
	if err != nil {
		detail = fmt.Sprintf("SIP over %s: %v", name, err)
	}
	e.alarms.Set(xapi.AlarmListener, name, err != nil, detail)
}

// peerChanged tells of a core that came or went, in the log and by the alarms.
func (e *Edge) peerChanged(p traversal.Peer, up bool, why string) {
	e.log.Info("traversal link", "event", "link", "zone", p.Zone, "peer", p.Node, "up", up, "why", why)
	e.links.Judge(e.alarms)
}

// silent names a call of which one side, or both, is not heard, and why.
func (e *Edge) silent(s media.Silence) {
	e.log.Warn("media silent", "event", "silent", "side", s.Side.String(), "stream", s.Stream, "why", s.Cause,
		"all", s.All, "call", strconv.FormatUint(uint64(s.Session), 16), "trace", s.Trace)
}

// forgotten is after how long a call is taken for over that has no media here
// any more: its BYE went another way, or was never sent.
const forgotten = 10 * time.Minute

// sweep takes calls off the list whose media the relay has given up.
func (e *Edge) sweep() {
	live := map[uint64]bool{}
	for _, s := range e.relay.Status() {
		live[uint64(s.ID)] = true
	}
	for _, call := range e.calls.List() {
		if call.State == signaling.Connected && !live[call.Session] && e.clock().Sub(call.Since) > forgotten {
			e.calls.End(call.Session)
		}
	}
}

// Look keeps the alarms that hang on how this role fares now; it is called
// every few seconds.
func (e *Edge) Look(snap *config.Snapshot) {
	e.links.Judge(e.alarms)
	e.sweep()
	level := snap.Int(xapi.ResourceWarningLevel)
	calls, _, _ := e.calls.Counts()
	e.capacity("calls", calls, maxCalls, level)
	e.alarms.Set(xapi.AlarmCallCapacity, "", calls >= maxCalls, fmt.Sprintf("%d calls are in progress.", calls))
	e.capacity("registrations", e.bindings.Len(), maxBindings, level)
	_, pairs, _ := e.relay.Load()
	most := (snap.Int(xapi.MediaPortEnd) - snap.Int(xapi.MediaPortStart) + 1) / 2
	e.capacity("media port pairs", pairs, most, level)
	e.alarms.Set(xapi.AlarmMediaPorts, "", pairs >= most, fmt.Sprintf("All %d port pairs are in use.", most))
}

// capacity warns from a percentage of what there is; 0 warns never.
func (e *Edge) capacity(what string, used, most, level int) {
	near := level > 0 && used*100 >= most*level
	e.alarms.Set(xapi.AlarmCapacity, what, near, fmt.Sprintf("%d of %d %s are in use.", used, most, what))
}

// callEvent tells whoever listens what became of a call.
func (e *Edge) callEvent(name string, call signaling.Call) {
	level := slog.LevelInfo
	if name == "CallAttempt" {
		level = slog.LevelDebug // how it ends is told in any case
	}
	e.log.Log(context.Background(), level, "call", "event", name, "from", call.From, "to", call.To, "direction", call.Direction,
		"call", call.Serial(), "trace", call.Trace)
	e.cfg.Event(name, func() *xapi.Node {
		n := xapi.NewNode(name)
		call.Report(n, e.clock())
		return n
	})
}

// bindingEvent tells whoever listens what became of a registration.
func (e *Edge) bindingEvent(old, now *flow.Binding) {
	name, is := "RegistrationChanged", now
	switch {
	case now == nil && old.Confirmed:
		name, is = "RegistrationRemoved", old
	case now == nil || !now.Confirmed:
		return
	case old == nil || !old.Confirmed:
		name = "RegistrationAdded"
		e.regs.added(e.bindings.Len())
	}
	e.cfg.Event(name, func() *xapi.Node {
		n := xapi.NewNode(name)
		is.Report(n, e.clock())
		return n
	})
}

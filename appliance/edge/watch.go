package edge

import (
	"fmt"

	"sallyport/appliance/flow"
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

// peerChanged keeps the alarm of a core that was there and is gone.
func (e *Edge) peerChanged(p traversal.Peer, up bool, why string) {
	key := p.Zone + " " + p.Node
	e.log.Info("traversal link", "event", "link", "zone", p.Zone, "peer", p.Node, "up", up, "why", why)
	e.alarms.Set(xapi.AlarmLinkDown, key, !up, fmt.Sprintf("Zone %s, core %s: %s.", p.Zone, p.Node, why))
}

// callEvent tells whoever listens what became of a call.
func (e *Edge) callEvent(name string, call signaling.Call) {
	n := xapi.NewNode(name)
	call.Report(n, e.clock())
	e.cfg.Event(name, n)
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
	}
	n := xapi.NewNode(name)
	is.Report(n, e.clock())
	e.cfg.Event(name, n)
}

package edge

import (
	"fmt"

	"sallyport/appliance/call"
	"sallyport/appliance/config"
	"sallyport/appliance/flow"
	"sallyport/appliance/traversal"
	"sallyport/appliance/xapi"
)

// clientClosed lets a connection's bindings wait for their client to come
// back, and its transactions fail.
func (e *Edge) clientClosed(c *flow.Conn) {
	e.bindings.ConnClosed(c)
	e.partners.ConnClosed(c)
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

// Look keeps the alarms that hang on how this role fares now; it is called
// every few seconds.
func (e *Edge) Look(snap *config.Snapshot) {
	e.links.Judge(e.alarms)
	plan := call.PlanOf(snap)
	e.watch.Look(plan)
	e.lookMaintenance()
	e.lookManufacturers()
	e.partly.look(e.bindings, e.alarms)
	e.turn.Judge(e.alarms)
	e.watch.Capacity(plan, "registrations", e.bindings.Len(), e.capacity.Registrations)
}

// rehome has registrations follow their zone to its new name.
func (e *Edge) rehome(names map[string]string) {
	if len(names) == 0 {
		return
	}
	e.nodes.rename(names)
	e.bindings.Range(func(b flow.Binding) bool {
		if h := *homeOf(&b); names[h.zone] != "" {
			h.zone = names[h.zone]
			e.bindings.SetInfo(b.ID, &h)
		}
		return true
	})
}

// estrange makes a connection a stranger's again once no binding is behind it.
func (e *Edge) estrange(c *flow.Conn) {
	if len(e.bindings.ByConn(c)) > 0 {
		return
	}
	c.SetAuthenticated(false)
	if len(e.bindings.ByConn(c)) > 0 { // one has come meanwhile
		c.SetAuthenticated(true)
	}
}

// bindingEvent tells whoever listens what became of a registration.
func (e *Edge) bindingEvent(old, now *flow.Binding) {
	if old != nil && old.Conn != nil && (now == nil || now.Conn != old.Conn) {
		e.estrange(old.Conn)
	}
	e.moved(old, now)
	e.partly.changed(old, now, e.clock)
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

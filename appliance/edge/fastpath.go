package edge

import (
	"sallyport/appliance/flow"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
)

// headerRoute is core's word, in the 200 to a REGISTER, of how to take the next
// one to the same registrar without a search (guide: Fast Path Registration). It
// is kept with the binding and never leaves edge but on the link.
const headerRoute = privatePrefix + "Route"

// maxRoute bounds what core may have edge keep for a binding.
const maxRoute = 128

// shortcut is the pre-routed route of a binding, "" where it has none for this
// core.
func (e *Edge) shortcut(a *attempt, link *traversal.Conn) string {
	if !e.plan.Load().PreRouted {
		return ""
	}
	if h := a.before; h.peer == link.Peer() && h.zone == a.zone {
		return h.route
	}
	return ""
}

// preRoute gives a REGISTER its pre-routed route.
func preRoute(m *sip.Message, token string) {
	if token != "" {
		m.Prepend("Route", "<sip:"+token+"@"+coreHost+";lr>")
	}
}

// routeIn is the token in an answer of core's.
func (e *Edge) routeIn(resp *sip.Message) string {
	token := resp.Get(headerRoute)
	if _, _, ok := sip.ParseTokenUser(token); !ok || len(token) > maxRoute || !e.plan.Load().PreRouted {
		return ""
	}
	return token
}

// outlived tells whether an answer ends a pre-routed route: any failure but a
// challenge does.
func outlived(status int) bool { return status >= 300 && status != 401 && status != 407 }

// loseShortcut takes a pre-routed route from its binding.
func (e *Edge) loseShortcut(id flow.BindingID) {
	if b := e.bindings.Look(id); b != nil {
		h := *homeOf(b)
		h.route = ""
		e.bindings.SetInfo(id, &h)
	}
}

// unrouted sends a REGISTER again without its pre-routed route where core
// refuses that: core may have been put back from a backup, with other keys.
func (o *onward) unrouted(status int) *signaling.Branch {
	if status != 403 {
		return nil
	}
	o.edge.loseShortcut(o.id)
	again := *o
	again.route = ""
	b := again.branch()
	return &b
}

package core

import (
	"fmt"

	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// notYours is what a user hears who asks for what another deployment has; the
// log says whose it is.
const notYours = "Not in your deployment"

// userOf is the domain of whoever a request speaks for. Edge has held From
// against the registration.
func (c *Core) userOf(m *sip.Message) (Domain, bool) {
	from, err := sip.ParseNameAddr(m.Get("From"))
	if err != nil {
		return Domain{}, false
	}
	return c.plan.Load().Domain(from.URI.Host)
}

// confine leaves the targets that a deployment's users may reach. Where none is
// left of those that there were, it names the rule that took the last.
func (p *Plan) confine(deployment int, ts []target) (mine []target, rule string) {
	for _, t := range ts {
		if of, known := p.deploymentOf(t); known && of != deployment {
			rule = fmt.Sprintf("deployment %q: zone %s is of deployment %q", p.Topology.Name(deployment), t.zone, p.Topology.Name(of))
			continue
		}
		mine = append(mine, t)
	}
	if len(mine) > 0 {
		rule = ""
	}
	return mine, rule
}

// deploymentOf is known of UC nodes and of what registered at core itself: a
// phone that wrote its own address into a dialog belongs to whoever takes part
// in it.
func (p *Plan) deploymentOf(t target) (int, bool) {
	if t.of != 0 {
		return t.of, true
	}
	if id, ok := p.Topology.OfZone(t.zone); ok {
		return id, true
	}
	return p.Topology.OfHost(t.host)
}

// mayCall lets the nodes of a deployment start calls to the users of its own
// domains only. It refuses the request if not.
func (c *Core) mayCall(r *signaling.Request, zone, domain string) bool {
	top := c.plan.Load().Topology
	of, known := top.OfZone(zone)
	deployment, _ := top.OfDomain(domain)
	if !known || of == deployment {
		return true
	}
	c.refuse(r, 403, notYours, fmt.Sprintf("deployment %q: zone %s is of deployment %q", top.Name(deployment), zone, top.Name(of)))
	return false
}

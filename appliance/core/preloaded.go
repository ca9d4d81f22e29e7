package core

import (
	"net/netip"
	"slices"
	"strings"

	"sallyport/appliance/flow"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/zone"
)

// Preloaded routes (guide: zones): an inside system may say by Route which way
// a request of its own takes, if its zone lets it. It names peers of configured
// neighbors and nobody else; what they make of the rest of the route is theirs.
const rulePreloaded = "Neighbor SIP PreloadedSipRoutes Accept"

// preloaded tells whether a caller may bring routes along.
func (p *Plan) preloaded(w caller) bool {
	z := p.Zones.Zone(w.zone)
	return z != nil && z.Preloaded
}

// followRoute sends a request that brought a route along it. It reports false
// where the route ends at this node: then the search rules are asked.
func (c *Core) followRoute(r *signaling.Request, from *flow.Conn, who caller) bool {
	plan := c.plan.Load()
	routes := r.Msg.Values("Route")
	for len(routes) > 0 && plan.isThisNode(routes[0]) {
		routes = routes[1:]
	}
	if len(routes) == 0 {
		return false
	}
	out := r.Msg.Clone()
	out.SetAll("Route", routes)
	ts, ok := plan.along(out)
	if !ok {
		c.refuse(r, 403, "Routes lead to peers of configured neighbors only", rulePreloaded)
		return true
	}
	if who.bound {
		var rule string
		if ts, rule = plan.confine(who.of, ts); rule != "" {
			c.refuse(r, 403, notYours, rule)
			return true
		}
	}
	c.forwardTrunk(r, from, who, ts)
	return true
}

// along is the neighbor's peer that a message's first route names, spoken to as
// its zone says: a route may choose a trunk, but no port and no transport.
func (p *Plan) along(m *sip.Message) ([]target, bool) {
	first, err := sip.ParseNameAddr(m.Values("Route")[0])
	if err != nil || !first.URI.SIP() {
		return nil, false
	}
	if _, err := p.nextHop(m); err != nil { // turns the message for a strict router
		return nil, false
	}
	if _, elsewhere := first.URI.Param("maddr"); elsewhere {
		return nil, false
	}
	for _, z := range p.Zones.Zones {
		if z.Type != zone.Neighbor || !z.SIP || first.URI.Port != 0 && first.URI.Port != z.Port {
			continue
		}
		for _, t := range peersOf(z, m.URI()) {
			if strings.EqualFold(t.host, strings.Trim(first.URI.Host, "[]")) {
				t.routes = strings.Join(m.Values("Route"), ",")
				return []target{t}, true
			}
		}
	}
	return nil, false
}

// isThisNode tells whether a route value names core itself: its name, or an
// address that it listens on.
func (p *Plan) isThisNode(value string) bool {
	na, err := sip.ParseNameAddr(value)
	if err != nil {
		return false
	}
	host := strings.Trim(na.URI.Host, "[]")
	if slices.ContainsFunc(p.names, func(n string) bool { return strings.EqualFold(n, host) }) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	for _, l := range p.listen {
		if err == nil && l.Addr() == addr && (na.URI.Port == 0 || na.URI.Port == int(l.Port())) {
			return true
		}
	}
	return false
}

package xmpp

import (
	"maps"
	"slices"
	"time"

	"sallyport/appliance/xapi"
)

// Report adds what xStatus XMPP shows at edge.
func (g *Gate) Report(t *xapi.Node) {
	g.mu.Lock()
	now, most := len(g.visits), g.most
	streams := map[string]int{}
	for v := range g.visits {
		streams[v.domain]++
	}
	g.mu.Unlock()
	t.Add("Streams").Int("Current", now).Int("Max", most).Int("Total", int(g.total.Load())).
		Int("Guests", g.guests.Load()).Int("Logins", int(g.logins.Load())).Int("Refused", int(g.refused.Load()))
	g.traffic.report(t)
	for i, name := range slices.Sorted(maps.Keys(g.plan.Load().Domains)) {
		t.Nth("Domain", i+1).Str("Name", name).Int("Streams", streams[name])
	}
}

// Streams counts the clients that are signed in or about to be.
func (g *Gate) Streams() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.visits)
}

func (c *traffic) report(t *xapi.Node) {
	t.Add("Traffic").Int("Stanzas", int(c.Stanzas.Load())).Int("BytesIn", int(c.BytesIn.Load())).Int("BytesOut", int(c.BytesOut.Load()))
}

// Report adds what xStatus XMPP shows at core.
func (s *Server) Report(t *xapi.Node) {
	s.mu.Lock()
	now, most := len(s.sessions), s.most
	streams, on := map[string]int{}, map[Node]int{}
	for c := range s.sessions {
		streams[c.domain]++
		on[c.at]++
	}
	s.mu.Unlock()
	t.Add("Streams").Int("Current", now).Int("Max", most).Int("Total", int(s.total.Load())).
		Int("Logins", int(s.logins.Load())).Int("Refused", int(s.denied.Load()))
	s.traffic.report(t)
	p := s.plan.Load()
	var all []Node
	for i, name := range slices.Sorted(maps.Keys(p.Domains)) {
		t.Nth("Domain", i+1).Str("Name", name).Int("Streams", streams[name])
		for _, n := range p.Domains[name] {
			if !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	for i, n := range all {
		h := s.nodes.get(n)
		e := t.Nth("Node", i+1).Str("Address", n.Host).Int("Port", int(n.Port)).Leaf("Status", word(h.err == nil))
		e.Str("LastStatusChange", h.since.Local().Format(time.DateTime))
		if h.err != nil {
			e.Str("Cause", h.err.Error())
		}
		e.Int("Streams", on[n])
	}
}

func word(active bool) string {
	if active {
		return "Active"
	}
	return "Failed"
}

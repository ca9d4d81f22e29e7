package httpproxy

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"sallyport/appliance/allow"
	"sallyport/appliance/xapi"
)

// Report adds what xStatus CollaborationEdge HTTPAllowList shows: the rules in
// force with the methods they permit and how often each let a request through,
// and the table that the automatic ones among them follow.
func (s *Server) Report(t *xapi.Node) {
	l := s.live.Load()
	n := 0
	l.list.Range(func(r *allow.Rule, methods []string, hits uint64) {
		n++
		e := t.Nth("Rule", n)
		e.Str("Url", r.URL())
		e.Str("Deployment", l.Names[r.Deployment])
		e.Leaf("MatchType", r.Match.String())
		e.Str("HttpMethods", strings.Join(methods, ","))
		e.Str("Type", r.Type)
		e.Str("Description", r.Description)
		e.Leaf("Authorization", onOff(r.Authorization || l.Nodes[r.Host] == r.Deployment))
		e.Int("Hits", int(hits))
	})
	n = 0
	for _, a := range allow.AutomaticRules() {
		if slices.Contains(l.Types, a.NodeType) {
			n++
			automatic(t.Nth("Automatic", n), a)
		}
	}
}

// ReportLogins adds what xStatus EdgeConfigProvisioning shows.
func (s *Server) ReportLogins(t *xapi.Node) {
	now, most, total := s.sessions.counts(s.live.Load().Login.Life)
	t.Add("Sessions").Int("Current", now).Int("Max", most).Int("Total", total)
	t.Add("Refused").Int("Credentials", int(s.refused.credentials.Load())).Int("RateLimit", int(s.refused.rate.Load())).
		Int("Unavailable", int(s.refused.unavailable.Load()))
}

// onboarded counts requests about activation codes.
type onboarded struct{ passed, refused atomic.Int64 }

func (o *onboarded) report(t *xapi.Node) {
	t.Int("Passed", int(o.passed.Load())).Int("Refused", int(o.refused.Load()))
}

// ReportOnboarding adds what xStatus Onboarding shows of core's decisions.
func (s *Server) ReportOnboarding(t *xapi.Node) { s.onboarded.report(t) }

// ReportOnboarding adds what xStatus Onboarding shows of edge's decisions.
func (g *Gate) ReportOnboarding(t *xapi.Node) { g.onboarded.report(t) }

func (s *Server) countRefused(status int) {
	switch status {
	case http.StatusTooManyRequests:
		s.refused.rate.Add(1)
	case http.StatusBadGateway:
		s.refused.unavailable.Add(1)
	default:
		s.refused.credentials.Add(1)
	}
}

func automatic(e *xapi.Node, a allow.Automatic) {
	var ports []string
	for _, p := range a.Ports {
		ports = append(ports, strconv.Itoa(int(p)))
	}
	e.Str("Type", a.Type)
	e.Leaf("Protocol", a.Scheme)
	e.Str("Ports", strings.Join(ports, ","))
	e.Leaf("MatchType", a.Match.String())
	e.Str("Path", a.Path)
	e.Str("HttpMethods", strings.Join(a.Methods, ","))
}

func onOff(b bool) string {
	if b {
		return "On"
	}
	return "Off"
}

package httpproxy

import (
	"strings"

	"sallyport/appliance/allow"
	"sallyport/appliance/xapi"
)

// Report adds what xStatus CollaborationEdge HTTPAllowList shows: the rules in
// force with the methods they permit and how often each let a request through.
func (s *Server) Report(t *xapi.Node) {
	n := 0
	s.live.Load().list.Range(func(r *allow.Rule, methods []string, hits uint64) {
		n++
		e := t.Nth("Rule", n)
		e.Str("Url", r.URL())
		e.Str("Deployment", r.Deployment)
		e.Leaf("MatchType", r.Match.String())
		e.Str("HttpMethods", strings.Join(methods, ","))
		e.Str("Type", r.Type)
		e.Str("Description", r.Description)
		e.Int("Hits", int(hits))
	})
}

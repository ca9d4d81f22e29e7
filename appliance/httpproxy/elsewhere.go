package httpproxy

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"sallyport/appliance/allow"
	"sallyport/appliance/uc"
)

// Pin is a cookie that brings a browser back to this core for one lane of its
// domain, from wherever it is sent meanwhile, for a time. It stands beside the
// login cookie and opens nothing.
func (v Visitor) Pin(lane string, life time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: newCookie(v.Face.Core, func(b []byte) { rand.Read(b) }),
		Path: allow.Target{Domain: v.Domain}.Prefix() + "/" + lane, MaxAge: int(life / time.Second),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode,
	}
}

// Nodes lists the hosts of a user's home cluster, the best one first, for other
// planes that ask it for something. For "", or a user whom nobody knows, it
// lists those of every cluster of the deployment in turn.
func (s *Server) Nodes(ctx context.Context, deployment int, user string) (hosts []string, err error) {
	top := s.live.Load().Topology
	var nodes []uc.Node
	if user != "" {
		h, err := s.findHome(ctx, top, deployment, user)
		if err != nil {
			return nil, err
		}
		nodes = h.nodes
	} else {
		for _, c := range s.clusters(top, deployment) {
			nodes = append(nodes, c.up...)
		}
	}
	for _, n := range nodes {
		hosts = append(hosts, n.Host)
	}
	return hosts, nil
}

// RoundTrip reaches an inside server as requests of clients do: by the same
// rules for its certificate, and remembering who does not answer.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.proxy.Transport.RoundTrip(r)
	switch {
	case err == nil:
		s.ailing.answered(r.URL.Hostname())
	case r.Context().Err() == nil:
		s.ailing.failed(r.URL.Hostname())
	}
	return resp, err
}

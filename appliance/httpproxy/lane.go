package httpproxy

import (
	"context"
	"net/http"
	"strings"
	"time"

	"sallyport/appliance/allow"
)

// Lane answers requests below a domain, /<base64(domain)>/name. What it writes
// goes to the client as it is.
type Lane func(w http.ResponseWriter, r *http.Request, v Visitor)

// Visitor is who asks a lane, before any login.
type Visitor struct {
	Domain     string // lower case, and served
	Deployment int
	Face       Face   // how the client sees edge
	Source     string // the client's address
	Trace      string
}

// Signed is a login that was just made, for planes that need what only the
// login has.
type Signed struct {
	Session
	Ends     time.Time
	Password string // "" where a token was shown
	Token    string // "" where a password was shown
}

// Auth is what sign-in needs of other planes. Every field may be nil.
type Auth struct {
	// Verify judges an access token of a deployment; an error refuses it.
	Verify func(ctx context.Context, deployment int, token string) (user string, expires time.Time, err error)
	// OnLogin is told of each login before its answer leaves, and once more when
	// one goes on after a restart; it must not block.
	OnLogin func(Signed)
	// Lanes are further requests below a domain, by name: authorize, fedlet,
	// oauthcb, access_token.
	Lanes map[string]Lane
	// TURN makes the credentials of a user for edge's TURN server with the key
	// that edge told; nil: none are given.
	TURN func(key []byte, user, domain string, ends time.Time) (name, password string)
}

// What a client begins with.
const (
	laneConfig = "get_edge_config"
	laneSSO    = "get_edge_sso"
)

func laneName(t allow.Target) string { return strings.TrimSuffix(strings.TrimPrefix(t.Path, "/"), "/") }

// signsIn tells whether a request below a domain begins a client's work.
func signsIn(t allow.Target) bool { return laneName(t) == laneConfig || laneName(t) == laneSSO }

// lane finds what answers a request below a domain.
func (s *Server) lane(t allow.Target) Lane {
	name := laneName(t)
	switch name {
	case laneConfig:
		return s.edgeConfig
	case laneSSO:
		return s.edgeSSO
	}
	return s.cfg.Auth.Lanes[name]
}

// answerLane has a lane answer, or says that there is none.
func (s *Server) answerLane(w http.ResponseWriter, r *http.Request, p *pass, l *live) {
	v := Visitor{
		Domain: p.target.Domain, Deployment: deploymentOf(p.deploy), Face: parseFace(r.Header.Get(headerFace)),
		Source: p.client, Trace: p.trace,
	}
	lane := s.lane(p.target)
	if lane == nil || !l.Login.Domains[v.Domain] {
		s.deny(w, r, p, &refusal{http.StatusNotFound, "Nothing is there", "service " + p.target.Path, 0})
		return
	}
	s.tap.request(p.trace, p.user, "edge", false, r)
	lane(w, r, v)
}

package httpproxy

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"sallyport/appliance/uc"
)

// maxLogins bounds logins in progress: each costs call control a few requests.
const maxLogins = 64

// credentials are what a request shows of who asks.
type credentials struct {
	user, password string // Basic
	token          string // Bearer
}

// credentialsOf reads the one Authorization header of a request.
func credentialsOf(r *http.Request) (c credentials, ok bool) {
	if len(r.Header["Authorization"]) != 1 {
		return c, false
	}
	if user, password, ok := r.BasicAuth(); ok {
		return credentials{user: user, password: password}, user != "" && len(user) <= maxName && printable(user)
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return credentials{token: token}, strings.EqualFold(scheme, "Bearer") && token != ""
}

// maxName bounds a user's name.
const maxName = 256

func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }) < 0
}

// header is the Authorization with which a home cluster knows the user.
func (c credentials) header(user string) string {
	if c.token != "" {
		return "Bearer " + c.token
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+c.password))
}

// Refusals of a login. Whoever asks learns nothing of whether a user exists.
func refuseCredentials(why string) *refusal {
	return &refusal{http.StatusUnauthorized, "User name or password is wrong", "login: " + why, 0}
}

func unavailable(err error) *refusal {
	return &refusal{http.StatusBadGateway, "Next Hop Connection Failed", "login: " + err.Error(), 0}
}

// login is one that was checked, and what is known of the user.
type login struct {
	record
	credentials
	nodes []uc.Node // of the home cluster, that answer, the best one first
}

// signIn checks credentials against the user's home cluster.
func (s *Server) signIn(ctx context.Context, l *live, v Visitor, c credentials) (*login, *refusal) {
	if no := s.maySignIn(l, c); no != nil {
		return nil, no
	}
	user := c.user
	if c.token != "" {
		var err error
		if user, _, err = s.cfg.Auth.Verify(ctx, v.Deployment, c.token); err != nil {
			return nil, refuseCredentials("token: " + err.Error())
		}
	}
	if wait, ok := s.MayTry(v.Deployment, user, v.Source); !ok {
		return nil, tooOften("Too many logins", "EdgeConfigServer RateLimitLogins", wait)
	}
	in, no := s.judge(ctx, l, v, c, user)
	if no == nil || no.status != http.StatusUnauthorized {
		s.NoGuess(v.Deployment, v.Source, no == nil || no.status == http.StatusForbidden)
	}
	return in, no
}

// judge has the user's home cluster decide, when it is his turn.
func (s *Server) judge(ctx context.Context, l *live, v Visitor, c credentials, user string) (*login, *refusal) {
	select {
	case s.logins <- struct{}{}:
		defer func() { <-s.logins }()
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	}
	h, err := s.findHome(ctx, l.Topology, v.Deployment, user)
	if err != nil {
		return nil, unavailable(err)
	}
	return s.check(ctx, v, c, user, h)
}

// maySignIn refuses ways to sign in that are switched off.
func (s *Server) maySignIn(l *live, c credentials) *refusal {
	switch {
	case c.token == "" && !l.Login.Password:
		return &refusal{http.StatusForbidden, "User name and password are not taken here", "CollaborationEdge LegacyCred", 0}
	case c.token != "" && (!l.Login.Token && !l.Login.Opaque || s.cfg.Auth.Verify == nil):
		return &refusal{http.StatusForbidden, "Tokens are not taken here", "CollaborationEdge OauthLocal, OauthSso, LegacySso", 0}
	}
	return nil
}

func tooOften(why, rule string, wait time.Duration) *refusal {
	return &refusal{http.StatusTooManyRequests, why, rule, int(math.Ceil(wait.Seconds()))}
}

// check lets the home cluster judge the credentials. Somebody unknown is
// checked too, and refused like a wrong password, in words and in time.
func (s *Server) check(ctx context.Context, v Visitor, c credentials, as string, h home) (*login, *refusal) {
	auth := c.header(h.user)
	a, at, err := s.askAny(ctx, h.nodes, "/cucm-uds/user/"+url.PathEscape(h.user)+"/devices", auth)
	switch {
	case err != nil:
		return nil, unavailable(err)
	case !h.known:
		return nil, refuseCredentials("no cluster of the deployment knows the user")
	case a.status == http.StatusForbidden:
		return nil, &refusal{http.StatusForbidden, "User may not use these services", "login: " + at.Host + " answers 403", 0}
	case a.status != http.StatusOK:
		return nil, refuseCredentials(fmt.Sprintf("%s answers %d", at.Host, a.status))
	}
	l := &login{credentials: c, nodes: first(h.nodes, at)}
	l.record = record{As: as, Bearer: c.token != "", Session: Session{
		User: h.user, Domain: v.Domain, Deployment: v.Deployment, Home: at.Host, Begun: s.clock(),
	}}
	s.learn(ctx, l, at, auth)
	return l, nil
}

// maxLines bounds the directory numbers of one user.
const maxLines = 64

// learn reads what else is known of a user who is in; nothing of it is needed
// to be in.
func (s *Server) learn(ctx context.Context, l *login, at uc.Node, auth string) {
	record := "/cucm-uds/user/" + url.PathEscape(l.User)
	if a, err := s.ask(ctx, at.Host, record, auth); err == nil && a.status == http.StatusOK {
		if u, err := parseUser(a.body); err == nil {
			l.Presence = u.Presence
			l.Lines = append(l.Lines, u.Line)
		}
	}
	if a, err := s.ask(ctx, at.Host, record+"/extensions", auth); err == nil && a.status == http.StatusOK {
		var all udsLines
		if xml.Unmarshal(a.body, &all) == nil {
			l.Lines = append(l.Lines, all.Numbers...)
		}
	}
	for i, n := range l.Lines {
		l.Lines[i] = strings.TrimSpace(n)
	}
	l.Lines = slices.DeleteFunc(l.Lines, func(n string) bool { return n == "" })
	slices.Sort(l.Lines)
	l.Lines = slices.Compact(l.Lines)
	l.Lines = l.Lines[:min(len(l.Lines), maxLines)]
}

// first puts the node that answered before the others.
func first(nodes []uc.Node, at uc.Node) []uc.Node {
	out := []uc.Node{at}
	for _, n := range nodes {
		if n.Host != at.Host {
			out = append(out, n)
		}
	}
	return out
}

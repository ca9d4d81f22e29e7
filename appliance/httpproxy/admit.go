package httpproxy

import (
	"context"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// admit lets a proxied request in where logins are in force: with the cookie of
// a live login of the deployment, and with the credentials of its user.
func (s *Server) admit(l *live, p *pass, r *http.Request) *refusal {
	if !l.Login.Domains[p.target.Domain] {
		return nil
	}
	no := s.admitSession(l, p, r)
	if no != nil {
		s.countRefused(no.status)
	}
	return no
}

func (s *Server) admitSession(l *live, p *pass, r *http.Request) *refusal {
	c, shown := credentialsOf(r)
	p.user = c.user
	for _, cookie := range cookiesOf(r) {
		in, ok := s.sessions.find(cookie, l.Login.Life)
		if !ok {
			continue
		}
		switch {
		case Key(in.Deployment) != p.deploy:
			return &refusal{http.StatusForbidden, "Not of your deployment", "login of deployment " + l.Names[Key(in.Deployment)], 0}
		case !shown:
			return &refusal{http.StatusUnauthorized, "Sign in first", "login: no credentials", 0}
		case !s.proves(r.Context(), in, cookie, c):
			s.sessions.wrong(in, cookie)
			return refuseCredentials("the cookie is of another login")
		case !ownRecord(p.target.Path, in.User):
			return &refusal{http.StatusForbidden, "Not your record", "login: the path names another user than " + in.User, 0}
		}
		p.user = in.User
		s.tell(l, in, cookie, c)
		return nil
	}
	return &refusal{http.StatusUnauthorized, "Sign in first", "login: no live session", 0}
}

// proves tells whether credentials are those of a login.
func (s *Server) proves(ctx context.Context, in record, cookie string, c credentials) bool {
	if c.token == "" {
		return !in.Bearer && strings.EqualFold(c.user, in.As) && subtle.ConstantTimeCompare(in.Proof, proofOf(cookie, c.password)) == 1
	}
	if s.cfg.Auth.Verify == nil {
		return false
	}
	user, _, err := s.cfg.Auth.Verify(ctx, in.Deployment, c.token)
	return err == nil && strings.EqualFold(user, in.As)
}

// ownRecord keeps a user to the own part of user data services.
func ownRecord(path, user string) bool {
	rest, ok := strings.CutPrefix(path, "/cucm-uds/user/")
	if !ok {
		return true
	}
	whose, _, _ := strings.Cut(rest, "/")
	whose, err := url.PathUnescape(whose)
	return err == nil && strings.EqualFold(whose, user)
}

// Ticket is what edge wants to know of a cookie.
type Ticket struct {
	Needed  bool      // the domain's users must sign in
	User    string    // whose login it is; "" if it is none that holds
	Expires time.Time // when it ends, as long as the settings stay
}

// TicketQuestion is what edge asks about a cookie.
type TicketQuestion struct{ Domain, Cookie string }

// Ticket judges a cookie for edge.
func (s *Server) Ticket(domain, cookie string) Ticket {
	l := s.live.Load()
	t := Ticket{Needed: l.Login.Domains[domain]}
	if in, ok := s.sessions.find(cookie, l.Login.Life); ok && Key(in.Deployment) == l.Domains[domain] {
		t.User, t.Expires = in.User, in.Begun.Add(l.Login.Life)
	}
	return t
}

// ChatHome tells on which presence nodes a chat user is at home. ok is false
// for somebody without a live login where logins are in force.
func (s *Server) ChatHome(domain, user string) (hosts []string, ok bool) {
	l := s.live.Load()
	if !l.Login.Domains[domain] {
		return nil, true
	}
	deployment := deploymentOf(l.Domains[domain])
	name, _, _ := strings.Cut(user, "@")
	for _, who := range []string{name, user} { // ids may look like addresses
		if in, live := s.sessions.newest(deployment, who, l.Login.Life); live && who != "" {
			return in.Presence, true
		}
	}
	return nil, false
}

// deploymentOf undoes Key.
func deploymentOf(key string) int {
	n, _ := strconv.Atoi(key)
	return n
}

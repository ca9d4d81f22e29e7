package httpproxy

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"time"

	"sallyport/appliance/allow"
	"sallyport/appliance/door"
)

// edgeSSO tells a client that has not signed in how it can. Whom nobody knows
// is answered as everybody of the first cluster is.
func (s *Server) edgeSSO(w http.ResponseWriter, r *http.Request, v Visitor) {
	l := s.live.Load()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, http.StatusMethodNotAllowed, "Method is not allowed")
		return
	}
	can := l.Login.signOn()
	if user := userAsked(r); l.Login.asksHome() && user != "" && (can.SSO || can.Token) {
		if wait, ok := s.rate.Take("sso\x00"+door.Named(v.Source), maxQuestions, time.Minute); !ok {
			s.refuseLogin(w, r, v, tooOften("Too many questions", "limits", wait))
			return
		}
		home, err := s.SignOn(r.Context(), v.Deployment, user)
		if err != nil {
			s.refuseLogin(w, r, v, unavailable(err))
			return
		}
		can.SSO, can.Token = can.SSO && home.SSO, can.Token && home.Token
	}
	writeXML(w, ssoFor(v, can))
}

// maxQuestions bounds what one source may have looked up in a minute.
const maxQuestions = 300

// userAsked is whom a client that has not signed in says that it will be.
func userAsked(r *http.Request) string {
	q := r.URL.Query()
	for _, name := range []string{"email", "username"} {
		if user := q.Get(name); user != "" && len(user) <= maxName && printable(user) {
			return user
		}
	}
	return ""
}

// signOn is what the settings offer.
func (l Login) signOn() SignOn {
	return SignOn{SSO: l.SSO && (l.Opaque || l.TokenSSO), Token: l.Token}
}

func (l Login) asksHome() bool { return l.AskHome && !l.SSOAlways }

// SignOn asks the home cluster of a user how it lets users sign in. For
// somebody unknown any cluster of the deployment is asked.
func (s *Server) SignOn(ctx context.Context, deployment int, user string) (SignOn, error) {
	l := s.live.Load()
	select {
	case s.logins <- struct{}{}:
		defer func() { <-s.logins }()
	case <-ctx.Done():
		return SignOn{}, ctx.Err()
	}
	h, err := s.findHome(ctx, l.Topology, deployment, user)
	if err != nil {
		return SignOn{}, err
	}
	a, at, err := s.askAny(ctx, h.nodes, "/ssosp/ws/public/singleSignOn", "")
	if err != nil {
		return SignOn{}, err
	}
	if a.status != http.StatusOK {
		return SignOn{}, nil // it knows no other way than a password
	}
	so, err := parseSignOn(a.body)
	if err != nil {
		return SignOn{}, fmt.Errorf("%w: %s: %w", errDown, at.Host, err)
	}
	return so, nil
}

// The answer, in the form of the servers' own singleSignOn.
type (
	ssoAnswer struct {
		XMLName xml.Name `xml:"SSOResult"`
		Version string   `xml:"version,attr"`
		SignOn  ssoBody  `xml:"Response>SingleSignOn"`
	}
	ssoBody struct {
		Version string    `xml:"version,attr"`
		Status  ssoSwitch `xml:"Status"`
		Token   ssoSwitch `xml:"Token"`
		URI     string    `xml:"Uri,omitempty"`
	}
	ssoSwitch struct {
		Enabled bool `xml:"enabled,attr"`
	}
)

func ssoFor(v Visitor, can SignOn) ssoAnswer {
	a := ssoAnswer{Version: "1.0", SignOn: ssoBody{Version: "1.0", Status: ssoSwitch{can.SSO}, Token: ssoSwitch{can.Token}}}
	if can.SSO || can.Token {
		a.SignOn.URI = v.URL("authorize")
	}
	return a
}

// URL is where a client finds a lane of its domain.
func (v Visitor) URL(lane string) string {
	return "https://" + hostPort(v.Face.Host, v.Face.HTTPS) + allow.Target{Domain: v.Domain}.Prefix() + "/" + lane
}

package auth

import (
	"encoding/base64"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sallyport/appliance/door"
)

// maxAnswer bounds what a browser brings back from an identity provider.
const maxAnswer = 256 << 10

// A denial is an answer of ours to a lane, and for the log the rule behind it.
type denial struct {
	status    int
	why, rule string
}

func (d *denial) Error() string { return d.why + " (" + d.rule + ")" }

// deny answers in plain words and logs why; err is for the log alone.
func (s *SSO) deny(w http.ResponseWriter, c Client, lane string, d *denial, err error) {
	s.count("Refused")
	s.cfg.Log.Info("sso denied", "event", "denied", "lane", lane, "status", d.status, "why", d.why, "rule", d.rule,
		"err", err, "domain", c.Domain, "client", c.Source, "trace", c.Trace)
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, d.why, d.status)
}

var (
	errOften   = &denial{http.StatusTooManyRequests, "Too many requests", "limits"}
	errGuessed = &denial{http.StatusTooManyRequests, "Too many logins", "EdgeConfigServer RateLimitLogins"}
	errMethod  = &denial{http.StatusMethodNotAllowed, "Method is not allowed", "method"}
	errReplay  = &denial{http.StatusForbidden, "This sign-in is over; begin anew", "InResponseTo"}
	errVouch   = &denial{http.StatusForbidden, "The identity provider's answer is refused", "assertion"}
	errFull    = &denial{http.StatusServiceUnavailable, "Too many sign-ins at a time", "limits"}
	errBroken  = &denial{http.StatusInternalServerError, "Internal Server Error", "internal"}
)

// Authorize begins a sign-in: it sends the browser to the domain's identity
// provider, or a client with a password to the user's home cluster.
func (s *SSO) Authorize(w http.ResponseWriter, r *http.Request, c Client) {
	plan := s.current()
	ask, no := plan.read(r, c)
	if no == nil && !s.welcome(c.Source) {
		no = errOften
	}
	if no != nil {
		s.deny(w, c, "authorize", no, nil)
		return
	}
	s.count("Requests")
	if ask.basic != "" {
		if wait, ok := s.mayTry(c, ask.user); !ok {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			s.deny(w, c, "authorize", errGuessed, nil)
			return
		}
		s.authorizeAt(w, r, c, ask, "", plan)
		return
	}
	if wait, ok := s.maySign(c.Source); !ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		s.deny(w, c, "authorize", errFull, nil)
		return
	}
	if no, err := s.sendAway(w, r, c, ask, plan.Domains[c.Domain]); no != nil {
		s.deny(w, c, "authorize", no, err)
	}
}

// mayTry counts an attempt of a password with all others, by whatever way: else
// this lane would be the one to guess at.
func (s *SSO) mayTry(c Client, user string) (wait time.Duration, ok bool) {
	if s.cfg.MayTry == nil {
		return 0, true
	}
	return s.cfg.MayTry(c.Deployment, user, c.Source)
}

// noGuess takes an attempt of a password out of those that may be guesses.
func (s *SSO) noGuess(c Client, a ask, right bool) {
	if a.basic != "" && s.cfg.NoGuess != nil {
		s.cfg.NoGuess(c.Deployment, c.Source, right)
	}
}

// sendAway redirects to the identity provider.
func (s *SSO) sendAway(w http.ResponseWriter, r *http.Request, c Client, a ask, idp IdP) (*denial, error) {
	key, err := s.cfg.Key()
	if err != nil {
		return errBroken, err
	}
	sp, err := key.provider(idp, c.Domain, c.URL("fedlet"))
	if err != nil {
		return errBroken, err
	}
	id, address, err := question(sp, s.cfg.Rand, s.cfg.Clock().UTC())
	if err != nil {
		return errBroken, err
	}
	s.await(id, pending{client: c, idp: idp, ask: a})
	if c.Pin != nil {
		http.SetCookie(w, c.Pin("fedlet", pendingLife))
	}
	redirect(w, r, address)
	return nil, nil
}

func redirect(w http.ResponseWriter, r *http.Request, address string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, address, http.StatusFound)
}

// Fedlet takes what the identity provider said, once, and has the user's home
// cluster give a token or a code for it.
func (s *SSO) Fedlet(w http.ResponseWriter, r *http.Request, c Client) {
	if !s.welcome(c.Source) {
		s.deny(w, c, "fedlet", errOften, nil)
		return
	}
	p, a, no, err := s.vouch(w, r, c)
	if no != nil {
		s.deny(w, c, "fedlet", no, err)
		return
	}
	s.count("Responses")
	s.known.Take(door.Named(c.Source), 1, knownTime)
	s.cfg.Log.Info("sso signed in", "event", "login", "user", a.user, "idp", p.idp.Name, "domain", c.Domain, "client", c.Source, "trace", c.Trace)
	s.authorizeAt(w, r, p.client, p.ask, a.user, s.current())
}

func (s *SSO) vouch(w http.ResponseWriter, r *http.Request, c Client) (p pending, a assertion, no *denial, err error) {
	if r.Method != http.MethodPost {
		return p, a, errMethod, nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxAnswer)
	if err := r.ParseForm(); err != nil {
		return p, a, &denial{http.StatusBadRequest, "Form cannot be read", "syntax"}, err
	}
	response, err := base64.StdEncoding.DecodeString(r.PostForm.Get("SAMLResponse"))
	if err != nil || len(response) == 0 {
		return p, a, &denial{http.StatusBadRequest, "SAMLResponse cannot be read", "syntax"}, err
	}
	id := answers(response)
	p, ok := s.take(id, c.Domain)
	if !ok {
		return p, a, errReplay, nil
	}
	key, err := s.cfg.Key()
	if err != nil {
		return p, a, errBroken, err
	}
	sp, err := key.provider(p.idp, c.Domain, p.client.URL("fedlet"))
	if err != nil {
		return p, a, errBroken, err
	}
	if a, err = read(sp, p.idp.SHA1, response, id); err != nil {
		return p, a, errVouch, err
	}
	if !s.first(a) {
		return p, a, errReplay, errors.New("assertion was here before")
	}
	return p, a, nil, nil
}

// landed is where a browser ends; the token is in the address's fragment, which
// the client reads and never sends.
const landed = "<!DOCTYPE html><html><head><title>Signed in</title></head><body><p>You are signed in. You can close this page.</p></body></html>\n"

// OAuthCB is the page on which a sign-in ends.
func (s *SSO) OAuthCB(w http.ResponseWriter, r *http.Request, c Client) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.deny(w, c, "oauthcb", errMethod, nil)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write([]byte(landed))
}

// An ask is what a client wants of authorize.
type ask struct {
	query url.Values // what the home cluster may see
	kind  string     // "code" or "token"
	back  string     // where the client wants to go then
	basic string     // Authorization of a client that signs in by password
	user  string     // its user
}

// maxAsk bounds a query.
const maxAsk = 4 << 10

// read says what a client wants, or why it does not get it.
func (p SSOPlan) read(r *http.Request, c Client) (a ask, no *denial) {
	q := r.URL.Query()
	_, idp := p.Domains[c.Domain]
	a = ask{query: url.Values{}, kind: q.Get("response_type"), back: c.URL("oauthcb")}
	user, _, basic := r.BasicAuth()
	switch {
	case r.Method != http.MethodGet:
		return a, errMethod
	case len(r.URL.RawQuery) > maxAsk:
		return a, &denial{http.StatusBadRequest, "Query is too long", "limits"}
	case idp && p.On && (a.kind == "code" && p.Code || a.kind == "token" && p.Opaque):
	case !idp && p.Local && a.kind == "code" && basic && user != "" && len(user) <= 256:
		a.basic, a.user = r.Header.Get("Authorization"), user
	case !idp && p.Local && a.kind == "code":
		return a, &denial{http.StatusUnauthorized, "Sign in with user name and password", "CollaborationEdge OauthLocal"}
	case a.kind != "code" && a.kind != "token":
		return a, &denial{http.StatusBadRequest, "response_type is neither code nor token", "syntax"}
	default:
		return a, &denial{http.StatusForbidden, "This way to sign in is off", "CollaborationEdge SsoEnabled, OauthSso, LegacySso, OauthLocal, SIP Domain IdP"}
	}
	for _, name := range []string{"response_type", "client_id", "scope", "state", "device_id", "code_challenge", "code_challenge_method"} {
		if v := q.Get(name); v != "" {
			a.query.Set(name, v)
		}
	}
	if back := q.Get("redirect_uri"); back != "" && back != a.back {
		if !p.mayGo(back, a.kind) {
			return a, &denial{http.StatusForbidden, "redirect_uri is not allowed", "CollaborationEdge AllowRedirectUri"}
		}
		a.back = back
	}
	a.query.Set("redirect_uri", a.back)
	return a, nil
}

// mayGo tells whether a client may name an address: one of an app's own scheme,
// and for a code, which is worth nothing without the client's secret.
func (p SSOPlan) mayGo(back, kind string) bool {
	u, err := url.Parse(back)
	if err != nil || !p.Redirect || kind != "code" || u.Fragment != "" {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "", "http", "https", "javascript", "data", "file", "blob", "vbscript", "about", "ftp":
		return false
	}
	return true
}

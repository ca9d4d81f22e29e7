package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a cluster's authorization service is asked, and how long one node may
// take.
const (
	ssoPort  = "8443"
	ssoWait  = 10 * time.Second
	maxReply = 64 << 10
	maxForm  = 64 << 10
)

var errUpstream = &denial{http.StatusBadGateway, "Next Hop Connection Failed", "home cluster"}

// ask puts a request to nodes in turn until one answers; what cannot be reached
// or is overloaded is passed over.
func (s *SSO) ask(ctx context.Context, nodes []string, make func(host string) (*http.Request, error)) (status int, h http.Header, body []byte, at string, err error) {
	var errs []error
	for _, host := range nodes {
		status, h, body, err = s.askOne(ctx, host, make)
		if err == nil && status < 500 {
			return status, h, body, host, nil
		}
		if err == nil {
			err = fmt.Errorf("%s answers %d", host, status)
		}
		if errs = append(errs, err); ctx.Err() != nil {
			break
		}
	}
	return 0, nil, nil, "", errors.Join(append(errs, errors.New("no node of the cluster answers"))...)
}

func (s *SSO) askOne(ctx context.Context, host string, make func(string) (*http.Request, error)) (int, http.Header, []byte, error) {
	ctx, stop := context.WithTimeout(ctx, ssoWait)
	defer stop()
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return 0, nil, nil, ctx.Err()
	}
	req, err := make(host)
	if err != nil {
		return 0, nil, nil, err
	}
	resp, err := s.cfg.Upstream.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err == nil && len(body) > maxReply {
		err = fmt.Errorf("the answer of %s is larger than %d bytes", host, maxReply)
	}
	return resp.StatusCode, resp.Header, body, err
}

func upstreamURL(host, path string) string {
	return "https://" + net.JoinHostPort(host, ssoPort) + path
}

// localPath is a cluster's authorization service for a client with a password.
const localPath = "/ssosp/oauth/authorize"

// authorizeAt has the user's home cluster give what the client asked for: for a
// user whom an identity provider vouched for, on core's own certificate.
func (s *SSO) authorizeAt(w http.ResponseWriter, r *http.Request, c Client, a ask, user string, plan SSOPlan) {
	q, path := url.Values{}, plan.Path
	for k, v := range a.query {
		q[k] = v
	}
	whose := user
	if a.basic != "" {
		path, whose = localPath, a.user
	} else {
		q.Set("user_id", user)
	}
	nodes, err := s.cfg.Home(r.Context(), c.Deployment, whose)
	if err != nil {
		s.deny(w, c, "authorize_proxy", errUpstream, err)
		return
	}
	status, h, body, _, err := s.ask(r.Context(), nodes, func(host string) (*http.Request, error) {
		req, err := http.NewRequest(http.MethodGet, upstreamURL(host, path)+"?"+q.Encode(), nil)
		if err == nil && a.basic != "" {
			req.Header.Set("Authorization", a.basic)
		}
		return req, err
	})
	if err != nil {
		s.noGuess(c, a, false)
		s.deny(w, c, "authorize_proxy", errUpstream, err)
		return
	}
	given, err := readGrant(status, h, body)
	if err != nil {
		if status == http.StatusUnauthorized {
			s.deny(w, c, "authorize_proxy", &denial{http.StatusUnauthorized, "User name or password is wrong", "home cluster"}, err)
			return
		}
		s.deny(w, c, "authorize_proxy", &denial{http.StatusForbidden, "Call control does not let the user in", "home cluster"}, err)
		return
	}
	s.noGuess(c, a, true)
	s.hand(w, r, c, a, whose, given)
}

// granted are the names that a cluster's grant may have and a client may see.
var granted = []string{"access_token", "token_type", "expires_in", "code", "scope", "state", "error", "error_description"}

// readGrant reads a token or a code from an answer: in the address of a
// redirect, or as JSON.
func readGrant(status int, h http.Header, body []byte) (url.Values, error) {
	out := url.Values{}
	switch {
	case status == http.StatusFound || status == http.StatusSeeOther:
		u, err := url.Parse(h.Get("Location"))
		if err != nil {
			return nil, err
		}
		fragment, err := url.ParseQuery(u.Fragment)
		if err != nil {
			return nil, err
		}
		for _, name := range granted {
			if v := fragment.Get(name); v != "" {
				out.Set(name, v)
			} else if v := u.Query().Get(name); v != "" {
				out.Set(name, v)
			}
		}
	case status == http.StatusOK:
		var all map[string]any
		if json.Unmarshal(body, &all) != nil {
			return nil, errors.New("call control answers with neither a redirect nor JSON")
		}
		for _, name := range granted {
			switch v := all[name].(type) {
			case string:
				out.Set(name, v)
			case float64:
				out.Set(name, strconv.FormatInt(int64(v), 10))
			}
		}
	default:
		return nil, fmt.Errorf("call control answers %d", status)
	}
	if out.Get("code") == "" && out.Get("access_token") == "" {
		return nil, fmt.Errorf("call control gives neither a code nor a token: %.80q", out.Get("error"))
	}
	return out, nil
}

// opaqueLife is how long a token holds of which the cluster does not say.
const opaqueLife = time.Hour

// hand sends the client where it wants to go, with what it was given.
func (s *SSO) hand(w http.ResponseWriter, r *http.Request, c Client, a ask, user string, given url.Values) {
	if state := a.query.Get("state"); state != "" {
		given.Set("state", state)
	}
	if a.kind == "code" {
		given.Del("access_token")
		given.Del("expires_in")
		back, err := url.Parse(a.back)
		if err != nil || given.Get("code") == "" {
			s.deny(w, c, "authorize_proxy", errUpstream, errors.New("call control gives no code"))
			return
		}
		q := back.Query()
		for k, v := range given {
			q[k] = v
		}
		back.RawQuery = q.Encode()
		redirect(w, r, back.String())
		return
	}
	token := given.Get("access_token")
	if token == "" {
		s.deny(w, c, "authorize_proxy", errUpstream, errors.New("call control gives no token"))
		return
	}
	life := opaqueLife
	if n, err := strconv.Atoi(given.Get("expires_in")); err == nil && n > 0 && n <= 86400 {
		life = time.Duration(n) * time.Second
	}
	if err := s.issue(token, user, c.Deployment, life); err != nil {
		s.deny(w, c, "authorize_proxy", errFull, err)
		return
	}
	given.Del("code")
	given.Del("access_token")
	redirect(w, r, a.back+"#access_token="+url.QueryEscape(token)+"&"+given.Encode()) // first, as clients expect it
}

// tokenPaths are where token endpoints have been met.
var tokenPaths = []string{"/ssosp/oauth/access_token", "/ssosp/oauth/token", "/ssosp/token"}

// maxExchanged bounds the nodes that are asked about one code or token.
const maxExchanged = 32

var errGrant = &denial{http.StatusBadRequest, "Only codes and refresh tokens are exchanged here", "grant_type"}

// exchanges tells whether a request wants no more than to exchange what was
// given before: a cluster's endpoint may know grants by password too, which would
// be a way to guess. It says so once, in the query, or in a form or JSON.
func exchanges(r *http.Request, body []byte) bool {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return false
	}
	said := query["grant_type"]
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		more, err := grants(body)
		if err != nil {
			return false
		}
		said = append(said, more...)
	default:
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return false
		}
		said = append(said, form["grant_type"]...)
	}
	return len(said) == 1 && (said[0] == "authorization_code" || said[0] == "refresh_token")
}

// grants are the values of all members grant_type of a JSON object, in any
// spelling: who reads it next may take another of them than we would.
func grants(body []byte) (said []string, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("no JSON object")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		if text, _ := v.(string); strings.EqualFold(name.(string), "grant_type") {
			said = append(said, text)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON object")
	}
	return said, nil
}

// AccessToken takes a code or a refresh token to the token endpoint of the
// cluster that knows it, and the answer back, as they are: form, JSON and query
// pass alike.
func (s *SSO) AccessToken(w http.ResponseWriter, r *http.Request, c Client) {
	no := (*denial)(nil)
	switch plan := s.current(); {
	case r.Method != http.MethodPost:
		no = errMethod
	case !plan.Local && !plan.Code:
		no = &denial{http.StatusForbidden, "This way to sign in is off", "CollaborationEdge OauthSso, OauthLocal"}
	case len(r.URL.RawQuery) > maxAsk:
		no = &denial{http.StatusBadRequest, "Query is too long", "limits"}
	case !s.welcome(c.Source):
		no = errOften
	}
	if no != nil {
		s.deny(w, c, "access_token", no, nil)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		s.deny(w, c, "access_token", &denial{http.StatusRequestEntityTooLarge, "Request is too large", "limits"}, err)
		return
	}
	if !exchanges(r, body) {
		s.deny(w, c, "access_token", errGrant, nil)
		return
	}
	s.count("TokenRequests")
	nodes, err := s.cfg.Home(r.Context(), c.Deployment, "")
	if err != nil {
		s.deny(w, c, "access_token", errUpstream, err)
		return
	}
	status, h, answer, err := s.exchange(r, body, nodes)
	if err != nil {
		s.deny(w, c, "access_token", errUpstream, err)
		return
	}
	for _, name := range []string{"Content-Type", "WWW-Authenticate"} {
		if v := h.Get(name); v != "" {
			w.Header().Set(name, v)
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

// exchange asks node after node: the first that takes the code or token counts,
// else the first that refuses it. Nodes of another cluster refuse what is not
// theirs, and some have no token endpoint at all.
func (s *SSO) exchange(r *http.Request, body []byte, nodes []string) (status int, h http.Header, answer []byte, err error) {
	err = errors.New("no node of any cluster answers")
	for _, host := range nodes[:min(len(nodes), maxExchanged)] {
		st, hd, b, e := s.exchangeAt(r, body, host)
		if e != nil || st >= 500 {
			continue
		}
		if st < 300 {
			return st, hd, b, nil
		}
		if err != nil || absent(status) && !absent(st) {
			status, h, answer, err = st, hd, b, nil
		}
	}
	return status, h, answer, err
}

// absent tells that nothing is at a path.
func absent(status int) bool {
	return status == http.StatusNotFound || status == http.StatusMethodNotAllowed
}

// exchangeAt finds the token endpoint of a node by asking.
func (s *SSO) exchangeAt(r *http.Request, body []byte, host string) (status int, h http.Header, answer []byte, err error) {
	for _, path := range s.pathsOf(host) {
		status, h, answer, err = s.askOne(r.Context(), host, func(host string) (*http.Request, error) {
			u := upstreamURL(host, path)
			if r.URL.RawQuery != "" {
				u += "?" + r.URL.RawQuery
			}
			req, err := http.NewRequest(http.MethodPost, u, strings.NewReader(string(body)))
			if err == nil {
				for _, name := range []string{"Content-Type", "Accept", "Authorization"} {
					if v := r.Header.Get(name); v != "" {
						req.Header.Set(name, v)
					}
				}
			}
			return req, err
		})
		if err != nil || !absent(status) {
			if err == nil && status < 500 { // a server that is about to stop or to start tells nothing
				s.learnPath(host, path)
			}
			return status, h, answer, err
		}
	}
	return status, h, answer, err
}

// pathsOf lists where a node's token endpoint may be: where it was met last
// first, since an upgrade may move it.
func (s *SSO) pathsOf(host string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plan.Token != "" {
		return []string{s.plan.Token}
	}
	known := s.paths[host]
	if known == "" {
		return tokenPaths
	}
	others := slices.DeleteFunc(slices.Clone(tokenPaths), func(p string) bool { return p == known })
	return append([]string{known}, others...)
}

// ForgetPaths has token endpoints looked for anew, as after a refresh of the
// servers.
func (s *SSO) ForgetPaths() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.paths)
}

func (s *SSO) learnPath(host, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.paths) > 1000 {
		clear(s.paths)
	}
	s.paths[host] = path
}

package auth

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Grants keeps the access tokens that core shows to trunks. Its methods may be
// called from any goroutine.
type Grants struct {
	cfg TrunksConfig
	of  atomic.Pointer[map[string]*grant] // by zone; replaced whole
}

// TrunksConfig is what Grants and Admits need of their node.
type TrunksConfig struct {
	Clock    func() time.Time
	TLS      func(host string) *tls.Config
	Resolver *net.Resolver
	Trouble  func(zone string, broken bool, why string) // keeps the alarm
}

// grant is one trunk's token.
type grant struct {
	Grant
	client *http.Client
	slot   chan struct{} // one asks the endpoint at a time

	mu      sync.Mutex // guards all below
	asked   bool       // a peer has asked for a token
	token   string
	renew   time.Time
	retry   time.Time // after a failure
	failure error
}

const (
	grantTime  = 10 * time.Second
	grantPause = 5 * time.Second // between failed attempts
)

// NewGrants returns Grants without any.
func NewGrants(cfg TrunksConfig) *Grants {
	g := &Grants{cfg: cfg}
	g.of.Store(&map[string]*grant{})
	return g
}

// Apply makes the grants those of a plan; what did not change keeps its token.
// One call at a time.
func (g *Grants) Apply(plan []Grant) {
	old, now := *g.of.Load(), map[string]*grant{}
	for _, p := range plan {
		key := strings.ToLower(p.Zone)
		if was := old[key]; was != nil && was.Grant == p {
			now[key] = was
			continue
		}
		now[key] = g.newGrant(p)
	}
	g.of.Store(&now)
	for key, was := range old {
		if now[key] != was {
			was.client.CloseIdleConnections()
			g.cfg.Trouble(was.Zone, false, "")
		}
	}
}

func (g *Grants) newGrant(p Grant) *grant {
	return &grant{Grant: p, slot: make(chan struct{}, 1), client: tokenClient(p.Endpoint, g.cfg.Resolver, g.cfg.TLS)}
}

// tokenClient asks an authorization server. It follows nobody elsewhere.
func tokenClient(at string, names *net.Resolver, conf func(host string) *tls.Config) *http.Client {
	host := ""
	if u, err := url.Parse(at); err == nil {
		host = u.Hostname()
	}
	dial := net.Dialer{Timeout: 5 * time.Second, Resolver: names}
	t := &http.Transport{DialContext: dial.DialContext, TLSClientConfig: conf(host), TLSHandshakeTimeout: 5 * time.Second,
		MaxResponseHeaderBytes: maxReply, IdleConnTimeout: time.Second}
	return &http.Client{Transport: t, Timeout: grantTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (g *Grants) find(zone string) *grant {
	all := *g.of.Load()
	if len(all) == 0 {
		return nil
	}
	return all[strings.ToLower(zone)]
}

// Has tells whether a zone has a token endpoint; nil Grants have none.
func (g *Grants) Has(zone string) bool { return g != nil && g.find(zone) != nil }

// Held is the token that a request to a zone bears. asks tells whether the zone
// has one at all and has asked for it; token is "" until Token has brought one.
func (g *Grants) Held(zone string) (token string, asks bool) {
	is := g.find(zone)
	if is == nil {
		return "", false
	}
	is.mu.Lock()
	defer is.mu.Unlock()
	if g.cfg.Clock().After(is.renew) {
		return "", is.asked
	}
	return is.token, is.asked
}

// Asked notes that a peer of a zone asked for a token, in spite of the one that
// it was shown, "" for none.
func (g *Grants) Asked(zone, shown string) {
	is := g.find(zone)
	if is == nil {
		return
	}
	is.mu.Lock()
	defer is.mu.Unlock()
	is.asked = true
	if is.token == shown {
		is.token = ""
	}
}

// Token brings a zone's token, a new one if there is none that lasts. It blocks
// while the endpoint is asked.
func (g *Grants) Token(ctx context.Context, zone string) (string, error) {
	is := g.find(zone)
	if is == nil {
		return "", fmt.Errorf("zone %s has no token endpoint", zone)
	}
	select {
	case is.slot <- struct{}{}:
		defer func() { <-is.slot }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if token, _ := g.Held(zone); token != "" {
		return token, nil // somebody else brought it
	}
	now := g.cfg.Clock()
	is.mu.Lock()
	failure, early := is.failure, now.Before(is.retry)
	is.mu.Unlock()
	if early {
		return "", failure
	}
	token, life, err := is.fetch(ctx)
	is.mu.Lock()
	is.token, is.failure, is.retry, is.renew = token, err, time.Time{}, now.Add(life)
	if err != nil {
		is.retry = now.Add(grantPause)
	}
	is.mu.Unlock()
	if err != nil {
		g.cfg.Trouble(is.Zone, true, err.Error())
	}
	return token, err
}

// Refused keeps the alarm of a zone whose peer does not take a fresh token;
// Taken lowers it.
func (g *Grants) Refused(zone string) { g.cfg.Trouble(zone, true, "its peer refuses a fresh token") }

// Taken tells that a zone's peer took a token.
func (g *Grants) Taken(zone string) { g.cfg.Trouble(zone, false, "") }

// fetch asks the endpoint. The error holds nothing of the secret.
func (is *grant) fetch(ctx context.Context) (token string, life time.Duration, err error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if is.Scope != "" {
		form.Set("scope", is.Scope)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, is.Endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, errors.New("the token endpoint is no URL")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(url.QueryEscape(is.Client), url.QueryEscape(is.Password))
	resp, err := is.client.Do(req)
	if err != nil {
		return "", 0, fmt.Errorf("token endpoint: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return "", 0, fmt.Errorf("token endpoint: %w", err)
	}
	return readTokenAnswer(resp.StatusCode, body)
}

// readTokenAnswer reads an endpoint's answer (RFC 6749 5.1, 5.2).
func readTokenAnswer(status int, body []byte) (token string, life time.Duration, err error) {
	var a struct {
		Token string `json:"access_token"`
		Type  string `json:"token_type"`
		Life  int64  `json:"expires_in"`
		Error string `json:"error"`
	}
	err = json.Unmarshal(body, &a)
	switch {
	case status != http.StatusOK && a.Error != "":
		return "", 0, fmt.Errorf("token endpoint answers %d %.64q", status, a.Error)
	case status != http.StatusOK:
		return "", 0, fmt.Errorf("token endpoint answers %d", status)
	case err != nil || !plainToken(a.Token) || a.Type != "" && !strings.EqualFold(a.Type, "Bearer"):
		return "", 0, errors.New("token endpoint answers with no bearer token")
	}
	life = time.Hour
	if a.Life > 0 {
		life = time.Duration(min(a.Life, 7*24*3600)) * time.Second
	}
	return a.Token, life - min(life/10, time.Minute), nil
}

// plainToken tells whether a token can stand in a header (RFC 6750 2.1).
func plainToken(s string) bool {
	if s == "" || len(s) > maxToken {
		return false
	}
	for _, c := range []byte(s) {
		alnum := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !alnum && strings.IndexByte("-._~+/=", c) < 0 {
			return false
		}
	}
	return true
}

package lab

import (
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// SSOSP is the authorization service of a world's home cluster, on each of its
// nodes: it gives codes and tokens for users whom core vouches for, or who show
// their password, and takes codes and refresh tokens back.
type SSOSP struct {
	cluster *Cluster
	tokens  *TokenIssuer
	roots   *x509.CertPool

	mu    sync.Mutex
	codes map[string]string // code to user, each good once
	renew map[string]string // refresh token to user
	forms SSOForms
}

// SSOForms are what is not known of the real service, each with what it is
// here until a test says otherwise.
type SSOForms struct {
	Authorize string // path where core vouches for users
	Token     string // path of the token endpoint
	JSON      bool   // codes and tokens come as JSON, not in the address of a redirect
}

// Set changes the forms.
func (s *SSOSP) Set(change func(*SSOForms)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.forms)
}

func (s *SSOSP) is() SSOForms {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forms
}

// ServeHTTP answers at the paths of the forms, and nowhere else.
func (s *SSOSP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch f := s.is(); {
	case r.URL.Path == f.Authorize:
		s.proxy(w, r)
	case r.URL.Path == "/ssosp/oauth/authorize":
		s.local(w, r)
	case r.URL.Path == f.Token && r.Method == http.MethodPost:
		s.token(w, r)
	default:
		http.NotFound(w, r)
	}
}

func newSSOSP(w *World, c *Cluster) *SSOSP {
	s := &SSOSP{cluster: c, tokens: w.Tokens, codes: map[string]string{}, renew: map[string]string{}, roots: x509.NewCertPool(),
		forms: SSOForms{Authorize: "/ssosp/oauth/authorize_proxy", Token: "/ssosp/oauth/token"}}
	s.roots.AppendCertsFromPEM(w.CA)
	for _, n := range c.Nodes {
		h := w.Host(n.Addr)
		h.Handle("/ssosp/oauth/", s)
		h.Handle("/ssosp/token", s)
	}
	return s
}

// proxy trusts whoever shows a certificate of the world's authority, as call
// control trusts core's.
func (s *SSOSP) proxy(w http.ResponseWriter, r *http.Request) {
	trusted := false
	for _, c := range r.TLS.PeerCertificates[:min(1, len(r.TLS.PeerCertificates))] {
		_, err := c.Verify(x509.VerifyOptions{Roots: s.roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		trusted = err == nil
	}
	if !trusted {
		http.Error(w, "no certificate", http.StatusForbidden)
		return
	}
	s.grant(w, r, r.URL.Query().Get("user_id"))
}

func (s *SSOSP) local(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	if u, known := s.cluster.User(user); !known || u.Password != password {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.grant(w, r, user)
}

func (s *SSOSP) grant(w http.ResponseWriter, r *http.Request, user string) {
	q := r.URL.Query()
	if _, known := s.cluster.User(user); !known || q.Get("client_id") == "" {
		http.Error(w, `{"error":"INVALID_REQUEST"}`, http.StatusBadRequest)
		return
	}
	back, asJSON := q.Get("redirect_uri"), s.is().JSON
	if q.Get("response_type") == "token" {
		token := randomHex(32)
		s.tokens.owners.Store(token, user)
		if asJSON {
			_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600})
			return
		}
		w.Header().Set("Location", back+"#access_token="+token+"&token_type=Bearer&expires_in=3600")
	} else {
		code := randomHex(16)
		s.mu.Lock()
		s.codes[code] = user
		s.mu.Unlock()
		if asJSON {
			_ = json.NewEncoder(w).Encode(map[string]any{"code": code})
			return
		}
		w.Header().Set("Location", back+"?"+url.Values{"code": {code}}.Encode())
	}
	w.WriteHeader(http.StatusFound)
}

func (s *SSOSP) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user := s.codes[r.FormValue("code")]
	delete(s.codes, r.FormValue("code"))
	if r.FormValue("grant_type") == "refresh_token" {
		user = s.renew[r.FormValue("refresh_token")]
	}
	w.Header().Set("Content-Type", "application/json")
	if user == "" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"INVALID_GRANT"}`))
		return
	}
	refresh := s.tokens.Refresh(user)
	s.renew[refresh] = user
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": s.tokens.Access(user, time.Hour), "refresh_token": refresh, "token_type": "Bearer",
		"expires_in": 3600, "refresh_token_expires_in": 5184000,
	})
}

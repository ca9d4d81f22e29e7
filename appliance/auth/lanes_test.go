package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"sallyport/appliance/door"
	"sallyport/appliance/state"
)

// strangers is single sign-on without anything behind it, for whoever has not
// signed in; asked counts the requests that would go inside.
func strangers(t *testing.T, mayTry func(int, string, string) (time.Duration, bool)) (s *SSO, asked *int) {
	t.Helper()
	store, err := state.Open("", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	asked = new(int)
	s = NewSSO(SSOConfig{
		Log: slog.New(slog.DiscardHandler), Clock: time.Now, Tokens: store.Table("ssotokens", 10), MayTry: mayTry,
		Home: func(context.Context, int, string) ([]string, error) {
			*asked++
			return nil, errors.New("nobody is at home")
		},
	})
	s.Apply(SSOPlan{Local: true, Path: "/x"})
	return s, asked
}

func visitWith(s *SSO, source, password string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/authorize?response_type=code", nil)
	r.SetBasicAuth("alice", password)
	w := httptest.NewRecorder()
	s.Authorize(w, r, Client{Domain: "example.com", Deployment: 1, Source: source, URL: func(lane string) string { return "https://edge.example.com/" + lane }})
	return w
}

// TestAuthorizeIsNoWayToGuess: a password that is tried for a code counts like
// one that is tried for a login.
func TestAuthorizeIsNoWayToGuess(t *testing.T) {
	s, asked := strangers(t, func(deployment int, user, source string) (time.Duration, bool) {
		if deployment != 1 || user != "alice" || source != "192.0.2.1" {
			t.Errorf("counted for %s of %d from %s", user, deployment, source)
		}
		return 90 * time.Second, false
	})
	w := visitWith(s, "192.0.2.1", "guess")
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "90" || *asked != 0 {
		t.Errorf("%d, Retry-After %q, asked inside %d times", w.Code, w.Header().Get("Retry-After"), *asked)
	}
}

// TestVisitsOfANetwork: whoever owns an IPv6 network is one source, and however
// many sources come, nobody else is turned away.
func TestVisitsOfANetwork(t *testing.T) {
	s, _ := strangers(t, nil)
	a := netip.MustParseAddr("2001:db8::1")
	for range maxVisits {
		if !s.welcome(a.String()) {
			t.Fatalf("%s comes too often", a)
		}
		a = a.Next()
	}
	if s.welcome(a.String()) {
		t.Error("another address of the same network is a source of its own")
	}
	a = netip.MustParseAddr("198.18.0.0")
	for range 60_000 {
		if !s.welcome(a.String()) {
			t.Fatalf("%s is turned away, which has never been here", a)
		}
		a = a.Next()
	}
}

// TestSignaturesAreBounded: however many strangers come, each little, what core
// signs for all of them is bounded; who signed in before goes on.
func TestSignaturesAreBounded(t *testing.T) {
	s, _ := strangers(t, nil)
	signed := 0
	s.cfg.Key = func() (SPKey, error) { signed++; return SPKey{}, errors.New("not now") }
	s.Apply(SSOPlan{On: true, Code: true, Path: "/x", Domains: map[string]IdP{"example.com": {}}})
	ask := func(source string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.Authorize(w, httptest.NewRequest("GET", "/authorize?response_type=code", nil),
			Client{Domain: "example.com", Deployment: 1, Source: source, URL: func(lane string) string { return "https://edge.example.com/" + lane }})
		return w
	}
	a := netip.MustParseAddr("192.0.2.1")
	s.known.Take(door.Named("203.0.113.9"), 1, knownTime)
	for range maxSigned {
		ask(a.String())
		a = a.Next()
	}
	if signed != maxSigned {
		t.Fatalf("%d signatures for %d visits: the visits are refused otherwise", signed, maxSigned)
	}
	if w := ask(a.String()); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || signed != maxSigned {
		t.Errorf("%d, Retry-After %q, %d signatures: %s", w.Code, w.Header().Get("Retry-After"), signed, w.Body)
	}
	if ask("203.0.113.9"); signed != maxSigned+1 {
		t.Error("who signed in before is kept out")
	}
}

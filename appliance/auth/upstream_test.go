package auth

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// TestOnlyExchanges: the token endpoint of a cluster may know grants that are
// ways to guess passwords; those never reach it.
func TestOnlyExchanges(t *testing.T) {
	const form, json = "application/x-www-form-urlencoded", "application/json"
	for _, c := range []struct {
		query, kind, body string
		want              bool
	}{
		{"", form, "grant_type=authorization_code&code=x", true}, {"", form, "grant_type=refresh_token&refresh_token=x", true},
		{"grant_type=refresh_token&refresh_token=x", "", "", true}, {"", json + "; charset=utf-8", `{"grant_type":"refresh_token"}`, true},
		{"", form, "grant_type=password&username=alice&password=guess", false}, {"grant_type=password", form, "grant_type=refresh_token", false},
		{"", form, "grant_type=refresh_token&grant_type=password", false}, {"", form, "grant%5ftype=password&username=alice", false},
		{"", json, `{"grant_type":"refresh_token","grant_Type":"password"}`, false}, {"", json, `{"grant_type":["password"]}`, false}, {"", json, `{"grant_type":"password","gr\u0061nt_type":"refresh_token"}`, false},
		{"", json, `{"grant_type":"refresh_token"}{"grant_type":"password"}`, false},
		{"", json, `grant_type=refresh_token`, false}, {"", form, `{"grant_type":"password"}`, false},
		{"", form, "code=x", false}, {"", form, "grant_type=client_credentials", false}, {"a=%zz", form, "grant_type=refresh_token", false},
	} {
		r := httptest.NewRequest(http.MethodPost, "/access_token?"+c.query, strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.kind)
		if got := exchanges(r, []byte(c.body)); got != c.want {
			t.Errorf("%q %s %s: %v", c.query, c.kind, c.body, got)
		}
	}
	s, asked := strangers(t, nil)
	r := httptest.NewRequest(http.MethodPost, "/access_token", strings.NewReader("grant_type=password&username=alice&password=guess"))
	r.Header.Set("Content-Type", form)
	w := httptest.NewRecorder()
	s.AccessToken(w, r, Client{Source: "192.0.2.1"})
	if w.Code != http.StatusBadRequest || *asked != 0 {
		t.Errorf("%d, asked inside %d times", w.Code, *asked)
	}
}

// upstreamFunc answers in the place of clusters.
type upstreamFunc func(*http.Request) int

func (f upstreamFunc) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: f(r), Header: http.Header{}, Body: http.NoBody}, nil
}

// TestTokenPath: a token endpoint is asked where it was met last, found again
// when an upgrade moves it, not taken from a server that is in trouble, and
// looked for anew after a refresh.
func TestTokenPath(t *testing.T) {
	s, _ := strangers(t, nil)
	s.cfg.Home = func(context.Context, int, string) ([]string, error) { return []string{"cucm1"}, nil }
	at, trouble := "/ssosp/token", ""
	var asked []string
	s.cfg.Upstream = upstreamFunc(func(r *http.Request) int {
		asked = append(asked, r.URL.Path)
		switch r.URL.Path {
		case trouble:
			return http.StatusServiceUnavailable
		case at:
			return http.StatusOK
		}
		return http.StatusNotFound
	})
	exchange := func(why string, status int, want ...string) {
		t.Helper()
		asked = nil
		r := httptest.NewRequest(http.MethodPost, "/access_token", strings.NewReader("grant_type=refresh_token&refresh_token=x"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.AccessToken(w, r, Client{Source: "192.0.2.1"})
		if w.Code != status || !slices.Equal(asked, want) {
			t.Errorf("%s: %d after %v, want %d after %v", why, w.Code, asked, status, want)
		}
	}
	exchange("first", 200, tokenPaths...)
	exchange("learnt", 200, at)
	at = "/ssosp/oauth/access_token"
	exchange("moved", 200, "/ssosp/token", at)
	exchange("learnt again", 200, at)
	at = "/ssosp/oauth/token"
	s.ForgetPaths()
	exchange("refreshed", 200, tokenPaths[:2]...)
	s.ForgetPaths()
	trouble = tokenPaths[0]
	exchange("in trouble", 502, tokenPaths[0])
	trouble = ""
	exchange("out of it", 200, tokenPaths[:2]...)
}

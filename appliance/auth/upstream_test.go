package auth

import (
	"net/http"
	"net/http/httptest"
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

package httpproxy

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"sallyport/appliance/allow"
)

// TestAdmit: which requests a login lets in, and why others are refused.
func TestAdmit(t *testing.T) {
	h := newHand()
	s := NewServer(ServerConfig{Log: slog.New(slog.DiscardHandler), Clock: h.clock, State: h.store()})
	err := s.Apply(Plan{
		Domains: map[string]string{"example.com": "1", "sales.example.com": "1", "other.example.com": "2", "plain.example.com": "3"},
		Names:   map[string]string{"1": "Main", "2": "Other", "3": "Plain"},
		Login: Login{
			Domains: map[string]bool{"example.com": true, "sales.example.com": true, "other.example.com": true},
			Life:    time.Hour,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	alice := h.login("alice")
	alice.Domain = "example.com"
	cookie, err := s.sessions.begin(alice, "secret", 0, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	later := h.login("alice")
	later.Begun = h.now.Add(-time.Hour)
	over, err := s.sessions.begin(later, "secret", 0, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, domain, path, user, password, cookie string
		want                                       int
	}{
		{"her own", "example.com", "/cucm-uds/user/alice", "Alice", "secret", cookie, 0},
		{"another domain of her deployment", "sales.example.com", "/x", "alice", "secret", cookie, 0},
		{"another deployment", "other.example.com", "/x", "alice", "secret", cookie, 403},
		{"a domain without logins", "plain.example.com", "/x", "", "", "", 0},
		{"somebody else's record", "example.com", "/cucm-uds/user/bob", "alice", "secret", cookie, 403},
		{"no cookie", "example.com", "/x", "alice", "secret", "", 401},
		{"a cookie that nobody made", "example.com", "/x", "alice", "secret", newCookie(0, func([]byte) {}), 401},
		{"a login that is over", "example.com", "/x", "alice", "secret", over, 401},
		{"no credentials", "example.com", "/x", "", "", cookie, 401},
		{"another password", "example.com", "/x", "alice", "Secret", cookie, 401},
		{"another user", "example.com", "/x", "bob", "secret", cookie, 401},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if c.user != "" {
			r.SetBasicAuth(c.user, c.password)
		}
		r.AddCookie(&http.Cookie{Name: cookieName, Value: c.cookie})
		l := s.live.Load()
		p := &pass{target: allow.Target{Domain: c.domain, Scheme: "https", Path: c.path}, deploy: l.Domains[c.domain]}
		got := 0
		if no := s.admit(l, p, r); no != nil {
			got = no.status
		}
		if got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	for domain, want := range map[string]Ticket{
		"example.com":       {Needed: true, User: "alice", Expires: h.now.Add(time.Hour)},
		"other.example.com": {Needed: true},
		"plain.example.com": {},
	} {
		if got := s.Ticket(domain, cookie); got != want {
			t.Errorf("%s: ticket %+v, want %+v", domain, got, want)
		}
	}
	if _, ok := s.ChatHome("example.com", "alice@example.com"); !ok {
		t.Error("alice may not chat")
	}
	for _, who := range []string{"bob@example.com", "", "alice@other.example.com"} {
		domain := "example.com"
		if who == "alice@other.example.com" {
			domain = "other.example.com"
		}
		if _, ok := s.ChatHome(domain, who); ok {
			t.Errorf("%q may chat", who)
		}
	}
}

package httpproxy

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"sallyport/appliance/allow"
)

// TestRequestsGoToTheCoreThatKnows: the cookie names the core, and each core of
// a zone has streams of its own.
func TestRequestsGoToTheCoreThatKnows(t *testing.T) {
	var opened struct {
		zone string
		core uint64
	}
	g := NewGate(GateConfig{
		Zone: func(string) string { return "Core éù" },
		Core: func(_ string, want uint64, _ string) uint64 { return max(want, 1) },
		Open: func(_ context.Context, zone string, core uint64) (net.Conn, error) {
			opened.zone, opened.core = zone, core
			return nil, errors.New("far enough")
		},
	})
	for cookie, want := range map[string]uint64{
		"": 1, newCookie(1<<63+5, func([]byte) {}): 1<<63 + 5, "short": 1,
	} {
		r := httptest.NewRequest("GET", allow.Target{Domain: "example.com"}.Prefix()+"/x", nil)
		r.AddCookie(&http.Cookie{Name: cookieName, Value: cookie})
		v := &visit{target: allow.Target{Domain: "example.com"}}
		g.place(r, v)
		g.open(t.Context(), "tcp", poolOf(v.zone, v.core)+":80")
		if opened.core != want || opened.zone != "Core éù" {
			t.Errorf("cookie %q leads to %x of %s, want %x", cookie, opened.core, opened.zone, want)
		}
	}
}

// TestGateTurnsStrangersAway: what no live login lets in is answered at edge,
// and core is asked about a cookie once.
func TestGateTurnsStrangersAway(t *testing.T) {
	h := newHand()
	live, dead := newCookie(1, func(b []byte) { b[0] = 1 }), newCookie(1, func(b []byte) { b[0] = 2 })
	asked := 0
	down := false
	g := NewGate(GateConfig{Log: slog.New(slog.DiscardHandler), Clock: h.clock, Ticket: func(_ context.Context, _ string, _ uint64, domain, cookie string) (Ticket, error) {
		asked++
		switch {
		case down:
			return Ticket{}, errors.New("no link")
		case domain != "example.com":
			return Ticket{}, nil
		case cookie == live:
			return Ticket{Needed: true, User: "alice", Expires: h.now.Add(time.Hour)}, nil
		}
		return Ticket{Needed: true}, nil
	}})
	for _, c := range []struct {
		domain, scheme string
		cookies        []string
		status, asked  int
		user           string
	}{
		{"example.com", "https", nil, 401, 1, ""},
		{"example.com", "https", []string{dead}, 401, 1, ""},
		{"example.com", "https", []string{"rubbish"}, 401, 1, ""},
		{"example.com", "https", []string{live}, 0, 1, "alice"},
		{"example.com", "https", []string{live}, 0, 0, "alice"},
		{"example.com", "https", []string{dead, live}, 0, 1, "alice"},
		{"example.org", "https", nil, 0, 1, ""},
		{"example.org", "https", nil, 0, 0, ""},
		{"example.org", "https", []string{live}, 0, 0, ""}, // an invented cookie costs nothing where none is needed
		{"example.org", "https", []string{dead}, 0, 0, ""},
		{"example.com", "", nil, 0, 0, ""}, // signing in needs no login
	} {
		asked = 0
		r := httptest.NewRequest("GET", allow.Target{Domain: c.domain, Scheme: c.scheme, Host: "10.0.0.1", Port: 8443}.Prefix()+"/x", nil)
		for _, cookie := range c.cookies {
			r.AddCookie(&http.Cookie{Name: cookieName, Value: cookie})
		}
		v := visitTo(r)
		status := 0
		if no := g.checkLogin(r, v); no != nil {
			status = no.status
		}
		if status != c.status || asked != c.asked || v.user != c.user {
			t.Errorf("%+v: status %d, core asked %d times, user %q", c, status, asked, v.user)
		}
	}
	down = true
	h.pass(ticketLife)
	r := httptest.NewRequest("GET", allow.Target{Domain: "example.com", Scheme: "https", Host: "10.0.0.1", Port: 8443}.Prefix()+"/x", nil)
	if no := g.checkLogin(r, visitTo(r)); no != nil {
		t.Errorf("where core cannot be asked, it is core's to say, not %+v", no)
	}
}

func visitTo(r *http.Request) *visit {
	v := &visit{}
	v.target, v.bad = allow.ParseTarget(r.URL.EscapedPath())
	return v
}

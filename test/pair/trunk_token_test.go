package pair

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/appliance/trust"
	"sallyport/test/lab"
)

// TestTrunkToken calls over a trunk that asks for an access token:
//
//	room ── UDP ──▶ core ── TLS, Bearer ──▶ far ──▶ desk
//	                  └── client credentials ──▶ token endpoint
//
// Core gets one when it is first asked, shows it from then on, gets another when
// it is refused or has run out, and says by an alarm that it cannot.
func TestTrunkToken(t *testing.T) {
	s := open(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	far := s.tokenTrunk(ctx)
	p := s.pair
	lines := append(p.TrunkLines(),
		`xConfiguration Zones Zone 22 Name: "Far"`,
		`xConfiguration Zones Zone 22 Type: Neighbor`,
		`xConfiguration Zones Zone 22 Neighbor Peer 1 Address: "`+far.at.String()+`"`,
		`xConfiguration Zones Zone 22 Neighbor SIP TLS Verify Mode: On`,
		`xConfiguration Zones Zone 22 Neighbor Monitor: No`,
		`xConfiguration Zones Policy SearchRules Rule 22 Name: "To the far end"`,
		`xConfiguration Zones Policy SearchRules Rule 22 Priority: 40`,
		`xConfiguration Zones Policy SearchRules Rule 22 Mode: AliasPatternMatch`,
		`xConfiguration Zones Policy SearchRules Rule 22 Pattern Type: Suffix`,
		`xConfiguration Zones Policy SearchRules Rule 22 Pattern String: "@far.example"`,
		`xConfiguration Zones Policy SearchRules Rule 22 Pattern Behavior: Leave`,
		`xConfiguration Zones Policy SearchRules Rule 22 Progress: Stop`,
		`xConfiguration Zones Policy SearchRules Rule 22 Target Name: "Far"`,
	)
	if err := tell(p, lines); err != nil {
		t.Fatal(err)
	}
	room, err := p.RoomPhone()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(room.Close)
	for _, step := range []func(context.Context) error{room.Start, room.Register} {
		if err := step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	fails := func(status string) {
		t.Helper()
		if _, err := room.Call(ctx, "sip:desk@far.example"); err == nil || !strings.Contains(err.Error(), status) {
			t.Errorf("%v, want %s", err, status)
		}
	}
	works := func(asked, refused int) {
		t.Helper()
		call, err := room.Call(ctx, "sip:desk@far.example")
		if err != nil {
			t.Fatalf("%v\n%s", err, s.tail(0))
		}
		other := <-far.desk.Incoming()
		if stats, err := other.AwaitMedia(ctx, lab.RoomTone, 25); err != nil {
			t.Errorf("the far end hears %s: %v", stats, err)
		}
		for _, step := range []func(context.Context) error{other.Hold, call.Hold, call.Hangup} {
			if err := step(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if a, r := far.counts(); a != asked || r != refused {
			t.Errorf("the endpoint was asked %d times and the trunk refused %d, want %d and %d", a, r, asked, refused)
		}
	}

	fails("407") // core has no way to get a token
	for _, bad := range []string{"http://" + far.endpoint, "ftp://x", "https://user@" + far.endpoint} {
		if got := s.shell(ctx, "core", `xConfiguration Zones Zone 22 Neighbor SIP OAuth TokenEndpoint: "`+bad+`"`); !strings.Contains(got, "https URL") {
			t.Errorf("%s is taken: %s", bad, got)
		}
	}
	set := func(row, value string) {
		t.Helper()
		if err := tell(p, []string{`xConfiguration Zones Zone 22 Neighbor SIP OAuth ` + row + `: "` + value + `"`}); err != nil {
			t.Fatal(err)
		}
	}
	set("ClientId", "core")
	set("ClientSecret", "wrong")
	set("TokenEndpoint", "https://"+far.endpoint+"/token")
	if got := s.shell(ctx, "core", `xConfiguration Zones Zone 22 Neighbor SIP TLS Verify Mode: Off`); !strings.Contains(got, "verified TLS only") {
		t.Errorf("a token would be shown to anybody: %s", got)
	}
	fails("503 No access token for this trunk")
	if got := s.shell(ctx, "core", "xStatus Alarm"); !strings.Contains(got, "Trunk without access token") || !strings.Contains(got, "invalid_client") {
		t.Errorf("no alarm says that the secret is wrong:\n%s", got)
	}
	far.forget()
	set("ClientSecret", tokenSecret)
	works(1, 1) // asked once
	if got := s.shell(ctx, "core", "xStatus Alarm"); strings.Contains(got, "Trunk without access token") {
		t.Errorf("the alarm stays:\n%s", got)
	}
	works(1, 1) // shown at once
	far.revoke()
	works(2, 2) // refused: another one

	far.revoke()
	far.lasts(3 * time.Second) // core shows it in that time, on a busy machine too
	call, err := room.Call(ctx, "sip:desk@far.example")
	if err != nil {
		t.Fatal(err)
	}
	other := <-far.desk.Incoming()
	if err := poll(ctx, far.expired); err != nil {
		t.Fatal(err)
	}
	for _, step := range []func(context.Context) error{other.Hold, other.Resume, call.Hold, call.Resume} {
		if err := step(ctx); err != nil {
			t.Errorf("in a call whose token has run out: %v", err)
		}
	}
	if stats, err := other.AwaitMedia(ctx, lab.RoomTone, 25); err != nil {
		t.Errorf("the far end hears %s: %v", stats, err)
	}
	if err := call.Hangup(ctx); err != nil {
		t.Error(err)
	}
	if err := poll(ctx, far.expired); err != nil {
		t.Fatal(err)
	}
	far.lasts(time.Hour)
	asked, _ := far.counts()
	works(asked+1, 3) // run out: another one, before the trunk could refuse it
	if text := s.tail(0) + s.shell(ctx, "core", "xConfiguration Zones Zone 22"); strings.Contains(text, tokenSecret) || strings.Contains(text, "trunk-token-") {
		t.Error("the secret or a token can be read")
	}
}

const tokenSecret = "a-secret-of-the-trunk"

// tokenFar is the far end of a trunk that asks for tokens, with who makes them.
type tokenFar struct {
	at       netip.Addr
	endpoint string
	desk     *lab.Phone

	mu             sync.Mutex // guards all below
	asked, refused int
	good           string
	life           time.Duration // of tokens; 0 = an hour
	until          time.Time     // that of good
}

func (f *tokenFar) counts() (asked, refused int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked, f.refused
}

func (f *tokenFar) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked, f.refused = 0, 0
}

// lasts has tokens from now on live that long.
func (f *tokenFar) lasts(life time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.life = life
}

// expired is an error as long as the present token is good.
func (f *tokenFar) expired() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Now().Before(f.until) {
		return errors.New("the token has not run out")
	}
	return nil
}

// revoke ends what was granted so far.
func (f *tokenFar) revoke() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.good = ""
}

func (f *tokenFar) likes(token string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if token != "" && token == f.good && time.Now().Before(f.until) {
		return true
	}
	f.refused++
	return false
}

// ServeHTTP is the token endpoint.
func (f *tokenFar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	id, secret, _ := r.BasicAuth()
	if r.ParseForm(); id != "core" || secret != tokenSecret || r.PostForm.Get("grant_type") != "client_credentials" {
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"error":"invalid_client"}`)
		return
	}
	f.good = "trunk-token-" + strings.Repeat("x", f.asked)
	life := cmp.Or(f.life, time.Hour)
	f.until = time.Now().Add(life)
	json.NewEncoder(w).Encode(map[string]any{"access_token": f.good, "token_type": "Bearer", "expires_in": int(life.Seconds())})
}

// tokenTrunk starts such a far end.
func (s *stage) tokenTrunk(ctx context.Context) *tokenFar {
	s.Helper()
	f := &tokenFar{at: netip.MustParseAddr(s.pair.at("2.60"))}
	cert, key, err := s.pair.ca.Issue(trust.IssueOptions{Names: []string{"far.example"}, IPs: []string{f.at.String()}, Server: true, Client: true})
	if err != nil {
		s.Fatal(err)
	}
	conf, err := lab.ServerTLS(cert, key)
	if err != nil {
		s.Fatal(err)
	}
	client, err := lab.ClientTLS(s.pair.CA, CoreName, conf)
	if err != nil {
		s.Fatal(err)
	}
	server := lab.NewRegistrar(lab.RegistrarConfig{Domain: "far.example", Accounts: map[string]string{"desk": "desk-secret"}, Path: lab.PathLazy,
		TCP: netip.AddrPortFrom(f.at, 5060), TLS: netip.AddrPortFrom(f.at, 5061), ServerTLS: conf, ClientTLS: client, CallToken: f.likes})
	s.Cleanup(server.Close)
	if err := server.Start(); err != nil {
		s.Fatal(err)
	}
	f.desk, err = lab.NewPhone(lab.PhoneConfig{User: "desk", Password: "desk-secret", Domain: "far.example", Transport: "TCP", Listen: true,
		Server: netip.AddrPortFrom(f.at, 5060), Local: netip.MustParseAddr(s.pair.at("2.61")), Tone: 990, AutoAnswer: true})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(f.desk.Close)
	for _, step := range []func(context.Context) error{f.desk.Start, f.desk.Register} {
		if err := step(ctx); err != nil {
			s.Fatal(err)
		}
	}
	ln, err := net.Listen("tcp", netip.AddrPortFrom(f.at, 8443).String())
	if err != nil {
		s.Fatal(err)
	}
	f.endpoint = ln.Addr().String()
	web := &http.Server{Handler: f, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() { defer close(done); web.Serve(tls.NewListener(ln, conf)) }()
	s.Cleanup(func() { web.Close(); <-done })
	return f
}

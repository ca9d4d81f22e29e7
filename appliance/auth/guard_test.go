package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// gateway is a guard with a vault behind it, run until the test ends.
type gateway struct {
	t *testing.T
	*Guard
	clock   *clock
	vault   *Vault
	cut     bool
	trouble string
}

func newGateway(t *testing.T) *gateway {
	d := &gateway{t: t, clock: newClock()}
	d.vault = NewVault(d.clock.tell)
	d.vault.Apply(Plan{Modes: map[string]Mode{"example.com": Delegated}, Credentials: map[string]string{"alice@example.com": "secret", "bob": "word"}})
	var err error
	d.Guard, err = NewGuard(GuardConfig{
		Log: slog.New(slog.DiscardHandler), Clock: d.clock.tell, Rand: rand.Reader,
		Ask: func(ctx context.Context, zone string, q []byte) ([]byte, error) {
			if d.cut || zone != "Core" {
				return nil, errors.New("no link")
			}
			asked, err := DecodeQuestion(q)
			if err != nil {
				return nil, err
			}
			return d.vault.Answer(ctx, asked).Encode(), nil
		},
		Trouble: func(domain string, off bool, err error) { d.trouble = fmt.Sprintf("%s %t %v", domain, off, err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Apply(GuardPlan{
		Nonce:      NonceLimits{Expire: 5 * time.Minute, Length: 60, Limit: 100, Uses: 128},
		Cache:      CacheLimits{On: true, Lifetime: 10 * time.Minute, Limit: 100},
		Algorithms: []string{SHA256, MD5}, Retries: 3, Status: 407,
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return d
}

// try sends rows of credentials for an owner.
func (d *gateway) try(owner string, rows ...string) Verdict {
	return d.attempt(Attempt{
		Domain: "example.com", Zone: "Core", Owner: owner + "@example.com", Method: "REGISTER", URI: "sip:example.com",
		From: netip.MustParseAddr("192.0.2.1"), Rows: rows,
	})
}

func (d *gateway) attempt(a Attempt) Verdict {
	got := make(chan Verdict, 1)
	d.Decide(a, func(v Verdict) { got <- v })
	select {
	case v := <-got:
		return v
	case <-time.After(10 * time.Second):
		d.t.Fatal("no verdict")
		return Verdict{}
	}
}

// nonce is that of a new challenge.
func (d *gateway) nonce() string {
	v := d.try("alice")
	if v.Status != 407 || len(v.Challenge) != 2 {
		d.t.Fatalf("%+v", v)
	}
	_, rest, _ := strings.Cut(v.Challenge[0], `nonce="`)
	nonce, _, _ := strings.Cut(rest, `"`)
	return nonce
}

func answer(algorithm, user, password, nonce string, count int) string {
	d := Digest{User: user, Realm: "example.com", Nonce: nonce, URI: "sip:example.com", Algorithm: algorithm, QOP: "auth", CNonce: "c", Count: fmt.Sprintf("%08x", count)}
	ha1 := HA1(algorithm, user, d.Realm, password)
	d.Response = hashOf(algorithm, ha1, nonce, d.Count, d.CNonce, d.QOP, hashOf(algorithm, "REGISTER", d.URI))
	return fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", algorithm=%s, qop=auth, cnonce="c", nc=%s, response="%s"`,
		d.User, d.Realm, d.Nonce, d.URI, d.Algorithm, d.Count, d.Response)
}

func TestGuard(t *testing.T) {
	d := newGateway(t)
	n := d.nonce()
	for i, algorithm := range []string{MD5, SHA256} {
		if v := d.try("alice", `Digest realm="elsewhere"`, answer(algorithm, "alice", "secret", n, i+1)); v.User != "alice" || v.Row != 1 {
			t.Errorf("%s: %+v", algorithm, v)
		}
	}
	if v := d.try("alice", answer(MD5, "alice@example.com", "secret", n, 3)); v.User != "alice" {
		t.Errorf("whole name: %+v", v)
	}
	if v := d.try("alice", answer(MD5, "alice", "secret", n, 3)); v.User != "" || !strings.Contains(v.Challenge[0], "stale=true") {
		t.Errorf("replay: %+v", v)
	}
	if asked := d.asked.Load(); asked != 3 {
		t.Errorf("core was asked %d times", asked)
	}
	d.cut = true
	if v := d.try("alice", answer(MD5, "alice", "secret", n, 4)); v.User != "alice" {
		t.Errorf("cached: %+v", v)
	}
	d.clock.pass(11 * time.Minute)
	if v := d.try("alice", answer(MD5, "alice", "secret", n, 5)); v.User != "" || !strings.Contains(v.Challenge[0], "stale=true") {
		t.Errorf("old nonce: %+v", v)
	}
	if v := d.try("alice", answer(MD5, "alice", "secret", d.nonce(), 1)); v.Status != 503 || d.trouble != "example.com false no link" {
		t.Errorf("no core: %+v, %s", v, d.trouble)
	}
	d.cut = false
	if v := d.try("alice", answer(MD5, "alice", "secret", d.nonce(), 1)); v.User != "alice" || d.trouble != "example.com false <nil>" {
		t.Errorf("core again: %+v, %s", v, d.trouble)
	}
}

func TestGuardRefuses(t *testing.T) {
	d := newGateway(t)
	n := d.nonce()
	if v := d.try("bob", answer(MD5, "alice", "secret", n, 1)); v.User != "" || v.Status != 407 {
		t.Errorf("alice for bob: %+v", v)
	}
	if v := d.try("alice", strings.Replace(answer(MD5, "alice", "secret", n, 2), `uri="sip:example.com"`, `uri="sip:example.org"`, 1)); v.Status != 400 {
		t.Errorf("another uri: %+v", v)
	}
	for i := range 3 {
		if v := d.try("carl", answer(MD5, "carl", "guess", n, 10+i)); v.Status != 407 {
			t.Errorf("guess %d: %+v", i, v)
		}
	}
	if v := d.try("carl", answer(MD5, "carl", "guess", n, 20)); v.Status != 403 || v.Wait != 60 {
		t.Errorf("too many: %+v", v)
	}
	if v := d.try("bob", answer(MD5, "bob", "word", n, 21)); v.User != "bob" {
		t.Errorf("bob is punished for carl: %+v", v)
	}
	d.clock.pass(time.Minute)
	if v := d.try("carl", answer(MD5, "carl", "guess", n, 22)); v.Status != 407 {
		t.Errorf("after a minute: %+v", v)
	}
	d.vault.Apply(Plan{})
	if v := d.try("dave", answer(MD5, "dave", "x", n, 23)); v.Status != 403 || !strings.HasPrefix(d.trouble, "example.com true") {
		t.Errorf("core is off: %+v, %s", v, d.trouble)
	}
}

// TestGuessesCountTogether: neither another address of the same network, nor
// another spelling of the name, nor guessing all at once gives more guesses.
func TestGuessesCountTogether(t *testing.T) {
	d := newGateway(t)
	n := d.nonce()
	guess := func(i int, from, owner string) Attempt {
		return Attempt{
			Domain: "example.com", Zone: "Core", Owner: owner + "@example.com", Method: "REGISTER", URI: "sip:example.com",
			From: netip.MustParseAddr(from), Rows: []string{answer(MD5, owner, "guess", n, i)},
		}
	}
	for i, a := range []Attempt{guess(1, "2001:db8::1", "carl"), guess(2, "2001:db8::2", "Carl"), guess(3, "2001:db8::3", "CARL")} {
		if v := d.attempt(a); v.Status != 407 {
			t.Errorf("guess %d: %+v", i, v)
		}
	}
	if v := d.attempt(guess(4, "2001:db8::4", "cArL")); v.Status != 403 || v.Wait != 60 {
		t.Errorf("another address and another spelling: %+v", v)
	}
	waited := job{attempt: guess(5, "2001:db8::5", "carl")}
	if v := d.ask(t.Context(), waited); v.Status != 403 {
		t.Errorf("a guess that waited meanwhile: %+v", v)
	}
}

func TestLogin(t *testing.T) {
	d := newGateway(t)
	d.vault.Learn("Example.com", "dave", "login", d.clock.now.Add(time.Hour), "2001")
	for _, owner := range []string{"dave", "2001"} {
		for _, user := range []string{"dave", "dave@example.com"} {
			if v := d.try(owner, answer(SHA256, user, "login", d.nonce(), 1)); v.User != "dave" {
				t.Errorf("%s for %s: %+v", user, owner, v)
			}
		}
	}
	if v := d.try("2002", answer(MD5, "dave", "login", d.nonce(), 1)); v.User != "" {
		t.Errorf("another line: %+v", v)
	}
	if !d.vault.Owns("example.com", "dave", "2001") || d.vault.Owns("example.com", "dave", "2002") || d.vault.Owns("example.com", "dave@example.org", "dave") {
		t.Error("lines")
	}
	d.Forget("dave")
	d.clock.pass(time.Hour)
	if v := d.try("dave", answer(MD5, "dave", "login", d.nonce(), 1)); v.User != "" {
		t.Errorf("after the session: %+v", v)
	}
	if d.vault.sweep(); len(d.vault.logins) != 0 {
		t.Error("old logins are kept")
	}
}

// TestOnePasswordForManyOwners: whoever tries one password on all users is
// stopped as a source; who is right goes on, and so do others.
func TestOnePasswordForManyOwners(t *testing.T) {
	d := newGateway(t)
	asked := 0
	for i := range 3*manyOwners + 20 {
		if v := d.try(fmt.Sprint("user", i), answer(MD5, "user", "guess", d.nonce(), 1)); v.Status != 403 {
			asked++
		}
	}
	if asked != 3*manyOwners {
		t.Errorf("one source tried %d owners", asked)
	}
	right := Attempt{Domain: "example.com", Zone: "Core", Owner: "alice@example.com", Method: "REGISTER", URI: "sip:example.com",
		From: netip.MustParseAddr("192.0.2.2")}
	for range 5 {
		right.Rows = []string{answer(MD5, "alice", "secret", d.nonce(), 1)}
		if v := d.attempt(right); v.User != "alice" {
			t.Fatalf("another source: %+v", v)
		}
	}
}

// TestPassedOn: what call control judges itself counts by its answers.
func TestPassedOn(t *testing.T) {
	d := newGateway(t)
	at := func(owner, from string) Attempt {
		return Attempt{Owner: owner + "@example.com", From: netip.MustParseAddr(from)}
	}
	alice := at("alice", "192.0.2.1")
	for range 3 {
		if d.Refused(who(alice)) != 0 {
			t.Fatal("refused too early")
		}
		d.Wrong(who(alice))
	}
	if d.Refused(who(alice)) == 0 || d.Refused(who(at("alice", "192.0.2.2"))) != 0 || d.Refused(who(at("bob", "192.0.2.1"))) != 0 {
		t.Error("who guesses goes on, or others do not")
	}
	for range 10 * manyOwners { // a phone that is asked anew and then is right
		bob := at("bob", "192.0.2.3")
		d.Wrong(who(bob))
		d.Right(who(bob))
	}
	if d.Refused(who(at("bob", "192.0.2.3"))) != 0 {
		t.Error("who is right is refused")
	}
	for i := range 3 * manyOwners {
		d.Wrong(who(at(fmt.Sprint("user", i), "192.0.2.4")))
	}
	if d.Refused(who(at("alice", "192.0.2.4"))) == 0 {
		t.Error("one password for all users goes on")
	}
	if d.clock.pass(punishment); d.Refused(who(alice)) != 0 || d.Refused(who(at("alice", "192.0.2.4"))) != 0 {
		t.Error("refused for ever")
	}
}

// TestEdgesGuessInVain: an edge that somebody has taken has few guesses at a
// user, and others go on.
func TestEdgesGuessInVain(t *testing.T) {
	c := newClock()
	v := NewVault(c.tell)
	v.Apply(Plan{Modes: map[string]Mode{"example.com": Delegated}, Credentials: map[string]string{"alice@example.com": "secret", "bob@example.com": "word"}})
	ask := func(user, password string) bool {
		d := Digest{User: user, Realm: "example.com", Nonce: "n", URI: "sip:example.com", Algorithm: MD5}
		d.Response = hashOf(MD5, HA1(MD5, user, "example.com", password), "n", hashOf(MD5, "REGISTER", d.URI))
		return v.decide(Question{Domain: "example.com", Owner: user + "@example.com", Method: "REGISTER", Digest: d}).OK
	}
	for i := range 2 * maxWrong {
		if !ask("bob", "word") {
			t.Fatalf("answer %d in the right is refused", i)
		}
	}
	for range maxWrong {
		ask("alice", "guess")
	}
	if ask("alice", "secret") {
		t.Error("guessed after all")
	}
	if !ask("bob", "word") {
		t.Error("somebody else is refused for it")
	}
	if c.pass(time.Minute); !ask("alice", "secret") {
		t.Error("refused for ever")
	}
}

func TestVaultTellsWhoChanged(t *testing.T) {
	v := NewVault(time.Now)
	v.Apply(Plan{Credentials: map[string]string{"a@x": "1", "b": "2", "c": "3"}})
	if got := v.Apply(Plan{Credentials: map[string]string{"a@x": "other", "c": "3", "d": "4"}}); len(got) != 2 {
		t.Error(got)
	}
}

func TestAccounts(t *testing.T) {
	c := newClock()
	v := NewVault(c.tell)
	v.Apply(Plan{Credentials: map[string]string{"desk@example.com": "word"}})
	a, err := NewAccounts(v, c.tell, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.Apply(NonceLimits{Expire: time.Minute, Length: 32, Limit: 10, Uses: 10})
	value, err := a.Challenge("example.com", false)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(value, `nonce="`)
	good := answer(MD5, "desk", "word", rest[:32], 1)
	if user, _, ok := a.Check("example.com", "REGISTER", "sip:EXAMPLE.com:5060", good); !ok || user != "desk" {
		t.Errorf("%q %t", user, ok)
	}
	for _, bad := range []string{good, answer(MD5, "desk", "guess", rest[:32], 2), answer(MD5, "other", "word", rest[:32], 2), "Digest x", "Basic x"} {
		if _, stale, ok := a.Check("example.com", "REGISTER", "sip:EXAMPLE.com:5060", bad); ok || stale != (bad == good) {
			t.Errorf("%.60s: stale %t, ok %t", bad, stale, ok)
		}
	}
	if _, _, ok := a.Check("example.com", "REGISTER", "sip:elsewhere.example.com", answer(MD5, "desk", "word", rest[:32], 3)); ok {
		t.Error("for another Request-URI")
	}
	if _, _, ok := a.Check("example.org", "REGISTER", "sip:example.com", good); ok {
		t.Error("another realm")
	}
}

// who is what the guard is asked by where call control judges.
func who(a Attempt) (string, netip.Addr) { return a.Owner, a.From }

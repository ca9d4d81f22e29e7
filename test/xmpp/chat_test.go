package xmpp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/shell"
	"sallyport/appliance/trust"
	"sallyport/test/lab"
	"sallyport/test/pair"
	"sallyport/test/room"
)

// site is a pair before two prosodies: one for example.com and
// second.example, one for third.example.
type site struct {
	*testing.T
	pair        *pair.Pair
	first, last *prosody
	log         room.LogBook
}

func open(t *testing.T) *site {
	t.Helper()
	before := runtime.NumGoroutine()
	place, release, err := pair.FreeNet()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{T: t}
	ca, err := trust.NewCA("presence", nil)
	if err != nil {
		t.Fatal(err)
	}
	at := func(host string) netip.AddrPort { return netip.MustParseAddrPort(place + host + ":5222") }
	s.first = start(t, ca, at(".2.41"), "example.com", "second.example")
	s.last = start(t, ca, at(".2.42"), "third.example")
	both := []string{
		`xConfiguration SIP Domain 2 Name: "second.example"`, `xConfiguration SIP Domain 2 Edgexmpp: On`,
		`xConfiguration SIP Domain 3 Name: "third.example"`, `xConfiguration SIP Domain 3 Edgexmpp: On`,
	}
	ctx, stop := context.WithTimeout(t.Context(), 60*time.Second)
	defer stop()
	s.pair, err = pair.New(ctx, pair.Config{
		Net: place, LogOut: &s.log, Edge: both,
		Core: append(both,
			`xConfiguration XMPP Node 1 Address: "`+place+`.2.41"`, `xConfiguration XMPP Node 1 Domains: "example.com,second.example"`,
			`xConfiguration XMPP Node 2 Address: "`+place+`.2.42"`, `xConfiguration XMPP Node 2 Domains: "third.example"`,
		),
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, &s.log)
	}
	trusted := append(append([]byte(nil), s.pair.CA...), ca.PEM()...)
	if err := s.pair.Core.Trust().InstallCA(trusted); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(&s.log)
		}
		if err := s.pair.Close(); err != nil {
			t.Error(err)
		}
		release()
		for until := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before+4 && time.Now().Before(until); {
			time.Sleep(5 * time.Millisecond) // the four are those that wait for either prosody and read it
		}
	})
	return s
}

// chat logs a user in, by default of example.com.
func (s *site) chat(ctx context.Context, user string, change ...func(*lab.ChatConfig)) *lab.Chat {
	s.Helper()
	c, err := s.try(ctx, user, change...)
	if err != nil {
		s.Fatalf("%s cannot log in: %v", user, err)
	}
	s.Cleanup(func() { c.Drop() })
	return c
}

func (s *site) try(ctx context.Context, user string, change ...func(*lab.ChatConfig)) (*lab.Chat, error) {
	ctx, stop := context.WithTimeout(ctx, 60*time.Second)
	defer stop()
	secret := func(c *lab.ChatConfig) { c.Password = "secret" }
	return s.pair.Chat(ctx, user, append([]func(*lab.ChatConfig){secret}, change...)...)
}

func of(domain string) func(*lab.ChatConfig) {
	return func(c *lab.ChatConfig) { c.Domain = domain }
}

func by(mechanism string) func(*lab.ChatConfig) {
	return func(c *lab.ChatConfig) { c.Mechanism = mechanism }
}

func (s *site) said(ctx context.Context, from, to *lab.Chat, body string) {
	s.Helper()
	bare, _, _ := strings.Cut(to.JID, "/")
	if err := from.Send(bare, body); err != nil {
		s.Fatal(err)
	}
	s.heard(ctx, to, from.JID, body)
}

func (s *site) heard(ctx context.Context, who *lab.Chat, from, body string) {
	s.Helper()
	ctx, stop := context.WithTimeout(ctx, 60*time.Second)
	defer stop()
	m, err := who.Receive(ctx)
	if err != nil || m.Body != body || m.From != from {
		s.Fatalf("%s hears %.100q from %s, %v; want %.100q from %s", who.JID, m.Body, m.From, err, body, from)
	}
}

func (s *site) shell(ctx context.Context, edge bool, line string) string {
	n := s.pair.Core
	if edge {
		n = s.pair.Edge
	}
	var session *shell.Session = n.Console("test")
	defer session.Close()
	var out strings.Builder
	session.Exec(ctx, line, &out)
	if err := pair.AwaitApplied(ctx, n); err != nil {
		s.Fatal(err)
	}
	return out.String()
}

func TestProsody(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	t.Run("chat", func(t *testing.T) { s.with(t).talk(ctx) })
	t.Run("domains", func(t *testing.T) { s.with(t).domains(ctx) })
	t.Run("refused", func(t *testing.T) { s.with(t).refused(ctx) })
	t.Run("resumption", func(t *testing.T) { s.with(t).resumption(ctx) })
	t.Run("live", func(t *testing.T) { s.with(t).live(ctx) })
}

func (s *site) with(t *testing.T) *site {
	return &site{T: t, pair: s.pair, first: s.first, last: s.last}
}

// talk is alice with SCRAM and bob with PLAIN, both ways.
func (s *site) talk(ctx context.Context) {
	alice, bob := s.chat(ctx, "alice", by("SCRAM-SHA-1")), s.chat(ctx, "bob", by("PLAIN"))
	if alice.Mechanism != "SCRAM-SHA-1" || bob.Mechanism != "PLAIN" {
		s.Errorf("mechanisms %s, %s of %v", alice.Mechanism, bob.Mechanism, alice.Mechanisms)
	}
	for _, m := range alice.Mechanisms {
		if strings.HasSuffix(m, "-PLUS") || m == "EXTERNAL" {
			s.Errorf("%s is offered", m)
		}
	}
	s.said(ctx, alice, bob, "hello <Bob> & all")
	s.said(ctx, bob, alice, "Grüße, 你好 😀")
	s.said(ctx, alice, bob, strings.Repeat("a longer story ", 10_000))
	for i := range 200 {
		s.said(ctx, bob, alice, fmt.Sprint("message ", i))
	}
	if !strings.Contains(s.shell(ctx, true, "xStatus XMPP Streams"), "Current: 2") {
		s.Error(s.shell(ctx, true, "xStatus XMPP Streams"))
	}
	if err := alice.Close(); err != nil {
		s.Error(err)
	}
	bob.Close()
}

// domains are apart, though two are on one node.
func (s *site) domains(ctx context.Context) {
	second, third := s.chat(ctx, "alice", of("second.example")), s.chat(ctx, "alice", of("third.example"))
	other := s.chat(ctx, "bob", of("third.example"))
	s.said(ctx, other, third, "within the domain")
	if !strings.HasPrefix(second.JID, "alice@second.example/") {
		s.Errorf("alice is %s", second.JID)
	}
	if !s.last.saw("third.example") || s.last.saw("second.example") {
		s.Error("a domain's stream went to another's node")
	}
	status := s.shell(ctx, false, "xStatus XMPP")
	for _, want := range []string{`Name: "second.example"`, `Name: "third.example"`, "Status: Active"} {
		if !strings.Contains(status, want) {
			s.Errorf("%s is not in %s", want, status)
		}
	}
}

// refused is what must not get in.
func (s *site) refused(ctx context.Context) {
	for _, tc := range []struct {
		name, want string
		change     func(*lab.ChatConfig)
	}{
		{"other domain", "host-unknown", of("else.example")},
		{"inside name", "host-unknown", of("localhost")},
		{"wrong password", "failure", func(c *lab.ChatConfig) { c.Password = "guess" }},
		{"wrong password, PLAIN", "failure", func(c *lab.ChatConfig) { c.Password, c.Mechanism = "guess", "PLAIN" }},
	} {
		if c, err := s.try(ctx, "alice", tc.change); err == nil || !strings.Contains(err.Error(), tc.want) {
			s.Errorf("%s: %v", tc.name, err)
			if c != nil {
				c.Drop()
			}
		}
	}
	carol, dave := s.chat(ctx, "carol"), s.chat(ctx, "dave")
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		carol.Send("dave@example.com", strings.Repeat("x", 10<<20)) // cut off on the way
	}()
	quick, stop := context.WithTimeout(ctx, 60*time.Second)
	defer stop()
	_, err := carol.Receive(quick)
	var cut *lab.ChatError
	if !errors.As(err, &cut) || cut.Condition != "policy-violation" {
		s.Errorf("10 MB: %v", err)
	}
	carol.Drop()
	<-sent
	again := s.chat(ctx, "carol")
	s.said(ctx, again, dave, "sorry") // and nothing of the 10 MB came before
	dave.Close()
	again.Close()
}

// resumption: a stream whose connection was lost goes on in another one, with
// what came meanwhile.
func (s *site) resumption(ctx context.Context) {
	erin, frank := s.chat(ctx, "erin"), s.chat(ctx, "frank")
	if erin.Resumption == nil || erin.Resumption.ID == "" {
		s.Skip("this prosody offers no stream resumption")
	}
	s.said(ctx, frank, erin, "one")
	jid, kept := erin.JID, *erin.Resumption
	erin.Drop()
	if err := frank.Send("erin@example.com", "two"); err != nil {
		s.Fatal(err)
	}
	back := s.chat(ctx, "erin", func(c *lab.ChatConfig) { c.Resume = &kept })
	if !back.Resumed {
		s.Fatal("the stream was not resumed")
	}
	back.JID = jid
	s.heard(ctx, back, frank.JID, "two")
	s.said(ctx, frank, back, "three")
	s.said(ctx, back, frank, "four")
}

// live: a change of the configuration works at once, and disturbs nobody else.
func (s *site) live(ctx context.Context) {
	stays, goes := s.chat(ctx, "hank"), s.chat(ctx, "alice", of("second.example"))
	s.shell(ctx, false, `xConfiguration XMPP Node 1 Domains: "example.com"`)
	quick, stop := context.WithTimeout(ctx, 60*time.Second)
	defer stop()
	_, err := goes.Receive(quick)
	var cut *lab.ChatError
	if !errors.As(err, &cut) || cut.Condition != "reset" {
		s.Errorf("a stream whose node is gone: %v", err)
	}
	if _, err := s.try(ctx, "alice", of("second.example")); err == nil || !strings.Contains(err.Error(), "remote-connection-failed") {
		s.Errorf("a domain without a node: %v", err)
	}
	s.shell(ctx, false, `xConfiguration XMPP Node 1 Domains: "example.com,second.example"`)
	s.chat(ctx, "alice", of("second.example"))
	s.said(ctx, s.chat(ctx, "gina"), stays, "still here")
}

package pair

import (
	"context"
	"strings"
	"testing"

	"sallyport/test/lab"
)

// Two users outside chat through both nodes; what is said of it is in status
// and log, and settings work at once.
func TestChat(t *testing.T) {
	s := open(t, Config{})
	ctx, stop := context.WithTimeout(t.Context(), storyTime)
	defer stop()
	alice := s.chat(ctx, "alice")
	bob := s.chat(ctx, "bob")
	for i, body := range []string{"hello, Bob <&>", "grüß dich", strings.Repeat("long ", 40_000)} {
		if err := alice.Send("bob@example.com", body); err != nil {
			t.Fatal(err)
		}
		if m, err := bob.Receive(ctx); err != nil || m.Body != body || m.From != alice.JID {
			t.Fatalf("message %d: %.80q from %s, %v", i, m.Body, m.From, err)
		}
	}
	if err := bob.Send("alice@example.com", "bye"); err != nil {
		t.Fatal(err)
	}
	if m, err := alice.Receive(ctx); err != nil || m.Body != "bye" {
		t.Fatal(m, err)
	}
	if strings.Join(alice.Mechanisms, " ") != "PLAIN" {
		t.Errorf("mechanisms %v reach a client", alice.Mechanisms)
	}
	for _, n := range []string{"edge", "core"} {
		if got := s.shell(ctx, n, "xStatus XMPP Streams"); !strings.Contains(got, "Current: 2") || !strings.Contains(got, "Logins: 2") {
			t.Errorf("%s shows %s", n, got)
		}
	}
	if got := s.shell(ctx, "core", "xStatus XMPP Node 1"); !strings.Contains(got, "Status: Active") || !strings.Contains(got, "Streams: 2") {
		t.Errorf("core shows %s", got)
	}
	if got := s.shell(ctx, "core", "why user alice"); !strings.Contains(got, "chat stream allowed") || !strings.Contains(got, "example.com") {
		t.Errorf("core does not know why: %s", got)
	}
	s.wrongPassword(ctx)
	s.pushSwitched(ctx, bob)
	alice = s.chat(ctx, "alice")
	s.shell(ctx, "core", "xConfiguration SIP Domain 1 Edgexmpp: Off")
	if _, err := alice.Receive(ctx); err == nil || !strings.Contains(err.Error(), "host-gone") {
		t.Errorf("alice hears %v of a domain that is gone", err)
	}
	s.shell(ctx, "edge", "xConfiguration SIP Domain 1 Edgexmpp: Off")
	err := poll(ctx, func() error {
		c, err := s.pair.Chat(ctx, "alice")
		if err == nil {
			c.Close()
			return context.Canceled
		}
		if strings.Contains(err.Error(), "refused") {
			return nil
		}
		return err
	})
	if err != nil {
		t.Error("edge listens without a chat domain: ", err)
	}
}

// pushSwitched signs a user out of chat by switching push, and in again.
func (s *stage) pushSwitched(ctx context.Context, bob *lab.Chat) {
	s.Helper()
	s.shell(ctx, "edge", "xConfiguration XCP Config FcmService: On !")
	if _, err := bob.Receive(ctx); err == nil || !strings.Contains(err.Error(), "reset") {
		s.Errorf("bob hears %v when push is switched", err)
	}
	if got := s.shell(ctx, "edge", "xStatus XCP FcmService"); !strings.Contains(got, "Mode: On") || !strings.Contains(got, "Expected: Unknown") {
		s.Errorf("edge shows %s", got)
	}
	s.chat(ctx, "bob")
}

func (s *stage) wrongPassword(ctx context.Context) {
	s.Helper()
	before := len(s.pair.World.Chat.Seen())
	_, err := s.pair.Chat(ctx, "alice", func(c *lab.ChatConfig) { c.Password = "guess" })
	if err == nil || len(s.pair.World.Chat.Seen()) != before {
		s.Errorf("a wrong password: %v", err)
	}
	_, err = s.pair.Chat(ctx, "alice", func(c *lab.ChatConfig) { c.Domain = "else.example" })
	if err == nil || !strings.Contains(err.Error(), "host-unknown") {
		s.Errorf("a wrong domain: %v", err)
	}
}

func (s *stage) chat(ctx context.Context, user string) *lab.Chat {
	s.Helper()
	c, err := s.pair.Chat(ctx, user)
	if err != nil {
		s.Fatalf("%s: %v\n%s", user, err, s.tail(0))
	}
	s.Cleanup(func() { c.Close() })
	return c
}

func (s *stage) shell(ctx context.Context, node, line string) string {
	s.Helper()
	var out strings.Builder
	s.shells()[node].Exec(ctx, line, &out)
	return out.String()
}

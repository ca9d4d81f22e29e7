package pair

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"sallyport/appliance/xapi"
	"sallyport/test/lab"
)

// TestBandwidth has media take all that it may: the call that takes it goes on,
// a new one gets 503, and who looks is warned. Without a limit it is counted.
func TestBandwidth(t *testing.T) {
	s := open(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	alice, call := s.inCall(ctx)
	bandwidth := func(node string) (text string, current int) {
		t.Helper()
		text = s.shell(ctx, node, "xStatus ResourceUsage")
		_, rest, _ := strings.Cut(text, "Bandwidth:")
		fmt.Sscanf(strings.TrimSpace(rest), "Current: %d", &current)
		return text, current
	}
	// 50 packets a second each way, with RTP's header some 70 kbit/s or more.
	for _, node := range []string{"edge", "core"} {
		if err := poll(ctx, func() error {
			text, n := bandwidth(node)
			if n < 100 || n > 300 || strings.Contains(text, "Bandwidth Limit") {
				return fmt.Errorf("%s takes in %d kbit/s: %s", node, n, text)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	text, _ := bandwidth("edge")
	if !strings.Contains(text, "processors and") || !strings.Contains(text, "calls and") {
		t.Errorf("nothing says how the limits were made: %s", text)
	}
	const total = "xConfiguration Zones LocalZone TraversalSubZone Bandwidth Total "
	s.shell(ctx, "core", total+"Limit: 60")
	s.shell(ctx, "core", total+"Mode: Limited")
	s.awaitAlarm(ctx, xapi.AlarmCapacity, true)
	if _, err := alice.Call(ctx, "carol"); err == nil || !strings.Contains(err.Error(), "503 No bandwidth") {
		t.Errorf("a call beyond the limit: %v", err)
	}
	if _, err := s.pair.World.Carol.Call(ctx, "alice"); err == nil {
		t.Errorf("a call beyond the limit from inside: %v", err)
	}
	for _, step := range []func(context.Context) error{call.Hold, call.Resume} {
		if err := step(ctx); err != nil {
			t.Errorf("the call that there is: %v", err)
		}
	}
	if err := poll(ctx, func() error { // a new one that gets through says so
		m, err := alice.Exchange(ctx, alice.Request("INVITE", "carol"))
		if err != nil || m.Status() != 503 || m.Get("Retry-After") == "" {
			return fmt.Errorf("%v %v", m, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	s.shell(ctx, "core", total+"Mode: Unlimited")
	s.awaitAlarm(ctx, xapi.AlarmCapacity, false)
	second, err := alice.Call(ctx, "carol")
	if err != nil {
		t.Fatal(err)
	}
	s.talks(ctx, second)
	s.shell(ctx, "edge", total+"Mode: NoBandwidth")
	if err := poll(ctx, func() error {
		c, err := alice.Call(ctx, "carol")
		if err == nil {
			c.Hangup(ctx)
			return fmt.Errorf("a call without any bandwidth")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	s.talks(ctx, call)
}

// TestChatDrains has an edge in maintenance keep the chat streams that it has
// and take no new ones.
func TestChatDrains(t *testing.T) {
	s := open(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	alice, bob := s.chat(ctx, "alice"), s.chat(ctx, "bob")
	says := func(from, to *lab.Chat, user, text string) {
		t.Helper()
		if err := from.Send(user+"@example.com", text); err != nil {
			t.Fatal(err)
		}
		if m, err := to.Receive(ctx); err != nil || m.Body != text {
			t.Fatalf("%q: %v", m.Body, err)
		}
	}
	s.shell(ctx, "edge", "xConfiguration SystemUnit Maintenance Mode: On")
	s.applied(ctx)
	if _, err := s.pair.Chat(ctx, "carol"); err == nil || !strings.Contains(err.Error(), "system-shutdown") {
		t.Errorf("a new stream: %v", err)
	}
	says(alice, bob, "bob", "still here")
	says(bob, alice, "alice", "so am I")
	left := func(n int) {
		t.Helper()
		if err := poll(ctx, func() error {
			if got := s.shell(ctx, "edge", "xStatus SystemUnit Maintenance"); !strings.Contains(got, fmt.Sprint("ChatStreams: ", n)) {
				return fmt.Errorf("%s", got)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
	left(2)
	bob.Close()
	left(1)
	s.shell(ctx, "edge", "xConfiguration SystemUnit Maintenance Mode: Off")
	s.applied(ctx)
	says(alice, s.chat(ctx, "bob"), "bob", "back again")
}

package pair

import (
	"context"
	"errors"
	"strings"
	"testing"

	"sallyport/test/lab"
)

// TestPushAndPersistency has dave's phone be one that call control keeps calls
// for while it moves, and that can be woken. What comes for it while it is away
// waits at edge for the one reason and at core for the other: it is woken, and
// hears of each thing once.
func TestPushAndPersistency(t *testing.T) {
	s := open(t, Config{Path: lab.PathOutbound, Core: neighbor("TLS", 5061), World: persistent})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	if err := wakes(s.pair); err != nil {
		t.Fatal(err)
	}
	dave := s.registered(ctx, t, "dave", func(c *lab.PhoneConfig) {
		c.Persist = true
		pushed(c, "apns")
	})
	carol := s.pair.World.Carol
	for range 2 {
		before := len(dave.Received())
		if err := dave.Leave(ctx, false); err != nil {
			t.Fatal(err)
		}
		call, err := carol.Invite(ctx, "dave")
		if err != nil {
			t.Fatal(err)
		}
		wake, err := s.pair.World.Pushes.Next(ctx)
		if err != nil || wake.Why != "call" {
			t.Fatalf("woken for %q: %v\n%s", wake.Why, err, s.tail(0))
		}
		said := make(chan error, 1)
		go func() { said <- carol.Message(ctx, "dave", "after the call") }()
		for _, step := range []func(context.Context) error{dave.Connect, dave.Register} {
			if err := step(ctx); err != nil {
				t.Fatal(err)
			}
		}
		other := s.rings(ctx, t, dave)
		if err := errors.Join(call.Await(ctx, lab.CallAnswered), <-said); err != nil {
			t.Fatal(err)
		}
		if text := <-dave.Inbox(); text.Body != "after the call" {
			t.Errorf("dave reads %q", text.Body)
		}
		if _, err := other.AwaitMedia(ctx, lab.CarolTone, 25); err != nil {
			t.Error(err)
		}
		if err := call.Hangup(ctx); err != nil {
			t.Error(err)
		}
		// The call waits at core, which may ask edge again only a moment after
		// the message found the phone there.
		if got := begun(dave.Received()[before:]); got != "INVITE MESSAGE" && got != "MESSAGE INVITE" {
			t.Errorf("dave was sent %s, want one INVITE and one MESSAGE", got)
		}
	}
}

// begun lists the requests that began something, in the order in which they came.
func begun(all []lab.Capture) string {
	var methods []string
	for _, c := range all {
		m, err := lab.ParseMessage(c.Raw)
		if err == nil && m.IsRequest() && !strings.Contains(m.Get("To"), "tag=") {
			methods = append(methods, m.Method())
		}
	}
	return strings.Join(methods, " ")
}

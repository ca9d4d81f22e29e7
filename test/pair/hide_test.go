package pair

import (
	"context"
	"strings"
	"testing"

	"sallyport/test/lab"
)

// TestHiddenIdentifiers has a zone that lets no identifier of the inside pass:
// calls both ways, a hold from each end and a hang-up from each end work, and
// what alice was sent names neither an inside Call-ID nor an inside tag.
//
//	alice ══▶ edge (veil) ══▶ core ──▶ carol
func TestHiddenIdentifiers(t *testing.T) {
	s := open(t, Config{Edge: []string{"xConfiguration Zones Zone 1 SIP HideIdentifiers: On"}})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	alice, err := s.pair.Phone("alice", 440)
	if err != nil {
		t.Fatal(err)
	}
	defer alice.Close()
	for _, step := range []func(context.Context) error{alice.Start, alice.Register} {
		if err := step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	carol := s.pair.World.Carol
	talk(ctx, t, alice, carol, "carol")
	talk(ctx, t, carol, alice, "alice")

	known := map[string]bool{}
	for _, c := range append(carol.Received(), s.pair.World.Registrar.Received()...) {
		m, err := lab.ParseMessage(c.Raw)
		if err != nil {
			continue
		}
		known[m.Get("Call-ID")] = true
	}
	hidden := 0
	for _, c := range alice.Received() {
		m, err := lab.ParseMessage(c.Raw)
		if err != nil {
			t.Fatal(err)
		}
		id := m.Get("Call-ID")
		if m.IsRequest() && m.Method() == "INVITE" && strings.HasPrefix(id, "h1.") {
			hidden++
			if known[id] {
				t.Errorf("the inside knows the hidden Call-ID %s", id)
			}
			if !strings.Contains(m.Get("From"), ";tag=h1.") {
				t.Errorf("inside tag is not hidden: %s", m.Get("From"))
			}
		} else if m.IsRequest() && m.Method() == "INVITE" && m.Get("To") != "" && !strings.Contains(m.Get("To"), "tag=") {
			t.Errorf("a new call shows the inside's Call-ID %s", id)
		}
	}
	if hidden == 0 {
		t.Error("alice was sent no hidden INVITE")
	}
}

// talk makes a call, holds it from each end, and ends it from the far one.
func talk(ctx context.Context, t *testing.T, from, to *lab.Phone, user string) {
	t.Helper()
	near, err := from.Call(ctx, user)
	if err != nil {
		t.Fatalf("call %s: %v", user, err)
	}
	var far *lab.Call
	select {
	case far = <-to.Incoming():
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	}
	for _, step := range []func(context.Context) error{near.Hold, near.Resume, far.Hold, far.Resume} {
		if err := step(ctx); err != nil {
			t.Fatalf("hold or resume with %s: %v", user, err)
		}
	}
	if _, err := far.AwaitMedia(ctx, 0, 20); err != nil {
		t.Fatalf("%s hears nothing: %v", user, err)
	}
	if err := far.Hangup(ctx); err != nil {
		t.Fatalf("hang up: %v", err)
	}
	if err := near.Await(ctx, lab.CallEnded); err != nil {
		t.Fatalf("the near end goes on: %v", err)
	}
}

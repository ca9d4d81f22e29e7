package pair

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"sallyport/test/lab"
)

// TestSilentMonitoring has a supervisor listen to alice's call by the bridge in
// her phone, in Path mode: both sides are heard, neither side hears the
// supervisor or is told, and what call control says reaches her phone as it was
// sent.
//
//	call control ── INVITE (Join, recvonly) ─▶ core ─▶ edge ─▶ alice
//	supervisor  ◀════════ RTP ════════ core ◀═ SRTP ═ edge ◀═══╛
func TestSilentMonitoring(t *testing.T) {
	s := open(t, Config{Path: lab.PathLazy})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	alice, call := s.inCall(ctx)
	far := <-s.pair.World.Carol.Incoming()
	ear, err := s.pair.World.NewRecorder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ear.Close)
	before := len(alice.Received())
	watch, err := s.pair.World.Registrar.Monitor(ctx, "alice", "bob", ear)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.tail(0))
	}
	far.Mute(true)
	if err := ear.AwaitNear(ctx, 440, 30); err != nil {
		t.Error(err)
	}
	far.Mute(false)
	call.Mute(true)
	if err := ear.AwaitNear(ctx, lab.CarolTone, 30); err != nil {
		t.Error(err)
	}
	call.Mute(false)
	if _, err := call.AwaitMedia(ctx, lab.CarolTone, 30); err != nil {
		t.Error("alice's own call:", err)
	}
	if _, err := far.AwaitMedia(ctx, 440, 30); err != nil {
		t.Error("carol's end:", err)
	}
	s.monitored(alice, watch.CallIDs()[0], before)
	if err := watch.Stop(ctx); err != nil {
		t.Error(err)
	}
	s.talks(ctx, call)
}

// monitored compares the INVITE that call control sent with what reached the
// phone, and holds that nobody rang: an INVITE that joins is all there was.
func (s *stage) monitored(alice *lab.Phone, id string, before int) {
	s.Helper()
	find := func(all []lab.Capture, sent bool) *lab.Message {
		for _, c := range all {
			if m, err := lab.ParseMessage(c.Raw); err == nil && c.Sent == sent && m.Status() == 0 && m.Method() == "INVITE" && m.Get("Call-ID") == id {
				return m
			}
		}
		return nil
	}
	was, is := find(s.pair.World.Registrar.Captured(), true), find(alice.Received()[before:], false)
	if was == nil || is == nil {
		s.Fatalf("the INVITE was sent: %v, came: %v", was != nil, is != nil)
	}
	for _, name := range []string{"From", "Join", "Call-ID", "Call-Info"} {
		if was.Get(name) != is.Get(name) {
			s.Errorf("%s: %s, was sent as %s", name, is.Get(name), was.Get(name))
		}
	}
	for _, c := range alice.Received()[before:] {
		if m, err := lab.ParseMessage(c.Raw); err == nil && m.Status() == 0 && m.Method() == "INVITE" && m.Get("Join") == "" {
			s.Errorf("alice's call was changed:\n%s", c.Raw)
		}
	}
}

// keys is how many lines a key expansion module shows: two of 18 keys.
const keys = 36

// TestKeyExpansion has alice's phone watch a module of keys in Path mode, by
// presence (speed dials) and by dialog (lines): every key hears of every change,
// with call control's own name spaces, over a connection that was lost meanwhile
// too, and each is refreshed.
func TestKeyExpansion(t *testing.T) {
	s := open(t, Config{Path: lab.PathOutbound, Core: neighbor("TLS", 5061)})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	alice := s.registered(ctx, t, "alice", func(c *lab.PhoneConfig) { c.Device = "SEP001122334455" })
	bob := s.registered(ctx, t, "bob")
	var module []*lab.Subscription
	events := []string{"presence", "dialog"}
	for i := range keys {
		key, err := alice.Subscribe(ctx, "bob", events[i%2])
		if err != nil {
			t.Fatalf("key %d: %v", i+1, err)
		}
		module = append(module, key)
	}
	all := func(what, event, want string) {
		t.Helper()
		for i, key := range module {
			if events[i%2] != event {
				continue
			}
			if err := heardOf(ctx, key, want); err != nil {
				t.Fatalf("%s: key %d: %v", what, i+1, err)
			}
		}
	}
	if err := bob.Publish(ctx, "presence", "application/pidf+xml", "<presence>busy</presence>"); err != nil {
		t.Fatal(err)
	}
	all("bob is busy", "presence", "<presence>busy</presence>")
	call, err := bob.Call(ctx, "carol")
	if err != nil {
		t.Fatal(err)
	}
	all("bob talks", "dialog", "<state>confirmed</state>")
	alice.DropConnection()
	if err := poll(ctx, func() error {
		if alice.Connected() {
			return fmt.Errorf("alice is still connected")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []func(context.Context) error{alice.Connect, alice.Register, call.Hangup} {
		if err := step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	all("bob has hung up", "dialog", "<state>terminated</state>")
	for i, key := range module {
		if err := key.Refresh(ctx); err != nil {
			t.Errorf("key %d: %v", i+1, err)
		}
	}
	for _, c := range alice.Received() {
		if m, err := lab.ParseMessage(c.Raw); err == nil && strings.Contains(string(m.Body), "dialog-info") &&
			!strings.Contains(string(m.Body), `xmlns:call="urn:x-cisco:parmams:xml:ns:dialog-info:dialog:callinfo-dialog"`) {
			t.Errorf("call control's name space was changed:\n%s", c.Raw)
		}
	}
}

// heardOf waits for a NOTIFY whose body has a text.
func heardOf(ctx context.Context, key *lab.Subscription, want string) error {
	for {
		select {
		case n := <-key.Notes():
			if strings.Contains(n.Body, want) {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("never hears of %s", want)
		}
	}
}

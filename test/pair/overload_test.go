package pair

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/appliance/overload"
	"sallyport/test/lab"
)

// load is how busy the nodes believe that they are.
type load struct{ delay atomic.Int64 }

func (l *load) reading() overload.Reading {
	return overload.Reading{Delay: time.Duration(l.delay.Load())}
}

// become makes edge believe that requests wait so long, and waits for what it
// makes of it.
func (l *load) become(ctx context.Context, s *stage, delay time.Duration, level string) {
	s.Helper()
	l.delay.Store(int64(delay))
	if err := poll(ctx, func() error {
		for _, r := range s.pair.nodes {
			c := r.node.Console("test")
			var out strings.Builder
			c.Exec(ctx, "xStatus ResourceUsage Overload", &out)
			c.Close()
			if !strings.Contains(out.String(), "Level: "+level+"\n") {
				return errors.New(out.String())
			}
		}
		return nil
	}); err != nil {
		s.Fatal(err)
	}
}

// TestOverload has both nodes turn away strangers first, then new calls, never
// what belongs to a call or to a registration.
func TestOverload(t *testing.T) {
	var l load
	s := open(t, Config{Load: l.reading})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	alice := s.registered(ctx, t, "alice")
	call, err := alice.Call(ctx, "carol")
	if err != nil {
		t.Fatal(err)
	}
	s.calls["alice"] = call

	l.become(ctx, s, 300*time.Millisecond, "Strangers")
	bob, err := s.pair.Phone("bob", 660)
	if err != nil {
		t.Fatal(err)
	}
	s.phones["bob"] = bob
	if err := bob.Start(ctx); err != nil {
		t.Fatal(err)
	}
	refused(t, "a stranger's registration", bob.Register(ctx))
	s.flooded(ctx, t, alice)

	l.become(ctx, s, time.Second, "NewCalls")
	_, err = alice.Call(ctx, "carol")
	refused(t, "a new call out", err)
	_, err = s.pair.World.Carol.Call(ctx, "alice")
	if no := new(lab.StatusError); !errors.As(err, &no) { // call control has its own word for it
		t.Errorf("a new call in: got %v", err)
	}
	if err := alice.Register(ctx); err != nil {
		t.Error("a refresh: ", err)
	}
	if err := call.Hold(ctx); err != nil {
		t.Error("a request within the dialog: ", err)
	}
	if err := call.Resume(ctx); err != nil {
		t.Error("a request within the dialog: ", err)
	}
	if stats, err := call.AwaitMedia(ctx, lab.CarolTone, 25); err != nil {
		t.Errorf("alice hears %s: %v", stats, err)
	}
	if err := call.Hangup(ctx); err != nil {
		t.Error("hanging up: ", err)
	}

	l.become(ctx, s, 0, "None")
	if err := bob.Register(ctx); err != nil {
		t.Error("after it is over: ", err)
	}
}

// flooded has many strangers register without pause while alice calls: each of
// her calls is set up and heard, and no stranger reaches call control.
func (s *stage) flooded(ctx context.Context, t *testing.T, alice *lab.Phone) {
	t.Helper()
	const strangers, each, calls = 20, 200, 3
	var wg sync.WaitGroup
	defer wg.Wait()
	var turned atomic.Int64
	for n := range strangers {
		x, err := s.outsider(ctx, t, 220+n)
		if err != nil {
			t.Fatal(err)
		}
		defer x.Close()
		wg.Go(func() {
			for range each {
				m := x.Forge("REGISTER", "sip:example.com", "sip:mallory@example.com", "sip:mallory@example.com")
				if x.Send(m.Bytes()) != nil {
					return // hung up on
				}
			}
		})
		wg.Go(func() {
			for {
				m, err := x.Final(5 * time.Second)
				if err != nil {
					return
				}
				if m.Status() == 503 && m.Get("Retry-After") != "" {
					turned.Add(1)
				}
			}
		})
	}
	for range calls {
		call, err := alice.Call(ctx, "carol")
		if err != nil {
			t.Fatal("a call in the flood: ", err)
		}
		if stats, err := call.AwaitMedia(ctx, lab.CarolTone, 25); err != nil {
			t.Errorf("alice hears %s: %v", stats, err)
		}
		if err := call.Hangup(ctx); err != nil {
			t.Error(err)
		}
	}
	if turned.Load() == 0 {
		t.Error("no stranger was turned away with 503 and Retry-After")
	}
	for _, c := range s.pair.World.Registrar.Received() {
		if bytes.Contains(c.Raw, []byte("mallory")) {
			t.Fatalf("call control was reached: %.200s", c.Raw)
		}
	}
}

func refused(t *testing.T, what string, err error) {
	t.Helper()
	var no *lab.StatusError
	if !errors.As(err, &no) || no.Status != 503 {
		t.Errorf("%s: got %v, want 503", what, err)
	}
}

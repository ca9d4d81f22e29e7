package pair

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"sallyport/test/lab"
)

// TestBounds lets strangers do their worst, while alice registers, calls and
// is heard as if they were not there.
//
//	mallory ×300 ──▶ edge ◀── alice
func TestBounds(t *testing.T) {
	s := open(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	t.Run("oversized", func(t *testing.T) { s.oversized(ctx, t) })
	t.Run("noise", func(t *testing.T) { s.noise(ctx, t) })
	t.Run("crowd", func(t *testing.T) { s.crowd(ctx, t) })
	t.Run("flood", func(t *testing.T) { s.flood(ctx, t) })
	s.T = t
}

// outsider connects from the n-th address outside.
func (s *stage) outsider(ctx context.Context, t *testing.T, n int) (*lab.Stranger, error) {
	t.Helper()
	conf, err := s.clientTLS()
	if err != nil {
		t.Fatal(err)
	}
	return lab.NewStranger(ctx, netip.AddrPortFrom(s.pair.Outer, 5061), conf, s.pair.Client(n))
}

// oversized sends headers and bodies beyond the limit: each is answered with
// an error that says so, or hung up on, and never waited for.
func (s *stage) oversized(ctx context.Context, t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*lab.Message)
	}{
		{"one long header", func(m *lab.Message) { m.Add("Subject", strings.Repeat("x", 100<<10)) }},
		{"many headers", func(m *lab.Message) {
			for range 5000 {
				m.Add("X-More", "and more")
			}
		}},
		{"long body", func(m *lab.Message) { m.Body = bytes.Repeat([]byte("x"), 100<<10) }},
	} {
		x, err := s.outsider(ctx, t, 210)
		if err != nil {
			t.Fatal(err)
		}
		m := x.Forge("MESSAGE", "sip:carol@example.com", "sip:mallory@example.com", "sip:carol@example.com")
		c.change(m)
		x.Send(m.Bytes()) // fails where edge hangs up half way
		resp, err := x.Final(stepTime)
		if err == nil && resp.Status() != 413 && resp.Status() != 513 && resp.Status() != 400 {
			t.Errorf("%s: got %s", c.name, resp.Start)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: neither answered nor hung up on", c.name)
		}
		x.Close()
	}
}

// noise sends what is not SIP at all.
func (s *stage) noise(ctx context.Context, t *testing.T) {
	for _, text := range []string{"GET / HTTP/1.1\r\nHost: edge.example.com\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		strings.Repeat("\x00", 4096), "INVITE\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n"} {
		x, err := s.outsider(ctx, t, 211)
		if err != nil {
			t.Fatal(err)
		}
		x.Send([]byte(text))
		if m, err := x.Receive(300 * time.Millisecond); err == nil && m.Status() < 400 {
			t.Errorf("%.20q: got %s", text, m.Start)
		}
		x.Close()
	}
}

// crowd opens more connections from one address than one source may have, each
// with half a message in it.
func (s *stage) crowd(ctx context.Context, t *testing.T) {
	const most = 256 // of one source that has not authenticated
	var open []*lab.Stranger
	defer func() {
		for _, x := range open {
			x.Close()
		}
	}()
	for range most + 40 {
		x, err := s.outsider(ctx, t, 212)
		if err != nil {
			continue // refused
		}
		x.Send([]byte("INVITE sip:carol@example.com SIP/2.0\r\nVia: SIP/2.0/TLS 203.0.113.9"))
		open = append(open, x)
	}
	held := 0
	for _, x := range open { // on a slow machine the first have been closed for their half message
		if _, err := x.Receive(time.Millisecond); errors.Is(err, os.ErrDeadlineExceeded) {
			held++
		}
	}
	if held > most || held == 0 {
		t.Errorf("one address holds %d connections, want 1 to %d", held, most)
	}
	s.served(ctx, t)
}

// flood sends requests without pause.
func (s *stage) flood(ctx context.Context, t *testing.T) {
	x, err := s.outsider(ctx, t, 213)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3000 {
			m := x.Forge("INVITE", "sip:carol@example.com", "sip:mallory@example.com", "sip:carol@example.com")
			if x.Send(m.Bytes()) != nil {
				return // hung up on
			}
		}
	}()
	s.served(ctx, t)
	x.Close()
	<-done
}

// served lets alice register, call and be heard, and asks that nobody else has
// reached call control.
func (s *stage) served(ctx context.Context, t *testing.T) {
	t.Helper()
	s.T = t
	defer s.clear()
	alice := s.registered(ctx, t, "alice")
	call, err := alice.Call(ctx, "carol")
	if err != nil {
		t.Fatal(err)
	}
	s.calls["alice"] = call
	if stats, err := call.AwaitMedia(ctx, lab.CarolTone, 25); err != nil || stats.Lost > 0 {
		t.Errorf("alice hears %s: %v", stats, err)
	}
	for _, c := range s.pair.World.Registrar.Received() {
		if bytes.Contains(c.Raw, []byte("mallory")) {
			t.Errorf("call control was reached: %.200s", c.Raw)
		}
	}
}

package httpproxy

import (
	"fmt"
	"log/slog"
	"testing"
	"time"
)

// guessed is a server that has a clock and counts three logins in five minutes.
func guessed(t *testing.T) (*Server, *hand) {
	t.Helper()
	h := newHand()
	s := NewServer(ServerConfig{Log: slog.New(slog.DiscardHandler), Clock: h.clock, State: h.store()})
	if err := s.Apply(Plan{Login: Login{Limit: 3, Period: 5 * time.Minute}}); err != nil {
		t.Fatal(err)
	}
	return s, h
}

// TestOnePasswordForManyUsers: whoever tries one password on all users of a
// company is stopped as a source, and what he tried at others is not.
func TestOnePasswordForManyUsers(t *testing.T) {
	s, h := guessed(t)
	tried := 0
	for i := range 1000 {
		if _, ok := s.MayTry(1, fmt.Sprint("user", i), fmt.Sprintf("2001:db8::%x", i+1)); ok {
			tried++
		}
	}
	if tried != 3*manyUsers {
		t.Errorf("one source tried %d users", tried)
	}
	if _, ok := s.MayTry(1, "user0", "192.0.2.1"); !ok {
		t.Error("somebody else is refused for it")
	}
	for range 100 {
		s.MayTry(1, "victim", "2001:db8::1") // refused as a source: the victim's own share stays
	}
	for i := range 3 * manyFailures {
		if _, ok := s.MayTry(1, "victim", fmt.Sprint("192.0.2.", i)); !ok {
			t.Errorf("attempt %d for a victim of refused attempts", i)
			break
		}
	}
	h.now = h.now.Add(5 * time.Minute)
	if _, ok := s.MayTry(1, "user1", "2001:db8::1"); !ok {
		t.Error("refused for ever")
	}
}

// TestOfficesSignIn: a thousand who are in the right behind one address are no
// guesses, nor is what nobody could judge.
func TestOfficesSignIn(t *testing.T) {
	s, _ := guessed(t)
	for i := range 1000 {
		if _, ok := s.MayTry(1, fmt.Sprint("user", i), "192.0.2.1"); !ok {
			t.Fatalf("user %d of an office is refused", i)
		}
		s.NoGuess(1, "192.0.2.1", i%2 == 0)
	}
}

// TestOnePasswordFromManySources: many sources together are stopped too, but
// not those from which somebody has come in.
func TestOnePasswordFromManySources(t *testing.T) {
	s, _ := guessed(t)
	s.MayTry(1, "alice", "192.0.2.1")
	s.NoGuess(1, "192.0.2.1", true)
	tried := 0
	for i := range 3*manySources + 500 {
		if _, ok := s.MayTry(1, fmt.Sprint("user", i), fmt.Sprintf("10.%d.%d.1", i/250, i%250)); ok {
			tried++
		}
	}
	if tried != 3*manySources {
		t.Errorf("%d tried", tried)
	}
	if _, ok := s.MayTry(1, "bob", "192.0.2.1"); !ok {
		t.Error("a known source is refused for what strangers do")
	}
	if _, ok := s.MayTry(2, "bob", "192.0.2.9"); !ok {
		t.Error("another deployment is refused for it")
	}
}

// TestChatIsNoWayToGuess: wrong logins to chat count, right ones do not, however
// many there are.
func TestChatIsNoWayToGuess(t *testing.T) {
	s, _ := guessed(t)
	for i := range 500 {
		if !s.MayGuess("example.com", "alice@example.com", "192.0.2.1") {
			t.Fatalf("login %d in the right is refused", i)
		}
		s.NoneGuessed("example.com", "alice@example.com", "192.0.2.1")
	}
	tried := 0
	for range 500 {
		if s.MayGuess("example.com", "alice@example.com", "192.0.2.2") {
			tried++
		}
	}
	if tried != chatWrong {
		t.Errorf("%d guesses", tried)
	}
	if !s.MayGuess("example.com", "alice@example.com", "192.0.2.1") {
		t.Error("the user is locked out for a stranger's guesses")
	}
	tried = 0
	for i := range 500 {
		if s.MayGuess("example.com", fmt.Sprint("user", i), "192.0.2.3") {
			tried++
		}
	}
	if tried != 3*manyUsers {
		t.Errorf("one source guessed at %d users", tried)
	}
}

package pair

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"sallyport/test/lab"
)

// screen is an administrator's terminal that a test can read meanwhile.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// legs are the steps of each trace in a text, such as "edge sip in", by the
// first line of what came first.
func legs(text string) map[string][]string {
	all := map[string][]string{}
	for _, block := range strings.Split(text, "── trace ")[1:] {
		first, steps := "", []string{}
		for _, line := range strings.Split(block, "\n") {
			if m := stepLine.FindStringSubmatch(line); m != nil {
				steps = append(steps, m[1])
			} else if first == "" && strings.HasPrefix(line, "    ") {
				first = strings.TrimSpace(line)
			}
		}
		all[first] = steps
	}
	return all
}

var stepLine = regexp.MustCompile(`^[0-9:.]+ ((?:edge|core) (?:sip|http) (?:in|out)) `)

// TestTrace follows alice from core's shell: her SIP and her HTTP through both
// nodes, what belongs together under one trace id and in order, nobody else's,
// and no secret of hers.
func TestTrace(t *testing.T) {
	s := open(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	defer s.clear()
	bob := s.registered(ctx, t, "bob")
	shell := s.pair.Core.Console("test")
	defer shell.Close()
	var seen screen
	over := make(chan int, 1)
	go func() { over <- shell.Exec(ctx, "trace user alice 8s", &seen) }()
	await := func(what string) {
		t.Helper()
		if err := poll(ctx, func() error {
			if !strings.Contains(seen.String(), what) {
				return fmt.Errorf("%q is not shown", what)
			}
			return nil
		}); err != nil {
			t.Fatalf("%v in\n%s", err, seen.String())
		}
	}
	await("Tracing alice")
	alice := s.registered(ctx, t, "alice")
	for _, p := range []*lab.Phone{bob, alice} {
		if err := p.Message(ctx, "carol", "hello"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.browserVerb(ctx, nil, []string{"gets", "/page/welcome?username=alice"}); err != nil {
		t.Fatal(err)
	}
	await("MESSAGE sip:carol@example.com")
	await("welcome?username=alice")
	shell.Interrupt()
	if exit := <-over; exit != 0 {
		t.Errorf("exit %d", exit)
	}
	text := seen.String()
	if strings.Contains(text, "bob@example.com") || !strings.Contains(text, `response="***"`) || secret.MatchString(text) {
		t.Errorf("what is not to be seen:\n%s", text)
	}
	through := []string{"edge sip in", "edge sip out", "core sip in", "core sip out", "core sip in", "core sip out", "edge sip in", "edge sip out"}
	if got := legs(text)["MESSAGE sip:carol@example.com SIP/2.0"]; !slices.Equal(got, through) {
		t.Errorf("her message went %q, want %q", got, through)
	}
	fetched := false
	for first, steps := range legs(text) {
		if strings.Contains(first, "username=alice") {
			fetched = slices.Contains(steps, "edge http in") && slices.Contains(steps, "core http out") && slices.Contains(steps, "edge http out")
		}
	}
	if !fetched {
		t.Errorf("her page is not followed through both nodes:\n%s", text)
	}
}

// secret is a digest response that was not masked.
var secret = regexp.MustCompile(`response="[0-9a-f]+"`)

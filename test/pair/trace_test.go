package pair

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sallyport/test/lab"
	"sallyport/test/room"
)

// legs are the steps of each trace in a text, such as "edge sip in", by the
// first line of what came first. A trace that went on between two looks is shown
// in two parts, and a part may have come late: the steps are in the order of time.
func legs(text string) map[string][]string {
	first, steps := map[string]string{}, map[string][]string{}
	for _, block := range strings.Split(text, "── trace ")[1:] {
		lines := strings.Split(block, "\n")
		id := lines[0]
		for _, line := range lines[1:] {
			if m := stepLine.FindString(line); m != "" {
				steps[id] = append(steps[id], m)
			} else if first[id] == "" && strings.HasPrefix(line, "    ") {
				first[id] = strings.TrimSpace(line)
			}
		}
	}
	all := map[string][]string{}
	for id, list := range steps {
		slices.Sort(list) // each begins with its time
		for i, line := range list {
			list[i] = stepLine.FindStringSubmatch(line)[1]
		}
		all[first[id]] = list
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
	var seen room.LogBook
	over := make(chan int, 1)
	tracing, end := context.WithCancel(ctx)
	defer end()
	go func() { over <- shell.Exec(tracing, "trace user alice 5m", &seen) }()
	await := func(what string, shown func(text string) bool) {
		t.Helper()
		if err := poll(ctx, func() error {
			if !shown(seen.String()) {
				return fmt.Errorf("%s is not shown", what)
			}
			return nil
		}); err != nil {
			t.Fatalf("%v in\n%s", err, seen.String())
		}
	}
	await("the beginning", func(text string) bool { return strings.Contains(text, "Tracing alice") })
	alice := s.registered(ctx, t, "alice")
	for _, p := range []*lab.Phone{bob, alice} {
		if err := p.Message(ctx, "carol", "hello"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.browserVerb(ctx, nil, []string{"gets", "/page/welcome?username=alice"}); err != nil {
		t.Fatal(err)
	}
	through := []string{"edge sip in", "edge sip out", "core sip in", "core sip out", "core sip in", "core sip out", "edge sip in", "edge sip out"}
	await("her message", func(text string) bool {
		return len(legs(text)["MESSAGE sip:carol@example.com SIP/2.0"]) >= len(through)
	})
	await("her page through both nodes", func(text string) bool {
		for first, steps := range legs(text) {
			if strings.Contains(first, "username=alice") {
				return slices.Contains(steps, "edge http in") && slices.Contains(steps, "core http out") && slices.Contains(steps, "edge http out")
			}
		}
		return false
	})
	end()
	if exit := <-over; exit != 0 {
		t.Errorf("exit %d", exit)
	}
	text := seen.String()
	if strings.Contains(text, "bob@example.com") || !strings.Contains(text, `response="***"`) || secret.MatchString(text) {
		t.Errorf("what is not to be seen:\n%s", text)
	}
	if got := legs(text)["MESSAGE sip:carol@example.com SIP/2.0"]; !slices.Equal(got, through) {
		t.Errorf("her message went %q, want %q", got, through)
	}
}

// secret is a digest response that was not masked.
var secret = regexp.MustCompile(`response="[0-9a-f]+"`)

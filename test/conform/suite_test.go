package conform_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write RESULTS.md anew")

// A scenario is one rule and a play that shows it kept.
type scenario struct {
	name    string
	section string // "3261 16.3"
	about   string
	run     func(*play)
}

func deadline() (<-chan time.Time, func()) {
	t := time.NewTimer(patience)
	return t.C, func() { t.Stop() }
}

func scenarios() []scenario {
	return slices.Concat(refusals(), passages(), answers(), routing(), inviting(), dialogs(), inward(), descriptions(), overtaken(), registering(), strangers(), streams())
}

// TestSuite plays every scenario against one running pair and holds the page of
// results against what came out.
func TestSuite(t *testing.T) {
	if testing.Short() {
		t.Skip("plays against a running pair: not in -short")
	}
	all := scenarios()
	if len(all) < 100 {
		t.Errorf("the suite has %d scenarios, want at least 100", len(all))
	}
	r := newRig(t)
	passed := map[string]bool{}
	for _, s := range all {
		if _, twice := passed[s.name]; twice {
			t.Errorf("two scenarios are called %s", s.name)
		}
		passed[s.name] = t.Run(s.name, func(t *testing.T) { s.run(r.play(t)) })
	}
	page := results(all, passed)
	if *update {
		if err := os.WriteFile("RESULTS.md", []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if old, err := os.ReadFile("RESULTS.md"); err != nil || string(old) != page {
		t.Errorf("RESULTS.md is not what this run showed (%v): run go test ./test/conform -update", err)
	}
}

func results(all []scenario, passed map[string]bool) string {
	var b strings.Builder
	good := 0
	for _, s := range all {
		if passed[s.name] {
			good++
		}
	}
	fmt.Fprintf(&b, `# Conformance

Written by the run itself: `+"`go test ./test/conform -update`"+`. Every scenario plays a raw
phone outside and a raw far end inside against a running edge and core. The
torture messages of RFC 4475 and RFC 5118 are judged apart, in the same folder
and in test/pair.

%d scenarios, %d passed.

| scenario | rule | what | result |
|---|---|---|---|
`, len(all), good)
	for _, s := range all {
		verdict := "passed"
		if !passed[s.name] {
			verdict = "FAILED"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", s.name, s.section, strings.ReplaceAll(s.about, "|", "\\|"), verdict)
	}
	return b.String()
}

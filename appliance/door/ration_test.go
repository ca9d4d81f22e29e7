package door

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestRation(t *testing.T) {
	now := time.Now()
	r := NewRation[string](func() time.Time { return now })
	take := func(name string, want bool) {
		t.Helper()
		if wait, ok := r.Take(name, 2, time.Minute); ok != want || !ok && (wait <= 0 || wait > time.Minute) {
			t.Errorf("%s: %v after %s", name, ok, wait)
		}
	}
	take("a", true)
	now = now.Add(10 * time.Second)
	take("a", true)
	take("a", false)
	take("b", true)
	now = now.Add(50 * time.Second)
	take("a", true)
	if _, ok := r.Take("a", 0, time.Minute); !ok {
		t.Error("no limit limits")
	}
}

// TestRationIsBounded: names that strangers invent neither grow it without end
// nor cost a walk through all of them each.
func TestRationIsBounded(t *testing.T) {
	r := NewRation[string](time.Now)
	for i := range maxRations + 1 {
		if _, ok := r.Take(strconv.Itoa(i), 1, time.Hour); !ok {
			t.Fatalf("name %d is refused for the sake of others", i)
		}
	}
	if n := len(r.used); n > rationsLeft+1 {
		t.Errorf("%d names are left when room was made, which leaves none for the next", n)
	}
}

func TestRationGivesBack(t *testing.T) {
	now := time.Now()
	r := NewRation[string](func() time.Time { return now })
	for range 10 {
		if _, ok := r.Take("a", 1, time.Minute); !ok || !r.Has("a", time.Minute) {
			t.Fatal("what was given back counts")
		}
		r.Give("a")
	}
	r.Give("nobody")
	if r.Has("a", time.Minute) || r.Has("nobody", time.Minute) {
		t.Error("something counts for nothing")
	}
	r.Take("a", 1, time.Minute)
	if now = now.Add(time.Minute); r.Has("a", time.Minute) {
		t.Error("it counts for ever")
	}
}

// TestBrake: a source has its lines, a network no more, and all together theirs.
func TestBrake(t *testing.T) {
	var log strings.Builder
	now := time.Now()
	b := NewBrake(slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return now }, "refused")
	written := func(source func(i int) string) (n int) {
		for i := range 3 * linesAll {
			if b.Writes(source(i)) {
				n++
			}
		}
		return n
	}
	if n := written(func(i int) string { return fmt.Sprintf("2001:db8::%x", i+1) }); n != LinesEach {
		t.Errorf("%d lines about one network", n)
	}
	if n := written(func(i int) string { return fmt.Sprintf("10.%d.%d.1", i/250, i%250) }); n != linesAll-LinesEach {
		t.Errorf("%d lines about everybody else", n)
	}
	if n := strings.Count(log.String(), "more than are written down"); n != 1 {
		t.Errorf("%d lines about the others", n)
	}
	if now = now.Add(time.Minute); !b.Writes("192.0.2.1") {
		t.Error("nothing is written any more")
	}
}

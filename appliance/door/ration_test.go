package door

import (
	"strconv"
	"testing"
	"time"
)

func TestRation(t *testing.T) {
	now := time.Now()
	r := NewRation(func() time.Time { return now })
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
	r := NewRation(time.Now)
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
	r := NewRation(func() time.Time { return now })
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

package core

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/state"
)

// clock is a time that a test moves by hand.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func newClock() *clock { return &clock{time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)} }

func emptyBook(t testing.TB, c *clock, limit int) book {
	t.Helper()
	s, err := state.Open("", c.read)
	if err != nil {
		t.Fatal(err)
	}
	return newBook(s, limit)
}

func TestBookKeepsWhatIsUsed(t *testing.T) {
	c := newClock()
	b := emptyBook(t, c, 10)
	used, _ := b.put(mark{}, "<sip:10.0.0.20;lr>")
	left, _ := b.put(mark{}, "<sip:10.0.0.21;lr>")
	if again, _ := b.put(mark{}, "<sip:10.0.0.20;lr>"); again != used || b.table.Len() != 2 {
		t.Error("one text has two places")
	}
	for range 3 {
		c.now = c.now.Add(bookTTL - time.Hour)
		if text, err := b.get(used); err != nil || text != "<sip:10.0.0.20;lr>" {
			t.Fatalf("%q, %v", text, err)
		}
	}
	if text, err := b.get(left); err == nil {
		t.Errorf("%q outlives its time", text)
	}
}

// TestBookMakesRoom: a full book costs the dialogs that were silent longest,
// not every new one.
func TestBookMakesRoom(t *testing.T) {
	c := newClock()
	b := emptyBook(t, c, 80)
	talks, _ := b.put(mark{}, "<sip:talks>")
	silent, _ := b.put(mark{}, "<sip:silent>")
	for i := range 1000 {
		c.now = c.now.Add(time.Second)
		if _, err := b.put(mark{}, fmt.Sprintf("<sip:10.0.0.20;lr;ftag=%d>", i)); err != nil {
			t.Fatal(err)
		}
		if _, err := b.get(talks); err != nil {
			t.Fatalf("a talking dialog lost its route after %d others", i)
		}
	}
	if _, err := b.get(silent); err == nil || b.table.Len() > 80 {
		t.Errorf("%d texts, silent: %v", b.table.Len(), err)
	}
}

func TestBookRefusesLongTexts(t *testing.T) {
	b := emptyBook(t, newClock(), 10)
	if _, err := b.put(mark{}, "<sip:"+strings.Repeat("x", maxText)+">"); err == nil || b.table.Len() != 0 {
		t.Error("kept")
	}
}

// TestBookBoundsEachUser: whoever fills his share pushes out what he himself
// caused, not the silent dialogs of others.
func TestBookBoundsEachUser(t *testing.T) {
	c := newClock()
	b := emptyBook(t, c, 8*bookShare)
	mallory := markOf("mallory@example.com")
	silent, _ := b.put(markOf("alice@example.com"), "<sip:silent>")
	inside, _ := b.put(mark{}, "<sip:inside>")
	first, _ := b.put(mallory, "<sip:first>")
	for i := range 20 * bookShare {
		c.now = c.now.Add(time.Second)
		if _, err := b.put(mallory, fmt.Sprintf("<sip:mallory@192.0.2.9;n=%d>", i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range []handle{silent, inside} {
		if _, err := b.get(h); err != nil {
			t.Error(err)
		}
	}
	if _, err := b.get(first); err == nil || b.table.Len() > 2+8 {
		t.Errorf("%d texts, his first: %v", b.table.Len(), err)
	}
}

// One text of two users is kept for each of them.
func TestBookKeepsUsersApart(t *testing.T) {
	b := emptyBook(t, newClock(), 1000)
	one, _ := b.put(markOf("a@example.com"), "<sip:x>")
	other, _ := b.put(markOf("b@example.com"), "<sip:x>")
	if one == other || b.table.Len() != 2 {
		t.Errorf("%x and %x, %d texts", one, other, b.table.Len())
	}
}

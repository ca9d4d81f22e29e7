// Package alarm holds the alarms that are raised now: state, not log.
//
// Whoever finds a cause raises the alarm of xapi's table under a key that tells
// apart things of one kind (a zone, a listener, a file), and lowers it when the
// cause is gone. Shell, web and xStatus list the book. It knows no causes itself
// and sends nothing anywhere.
package alarm

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"sallyport/appliance/xapi"
)

// Raised is one alarm that holds now.
type Raised struct {
	Alarm        *xapi.Alarm
	Key          string // what it is about: "zone edge1", "TLS 192.0.2.1:5061"
	Detail       string // the newest cause in words
	Since        time.Time
	Times        int // how often it was raised since
	Acknowledged bool
}

// maxRaised bounds the book: keys may stem from names that a stranger chose.
const maxRaised = 1000

// Book is the set of raised alarms. All methods may be called from any
// goroutine.
type Book struct {
	now func() time.Time

	mu      sync.Mutex
	raised  map[id]*Raised
	dropped int
	watches []chan struct{}
}

type id struct {
	alarm int
	key   string
}

// NewBook returns an empty book. now tells the time.
func NewBook(now func() time.Time) *Book {
	return &Book{now: now, raised: map[id]*Raised{}}
}

// Raise notes that the alarm holds for key. Raised again, it keeps its time and
// its acknowledgement and takes the new detail. A full book takes no new key.
func (b *Book) Raise(a *xapi.Alarm, key, detail string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := id{a.ID, key}
	r, known := b.raised[at]
	if !known {
		if len(b.raised) >= maxRaised {
			b.dropped++
			return
		}
		r = &Raised{Alarm: a, Key: key, Since: b.now()}
		b.raised[at] = r
	}
	changed := !known || r.Detail != detail
	r.Detail, r.Times = detail, r.Times+1
	if changed {
		b.signalLocked()
	}
}

// Lower notes that the alarm no longer holds for key. Lowering what is not
// raised does nothing.
func (b *Book) Lower(a *xapi.Alarm, key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := id{a.ID, key}
	if _, known := b.raised[at]; known {
		delete(b.raised, at)
		b.signalLocked()
	}
}

// Set raises or lowers, by whether the alarm holds.
func (b *Book) Set(a *xapi.Alarm, key string, holds bool, detail string) {
	if holds {
		b.Raise(a, key, detail)
		return
	}
	b.Lower(a, key)
}

// Keep lowers the alarm for every key that is not in keys, for causes that are
// found by looking at everything anew.
func (b *Book) Keep(a *xapi.Alarm, keys ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for at := range b.raised {
		if at.alarm == a.ID && !slices.Contains(keys, at.key) {
			delete(b.raised, at)
			b.signalLocked()
		}
	}
}

// Acknowledge marks every raised alarm with the number as seen, and reports
// whether there is one.
func (b *Book) Acknowledge(number int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := false
	for at, r := range b.raised {
		if at.alarm == number {
			found, r.Acknowledged = true, true
		}
	}
	if found {
		b.signalLocked()
	}
	return found
}

// List returns what is raised, by severity, then number, then key.
func (b *Book) List() []Raised {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Raised, 0, len(b.raised))
	for _, r := range b.raised {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(x, y Raised) int {
		return cmp.Or(x.Alarm.Rank()-y.Alarm.Rank(), x.Alarm.ID-y.Alarm.ID, cmp.Compare(x.Key, y.Key))
	})
	return out
}

// Dropped is how many alarms found the book full.
func (b *Book) Dropped() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dropped
}

// Watch returns a channel that is ready whenever the list has changed since it
// was last received from. It is for readers that live as long as the book, and
// is ready at once.
func (b *Book) Watch() <-chan struct{} {
	c := make(chan struct{}, 1)
	c <- struct{}{}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watches = append(b.watches, c)
	return c
}

// Unwatch ends a watch, for readers that live shorter than the book.
func (b *Book) Unwatch(c <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watches = slices.DeleteFunc(b.watches, func(w chan struct{}) bool { return (<-chan struct{})(w) == c })
}

func (b *Book) signalLocked() {
	for _, c := range b.watches {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

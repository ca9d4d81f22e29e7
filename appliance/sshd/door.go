package sshd

import (
	"net/netip"
	"sync"
	"time"
)

// What a stranger can grow, and how far.
const (
	loginTime    = 60 * time.Second // from accept to logged in; a person types a password in it
	writeTime    = 30 * time.Second
	lifeTime     = 24 * time.Hour
	emptyTime    = time.Minute // logged in without a session
	maxWaiting   = 64          // connections not logged in yet
	maxPerSource = 16
	maxLoggedIn  = 32
	maxFailures  = 5 // then the source is locked out
	failWindow   = 10 * time.Minute
	lockTime     = 10 * time.Minute
	maxSources   = 4096 // remembered failing sources
	maxChecks    = 2    // passwords checked at a time
	maxPassword  = 1024
	maxAuthTries = 8 // keys that one connection may offer; agents hold several
)

// door admits connections that are not logged in and remembers who failed.
// It never refuses the newest: when it is full, one that has been sitting
// there goes, so that connections held open in silence cannot shut
// administrators out.
type door struct {
	now func() time.Time

	mu       sync.Mutex // guards all below; no I/O under it
	turn     uint64     // of the newest connection
	waiting  map[*conn]struct{}
	inside   map[*conn]struct{}
	failures map[netip.Prefix]*failure
}

type failure struct {
	count  int
	last   time.Time
	locked bool
}

func newDoor(now func() time.Time) *door {
	return &door{
		now:      now,
		waiting:  map[*conn]struct{}{},
		inside:   map[*conn]struct{}{},
		failures: map[netip.Prefix]*failure{},
	}
}

// admit lets c wait for its login. It returns the connection that has to leave
// for it, if any; the caller closes that one.
func (d *door) admit(c *conn) (leaves *conn, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lockedLocked(c.source) {
		return nil, false
	}
	leaves = d.crowdedOutLocked(c.source)
	delete(d.waiting, leaves)
	d.turn++
	c.turn = d.turn
	d.waiting[c] = struct{}{}
	return leaves, true
}

// crowdedOutLocked picks who leaves: somebody of the same source when that has
// its share, else somebody of the source that holds the most. Within a source
// silent connections leave before ones that talk, older before younger.
func (d *door) crowdedOutLocked(source netip.Prefix) *conn {
	count := map[netip.Prefix]int{}
	for c := range d.waiting {
		count[c.source]++
	}
	switch {
	case count[source] >= maxPerSource:
	case len(d.waiting) >= maxWaiting:
		source = largest(count)
	default:
		return nil
	}
	var worst *conn
	for c := range d.waiting {
		if c.source == source && (worst == nil || worse(c, worst)) {
			worst = c
		}
	}
	return worst
}

func largest(count map[netip.Prefix]int) (source netip.Prefix) {
	most := 0
	for s, n := range count {
		if n > most {
			source, most = s, n
		}
	}
	return source
}

func worse(a, b *conn) bool {
	if a.heard.Load() != b.heard.Load() {
		return !a.heard.Load()
	}
	return a.turn < b.turn
}

// enter moves c from waiting to inside and forgives its source. False means
// that the house is full.
func (d *door) enter(c *conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.waiting, c)
	delete(d.failures, c.source)
	if len(d.inside) >= maxLoggedIn {
		return false
	}
	d.inside[c] = struct{}{}
	return true
}

func (d *door) leave(c *conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.waiting, c)
	delete(d.inside, c)
}

// all returns every connection, logged in or not.
func (d *door) all() []*conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]*conn, 0, len(d.waiting)+len(d.inside))
	for c := range d.waiting {
		list = append(list, c)
	}
	for c := range d.inside {
		list = append(list, c)
	}
	return list
}

// failed counts a wrong password or a connection that offered only wrong keys.
// It reports whether this failure locks the source out.
func (d *door) failed(source netip.Prefix) (locks bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	f := d.failures[source]
	if f == nil || now.Sub(f.last) > failWindow {
		d.makeRoomLocked(now)
		f = &failure{}
		d.failures[source] = f
	}
	f.count++
	f.last = now
	locks = f.count >= maxFailures && !f.locked
	f.locked = f.count >= maxFailures
	return locks
}

// makeRoomLocked keeps the table at its size. What is over goes first, then
// the source that failed longest ago, locked or not.
func (d *door) makeRoomLocked(now time.Time) {
	if len(d.failures) < maxSources {
		return
	}
	var oldest netip.Prefix
	var last time.Time
	for s, f := range d.failures {
		if now.Sub(f.last) > max(failWindow, lockTime) {
			delete(d.failures, s)
		} else if last.IsZero() || f.last.Before(last) {
			oldest, last = s, f.last
		}
	}
	if len(d.failures) >= maxSources {
		delete(d.failures, oldest)
	}
}

func (d *door) locked(source netip.Prefix) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lockedLocked(source)
}

func (d *door) lockedLocked(source netip.Prefix) bool {
	f := d.failures[source]
	return f != nil && f.locked && d.now().Sub(f.last) <= lockTime
}

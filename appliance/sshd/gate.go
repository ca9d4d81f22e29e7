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

// gate admits connections that are not logged in and remembers who failed.
// It never refuses the newest: when it is full, one that has been sitting
// there goes, so that connections held open in silence cannot shut
// administrators out.
type gate struct {
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

func newGate(now func() time.Time) *gate {
	return &gate{
		now:      now,
		waiting:  map[*conn]struct{}{},
		inside:   map[*conn]struct{}{},
		failures: map[netip.Prefix]*failure{},
	}
}

// admit lets c wait for its login. It returns the connection that has to leave
// for it, if any; the caller closes that one.
func (g *gate) admit(c *conn) (leaves *conn, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lockedLocked(c.source) {
		return nil, false
	}
	leaves = g.crowdedOutLocked(c.source)
	delete(g.waiting, leaves)
	g.turn++
	c.turn = g.turn
	g.waiting[c] = struct{}{}
	return leaves, true
}

// crowdedOutLocked picks who leaves: somebody of the same source when that has
// its share, else somebody of the source that holds the most. Within a source
// silent connections leave before ones that talk, older before younger.
func (g *gate) crowdedOutLocked(source netip.Prefix) *conn {
	count := map[netip.Prefix]int{}
	for c := range g.waiting {
		count[c.source]++
	}
	switch {
	case count[source] >= maxPerSource:
	case len(g.waiting) >= maxWaiting:
		source = largest(count)
	default:
		return nil
	}
	var worst *conn
	for c := range g.waiting {
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
func (g *gate) enter(c *conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.waiting, c)
	delete(g.failures, c.source)
	if len(g.inside) >= maxLoggedIn {
		return false
	}
	g.inside[c] = struct{}{}
	return true
}

func (g *gate) leave(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.waiting, c)
	delete(g.inside, c)
}

// all returns every connection, logged in or not.
func (g *gate) all() []*conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]*conn, 0, len(g.waiting)+len(g.inside))
	for c := range g.waiting {
		list = append(list, c)
	}
	for c := range g.inside {
		list = append(list, c)
	}
	return list
}

// failed counts a wrong password or a connection that offered only wrong keys.
// It reports whether this failure locks the source out.
func (g *gate) failed(source netip.Prefix) (locks bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	f := g.failures[source]
	if f == nil || now.Sub(f.last) > failWindow {
		g.makeRoomLocked(now)
		f = &failure{}
		g.failures[source] = f
	}
	f.count++
	f.last = now
	locks = f.count >= maxFailures && !f.locked
	f.locked = f.count >= maxFailures
	return locks
}

// makeRoomLocked keeps the table at its size. What is over goes first, then
// the source that failed longest ago, locked or not.
func (g *gate) makeRoomLocked(now time.Time) {
	if len(g.failures) < maxSources {
		return
	}
	var oldest netip.Prefix
	var last time.Time
	for s, f := range g.failures {
		if now.Sub(f.last) > max(failWindow, lockTime) {
			delete(g.failures, s)
		} else if last.IsZero() || f.last.Before(last) {
			oldest, last = s, f.last
		}
	}
	if len(g.failures) >= maxSources {
		delete(g.failures, oldest)
	}
}

func (g *gate) locked(source netip.Prefix) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lockedLocked(source)
}

func (g *gate) lockedLocked(source netip.Prefix) bool {
	f := g.failures[source]
	return f != nil && f.locked && g.now().Sub(f.last) <= lockTime
}

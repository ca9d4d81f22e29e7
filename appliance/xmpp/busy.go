package xmpp

import (
	"net/netip"
	"sync"
	"time"
)

// busy counts connections, in all and by source: an IPv4 address or an IPv6
// /64. It forgets a source with its last one, so it never holds more entries
// than connections.
type busy struct {
	most, mostOne int

	mu  sync.Mutex
	all int
	one map[netip.Prefix]int
}

func newBusy(most, mostOne int) *busy {
	return &busy{most: most, mostOne: mostOne, one: map[netip.Prefix]int{}}
}

func (b *busy) enter(a netip.Addr) bool {
	who := sourceOf(a)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all >= b.most || b.one[who] >= b.mostOne {
		return false
	}
	b.all++
	b.one[who]++
	return true
}

func (b *busy) leave(a netip.Addr) {
	who := sourceOf(a)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all--
	if b.one[who]--; b.one[who] <= 0 {
		delete(b.one, who)
	}
}

func (b *busy) load() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all
}

func sourceOf(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// seldom thins out a log line that strangers can cause as often as they like.
type seldom struct {
	clock func() time.Time

	mu      sync.Mutex
	next    time.Time
	skipped int
}

const seldomEvery = 10 * time.Second

// now tells whether to write the line, and how many were left out before it.
func (s *seldom) now() (skipped int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.clock()
	if at.Before(s.next) {
		s.skipped++
		return 0, false
	}
	skipped, s.skipped, s.next = s.skipped, 0, at.Add(seldomEvery)
	return skipped, true
}

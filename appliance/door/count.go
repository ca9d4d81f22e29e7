package door

import (
	"net/netip"
	"sync"
)

// Source is who a stranger counts as: an IPv4 address or an IPv6 /64, since one
// subscriber has as many addresses there as he likes.
func Source(a netip.Addr) netip.Prefix {
	bits := 32
	if a = a.Unmap(); a.Is6() {
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits)
	return p
}

// Named is Source of an address that is written down; of no address, as it is.
func Named(source string) string {
	if a, err := netip.ParseAddr(source); err == nil {
		return Source(a).String()
	}
	return source
}

// Count bounds how many of one thing there are at a time, in all and by source.
// An office behind one address may have many while there is room; what one
// source may have shrinks with the square of what is free, so that a few cannot
// shut everybody else out. It forgets a source with its last one, so it never
// holds more entries than there are things. All methods may be called from any
// goroutine.
type Count struct {
	most, mostOne int

	mu  sync.Mutex
	all int
	one map[netip.Prefix]int
}

// NewCount returns a count of none.
func NewCount(most, mostOne int) *Count {
	return &Count{most: most, mostOne: mostOne, one: map[netip.Prefix]int{}}
}

// Enter takes a place for a; Leave gives it back. False: there is none, and
// nothing was taken.
func (c *Count) Enter(a netip.Addr) bool {
	who := Source(a)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= c.most || c.one[who] >= c.shareLocked() {
		return false
	}
	c.all++
	c.one[who]++
	return true
}

// crowded is from how many on a share shrinks: fewer are too few to share.
const crowded = 64

// shareLocked is what one source may have now: half of all at first, an eighth
// when half is free, and at least one.
func (c *Count) shareLocked() int {
	if c.most < crowded {
		return c.mostOne
	}
	free := c.most - c.all
	return min(c.mostOne, max(free*free/(2*c.most), 1))
}

// Leave gives a place back that Enter took.
func (c *Count) Leave(a netip.Addr) {
	who := Source(a)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.one[who]--; c.one[who] <= 0 {
		delete(c.one, who)
	}
}

// Load is how many there are now.
func (c *Count) Load() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all
}

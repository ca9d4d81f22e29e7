package httpproxy

import (
	"net/netip"
	"sync"
)

// busy counts the requests in progress, in all and by source: an IPv4 address
// or an IPv6 /64. It forgets a source with its last request, so it never holds
// more entries than requests.
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

func sourceOf(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

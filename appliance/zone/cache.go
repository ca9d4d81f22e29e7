package zone

import (
	"sync"
	"time"

	"github.com/miekg/dns"
)

// maxCached bounds what is remembered: strangers choose which names are asked.
const maxCached = 4096

type question struct {
	name string // lower case, with the final dot
	kind uint16
}

type cached struct {
	rrs []dns.RR // not to be changed
	end time.Time
}

// cache keeps answers until their time is over.
type cache struct {
	now func() time.Time

	mu    sync.Mutex
	known map[question]cached
}

func newCache(now func() time.Time) cache { return cache{now: now, known: map[question]cached{}} }

func (c *cache) get(q question) ([]dns.RR, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.known[q]
	if !ok || !c.now().Before(e.end) {
		return nil, false
	}
	return e.rrs, true
}

// put makes room by forgetting what is over, or else anything.
func (c *cache) put(q question, rrs []dns.RR, ttl time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if len(c.known) >= maxCached {
		for k, e := range c.known {
			if !now.Before(e.end) {
				delete(c.known, k)
			}
		}
	}
	for k := range c.known {
		if len(c.known) < maxCached {
			break
		}
		delete(c.known, k)
	}
	c.known[q] = cached{rrs, now.Add(ttl)}
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.known)
}

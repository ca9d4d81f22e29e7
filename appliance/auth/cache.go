package auth

import (
	"container/list"
	"context"
	"strings"
	"sync"
	"time"
)

// CacheLimits are the Authentication Remote Digest Cache settings.
type CacheLimits struct {
	On       bool
	Lifetime time.Duration // of an entry since core gave it
	Sweep    time.Duration // how often what has expired is dropped; 0: when room is needed
	Limit    int           // entries
}

// Cache keeps at edge, in memory only, what core decided about digest users
// (guide: Fast Path Registration). All methods may be called from any goroutine.
type Cache struct {
	clock   func() time.Time
	changed chan struct{}

	mu      sync.Mutex
	limits  CacheLimits
	entries map[cacheKey]*list.Element
	order   *list.List // of *cacheEntry, the oldest first
	hits    int
	misses  int
}

// cacheKey is whom an entry is for: core decided about these together.
type cacheKey struct{ algorithm, user, realm, owner string }

type cacheEntry struct {
	cacheKey
	ha1   string
	since time.Time
}

// NewCache returns an empty cache that is off.
func NewCache(clock func() time.Time) *Cache {
	return &Cache{clock: clock, changed: make(chan struct{}, 1), entries: map[cacheKey]*list.Element{}, order: list.New()}
}

// Apply sets the limits. A cache that is off forgets everything.
func (c *Cache) Apply(l CacheLimits) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l == c.limits {
		return
	}
	c.limits = l
	if !l.On {
		c.limits.Limit = 0
	}
	c.makeRoomLocked(c.limits.Limit)
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// On tells whether anything is kept.
func (c *Cache) On() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limits.Limit > 0 && c.limits.Lifetime > 0
}

func (c *Cache) get(k cacheKey) (ha1 string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[k]
	if e == nil || !c.liveLocked(e) {
		c.misses++
		return "", false
	}
	c.hits++
	return e.Value.(*cacheEntry).ha1, true
}

func (c *Cache) put(k cacheKey, ha1 string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limits.Limit == 0 || c.limits.Lifetime == 0 {
		return
	}
	if old := c.entries[k]; old != nil {
		c.removeLocked(old)
	}
	c.makeRoomLocked(c.limits.Limit - 1)
	c.entries[k] = c.order.PushBack(&cacheEntry{k, ha1, c.clock()})
}

// Forget drops what is kept about a user, "" about everybody.
func (c *Cache) Forget(user string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, e := range c.entries {
		if user == "" || strings.EqualFold(bareUser(k.user), user) {
			c.removeLocked(e)
		}
	}
}

func (c *Cache) liveLocked(e *list.Element) bool {
	return c.clock().Before(e.Value.(*cacheEntry).since.Add(c.limits.Lifetime))
}

// makeRoomLocked leaves at most limit entries: the oldest go.
func (c *Cache) makeRoomLocked(limit int) {
	for e := c.order.Front(); e != nil && (c.order.Len() > limit || !c.liveLocked(e)); e = c.order.Front() {
		c.removeLocked(e)
	}
}

func (c *Cache) removeLocked(e *list.Element) {
	delete(c.entries, e.Value.(*cacheEntry).cacheKey)
	c.order.Remove(e)
}

// Run drops what has expired, as often as is configured, until ctx ends.
func (c *Cache) Run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Stop()
		if every := c.sweep(); every > 0 {
			timer.Reset(every)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-c.changed:
		case <-timer.C:
		}
	}
}

// sweep drops what has expired and tells when to do so again, 0: never.
func (c *Cache) sweep() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.makeRoomLocked(c.limits.Limit)
	return c.limits.Sweep
}

package state

import (
	"bytes"
	"container/heap"
	"sync"
	"time"
)

// Bounds of one record, so that a table's limit bounds its memory.
const (
	maxKey   = 512
	maxValue = 64 << 10
)

// Table is a bounded map with expiry. All methods may be called from any
// goroutine.
type Table struct {
	name  string
	clock func() time.Time
	wake  func()
	hurry func()

	mu     sync.Mutex
	limit  int
	rows   map[string]*row
	expiry expiryHeap
	dirty  map[string]bool // keys the file does not have yet; nil = no file
	shares shares
	feed   func(Change)
}

type row struct {
	key     string
	value   []byte
	expires time.Time // zero = never
	slot    int       // place in the heap; -1 = not there
}

func newTable(name string, limit int, clock func() time.Time, wake, hurry func()) *Table {
	return &Table{name: name, limit: limit, clock: clock, wake: wake, hurry: hurry, rows: map[string]*row{}}
}

// Put sets a key for ttl; a ttl of zero or less never expires. The value is
// copied. The error is ErrFull, ErrShare, or one of a record that is too large.
func (t *Table) Put(key string, val []byte, ttl time.Duration) error {
	if key == "" || len(key) > maxKey || len(val) > maxValue {
		return errTooLarge
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock()
	r := t.rows[key]
	if r == nil {
		if len(t.rows) >= t.limit && !t.makeRoomLocked(now) {
			return ErrFull
		}
		if !t.shares.room(key) {
			return ErrShare
		}
		r = &row{key: key, slot: -1}
		t.insertLocked(r)
	}
	r.value = append([]byte{}, val...) // never nil: nil means removed
	t.setExpiryLocked(r, now, ttl)
	t.changedLocked(Change{t.name, key, r.value, r.expires})
	return nil
}

// Hurry has what changed written at once, not with the next batch: what others
// were told to rely on is lost only if the node dies within the one write. It
// does not wait for that; many that hurry share a write.
func (t *Table) Hurry() { t.hurry() }

// Get returns a copy of what the key holds. What has expired is not there.
func (t *Table) Get(key string) ([]byte, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.rows[key]
	if r == nil || r.expired(t.clock()) {
		return nil, false
	}
	return bytes.Clone(r.value), true
}

// View calls f with what the key holds and when that expires, zero for never,
// and reports whether there was anything. f must not keep v, and must not use
// the table.
func (t *Table) View(key string, f func(v []byte, expires time.Time)) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.rows[key]
	if r == nil || r.expired(t.clock()) {
		return false
	}
	f(r.value, r.expires)
	return true
}

// Delete removes a key; removing what is not there does nothing.
func (t *Table) Delete(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.rows[key]; r != nil {
		t.removeLocked(r)
	}
}

// Range calls f for every key that has not expired, in no order, until f returns
// false. f sees the table as it was when Range began, may change the table, and
// must not change v. expires is zero for what never expires.
func (t *Table) Range(f func(k string, v []byte, expires time.Time) bool) {
	for _, r := range t.copy() {
		if !f(r.key, r.value, r.expires) {
			return
		}
	}
}

func (t *Table) copy() []row {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock()
	out := make([]row, 0, len(t.rows))
	for _, r := range t.rows {
		if !r.expired(now) {
			out = append(out, *r)
		}
	}
	return out
}

// Len is the number of keys, counting those that have expired but not been
// dropped yet.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.rows)
}

func (t *Table) setLimit(limit int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limit = limit
}

func (t *Table) setFeed(f func(Change)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.feed = f
}

// makeRoomLocked drops what has expired, and reports whether that made room.
func (t *Table) makeRoomLocked(now time.Time) bool {
	t.expireLocked(now)
	return len(t.rows) < t.limit
}

func (t *Table) setExpiryLocked(r *row, now time.Time, ttl time.Duration) {
	if r.slot >= 0 {
		heap.Remove(&t.expiry, r.slot)
	}
	r.expires = time.Time{}
	if ttl > 0 {
		r.expires = now.Add(ttl).Round(0)
		heap.Push(&t.expiry, r)
	}
}

func (t *Table) insertLocked(r *row) {
	t.rows[r.key] = r
	t.shares.add(r.key, 1)
}

func (t *Table) removeLocked(r *row) {
	if r.slot >= 0 {
		heap.Remove(&t.expiry, r.slot)
	}
	delete(t.rows, r.key)
	t.shares.add(r.key, -1)
	t.changedLocked(Change{Table: t.name, Key: r.key})
}

func (t *Table) changedLocked(c Change) {
	if t.feed != nil {
		t.feed(c)
	}
	if t.dirty != nil {
		t.dirty[c.Key] = true
	}
	t.wake()
}

// expire drops what has expired and returns when the next key will; zero if none.
func (t *Table) expire(now time.Time) (next time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.expireLocked(now)
}

func (t *Table) expireLocked(now time.Time) (next time.Time) {
	for len(t.expiry) > 0 {
		if first := t.expiry[0]; first.expired(now) {
			t.removeLocked(first)
			continue
		}
		return t.expiry[0].expires
	}
	return time.Time{}
}

func (r *row) expired(now time.Time) bool {
	return !r.expires.IsZero() && !r.expires.After(now)
}

// expiryHeap is a heap.Interface with the row that expires first on top.
type expiryHeap []*row

func (h expiryHeap) Len() int           { return len(h) }
func (h expiryHeap) Less(i, j int) bool { return h[i].expires.Before(h[j].expires) }
func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}

// Push is heap.Interface's.
func (h *expiryHeap) Push(x any) {
	r := x.(*row)
	r.slot = len(*h)
	*h = append(*h, r)
}

// Pop is heap.Interface's.
func (h *expiryHeap) Pop() any {
	last := len(*h) - 1
	r := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	r.slot = -1
	return r
}

package door

import (
	"sync"
	"time"
)

// Ration bounds how often something named may happen within a period. It
// forgets a name with its period, and under pressure any others: strangers can
// make it forget, but neither grow nor stand still. All methods may be called
// from any goroutine.
type Ration[Name comparable] struct {
	clock func() time.Time

	mu   sync.Mutex
	used map[Name]spent
}

type spent struct {
	since time.Time
	times int
}

// maxRations bounds the names remembered. When they are as many, room is made
// for a share of them at once, so that the work stays small for each.
const (
	maxRations  = 50_000
	rationsLeft = maxRations * 7 / 8
)

// NewRation returns one that has counted nothing.
func NewRation[Name comparable](clock func() time.Time) *Ration[Name] {
	return &Ration[Name]{clock: clock, used: map[Name]spent{}}
}

// Take counts one more for a name, unless limit is used up for the period;
// then wait tells when it will not be. A limit or period of zero limits nothing.
func (r *Ration[Name]) Take(name Name, limit int, period time.Duration) (wait time.Duration, ok bool) {
	if limit <= 0 || period <= 0 {
		return 0, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock()
	u, known := r.used[name]
	if !now.Before(u.since.Add(period)) {
		u = spent{since: now}
	}
	if u.times >= limit {
		return u.since.Add(period).Sub(now), false
	}
	u.times++
	if !known && len(r.used) >= maxRations {
		r.makeRoomLocked(now, period)
	}
	r.used[name] = u
	return 0, true
}

// Give takes one back that was counted for a name.
func (r *Ration[Name]) Give(name Name) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if u, known := r.used[name]; known && u.times > 0 {
		u.times--
		r.used[name] = u
	}
}

// Spent tells whether limit is used up for a name within the period.
func (r *Ration[Name]) Spent(name Name, limit int, period time.Duration) bool {
	if limit <= 0 {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	u, known := r.used[name]
	return known && u.times >= limit && r.clock().Before(u.since.Add(period))
}

// Has tells whether something was counted for a name within the period.
func (r *Ration[Name]) Has(name Name, period time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	u, known := r.used[name]
	return known && u.times > 0 && r.clock().Before(u.since.Add(period))
}

func (r *Ration[Name]) makeRoomLocked(now time.Time, period time.Duration) {
	for name, u := range r.used {
		if !now.Before(u.since.Add(period)) {
			delete(r.used, name)
		}
	}
	for name := range r.used { // any will do
		if len(r.used) <= rationsLeft {
			return
		}
		delete(r.used, name)
	}
}

package edge

import (
	"sync"

	"sallyport/appliance/xapi"
)

// usage counts registrations for xStatus ResourceUsage.
type usage struct {
	mu          sync.Mutex
	peak, total int
}

// added notes a new registration, of now in all.
func (u *usage) added(now int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.total++
	u.peak = max(u.peak, now)
}

func (u *usage) report(n *xapi.Node, now, most int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	n.Int("Current", now).Int("Max", u.peak).Int("Total", u.total).Int("Limit", most)
}

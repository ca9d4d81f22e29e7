package call

import (
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/media"
	"sallyport/appliance/xapi"
)

// RuleBandwidth is by what calls are refused for want of bandwidth.
const RuleBandwidth = "Zones LocalZone TraversalSubZone Bandwidth Total"

// Bandwidth counts what media takes of a node, and knows what it may take. Its
// zero value has no limit.
type Bandwidth struct {
	full atomic.Bool

	mu            sync.Mutex // guards all below
	seen          map[media.SessionID]uint64
	at            time.Time
	current, peak int // kbit/s
	limit         int // 0: none
}

// Full tells whether no new call may begin.
func (b *Bandwidth) Full() bool { return b.full.Load() }

// take measures what came in since it was last called, and holds it against the
// limit of a plan.
func (b *Bandwidth) take(p Plan, all []media.SessionStats, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := make(map[media.SessionID]uint64, len(all))
	var fresh uint64
	for _, s := range all {
		n := received(s)
		if before := b.seen[s.ID]; n > before {
			fresh += n - before
		}
		seen[s.ID] = n
	}
	if gone := now.Sub(b.at); !b.at.IsZero() && gone > 0 {
		b.current = int(float64(fresh) * 8 / 1000 / gone.Seconds())
		b.peak = max(b.peak, b.current)
	}
	b.seen, b.at = seen, now
	b.limit = p.Bandwidth
	b.full.Store(p.NoBandwidth || b.limit > 0 && b.current >= b.limit)
}

// received is what a session's sides sent to this node so far, in bytes.
func received(s media.SessionStats) (n uint64) {
	for _, st := range s.Streams {
		n += st.Client.RxBytes + st.UC.RxBytes
	}
	return n
}

func (b *Bandwidth) counts() (current, peak, limit int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current, b.peak, b.limit
}

// Report adds what xStatus ResourceUsage shows.
func (b *Bandwidth) Report(n *xapi.Node) {
	current, peak, limit := b.counts()
	n.Int("Current", current).Int("Max", peak)
	if limit > 0 {
		n.Int("Limit", limit)
	}
}

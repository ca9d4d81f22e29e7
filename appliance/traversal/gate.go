package traversal

import (
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// Bounds of what strangers may cost before they have proven who they are.
const (
	handshakeTime    = 5 * time.Second
	maxStrangers     = 128 // handshakes at a time, all listeners together
	maxPerSource     = 16  // … from one address
	maxLinksPerZone  = 64  // nodes that edge remembers per zone
	refusalLogPeriod = 30 * time.Second
)

// gate counts handshakes that are under way.
type gate struct {
	mu      sync.Mutex
	total   int
	sources map[netip.Addr]int
}

func newGate() *gate { return &gate{sources: map[netip.Addr]int{}} }

// enter takes a place for a handshake; leave gives it back.
func (g *gate) enter(a netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total >= maxStrangers || g.sources[a] >= maxPerSource {
		return false
	}
	g.total++
	g.sources[a]++
	return true
}

func (g *gate) leave(a netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if g.sources[a]--; g.sources[a] == 0 {
		delete(g.sources, a)
	}
}

// refusal is the last stranger that a zone turned away.
type refusal struct {
	at     time.Time
	from   netip.AddrPort
	why    string
	count  uint64
	logged time.Time
	quiet  int // not logged since
}

// refuse notes and logs a refusal; a flood of them is logged now and then.
func (l *Links) refuse(zone string, from netip.AddrPort, why string) {
	now := l.cfg.Clock()
	l.mu.Lock()
	r := l.refused[zone]
	log := why != r.why || now.Sub(r.logged) >= refusalLogPeriod
	quiet := r.quiet
	r.at, r.from, r.why = now, from, why
	r.count++
	if r.quiet++; log && (now.Sub(r.logged) >= time.Second || r.logged.IsZero()) {
		r.logged, r.quiet = now, 0
	} else {
		log = false
	}
	l.refused[zone] = r
	l.mu.Unlock()
	if log {
		l.cfg.Log.Warn("traversal peer refused", "zone", zone, "from", from, "why", why, "unreported", quiet)
	}
}

func (r refusal) String() string { return fmt.Sprintf("refused %s: %s", r.from, r.why) }

package traversal

import (
	"fmt"
	"net/netip"
	"time"
)

// Bounds of what strangers may cost before they have proven who they are.
const (
	handshakeTime    = 5 * time.Second
	maxStrangers     = 128 // handshakes at a time, all listeners together
	maxPerSource     = 16  // … from one source
	maxLinksPerZone  = 64  // nodes that edge remembers per zone
	refusalLogPeriod = 30 * time.Second
)

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

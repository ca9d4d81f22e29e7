package lab

import (
	"bytes"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Capture is one thing seen on the wire by an element of the lab.
type Capture struct {
	Time          time.Time
	Sent          bool // by the element itself
	Network       string
	Local, Remote netip.AddrPort
	Raw           []byte
}

// maxCaptures bounds what one element remembers; the oldest go first.
const maxCaptures = 8192

// recorder keeps what an element saw, and what a second parser thought of it.
type recorder struct {
	mu     sync.Mutex
	seen   []Capture
	faults []string
}

func (r *recorder) record(c Capture) {
	fault := secondOpinion(c)
	c.Raw = bytes.Clone(c.Raw)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.seen) == maxCaptures {
		r.seen = append(r.seen[:0], r.seen[maxCaptures/2:]...)
	}
	r.seen = append(r.seen, c)
	if fault != "" && len(r.faults) < maxFields {
		r.faults = append(r.faults, fault)
	}
}

// secondOpinion lets sipgo's parser read what a peer sent.
func secondOpinion(c Capture) string {
	if c.Sent {
		return ""
	}
	if _, err := sip.NewParser().ParseSIP(c.Raw); err != nil {
		return err.Error() + " in: " + string(c.Raw[:min(len(c.Raw), 300)])
	}
	return ""
}

// Captured is a copy of all that was sent and received, oldest first.
func (r *recorder) Captured() []Capture {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Capture(nil), r.seen...)
}

// Received is every message that came from a peer, oldest first.
func (r *recorder) Received() []Capture {
	var in []Capture
	for _, c := range r.Captured() {
		if !c.Sent {
			in = append(in, c)
		}
	}
	return in
}

// Faults lists what sipgo's parser found wrong with received messages.
func (r *recorder) Faults() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.faults...)
}

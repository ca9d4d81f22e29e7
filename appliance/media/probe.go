package media

import (
	"sync/atomic"
	"time"
)

// prover keeps one half of a core link leg proven at edge: by a probe at
// once, every second until the first acknowledgement, and every ten seconds
// or when something seems lost afterwards.
type prover struct {
	proven  atomic.Bool
	seq     uint64 // of the last control frame sent
	asked   int64  // when the last probe went out
	acked   int64  // when the last acknowledgement came
	pending uint64 // sequence of the probe that is not acknowledged, 0 = none
	tries   int
}

const (
	probeEvery = int64(10 * time.Second)
	probeAgain = int64(time.Second)
	probeFirst = int64(tick) // the first few tries: the far end may not have read the description yet
	probeQuick = 10
	probeLoss  = 3 // unanswered probes until the leg counts as lost
)

// due reports whether a probe should go out now; idle is how long nothing
// came by this half.
func (p *prover) due(now int64, idle time.Duration) bool {
	switch since := now - p.asked; {
	case p.asked == 0:
		return true
	case p.pending != 0 && p.tries < probeQuick && !p.proven.Load():
		return since >= probeFirst
	case p.pending != 0:
		return since >= probeAgain
	case idle > time.Second && idle < 3*time.Second:
		return since >= probeAgain // media stopped: a NAT in between may have forgotten us
	default:
		return since >= probeEvery
	}
}

// next is the sequence number for a control frame. It begins at the clock, so
// that it grows over restarts too.
func (p *prover) next(now int64) uint64 {
	p.seq = max(p.seq+1, uint64(now))
	return p.seq
}

// sent notes a probe.
func (p *prover) sent(now int64, seq uint64) {
	p.asked, p.pending = now, seq
	if p.tries++; p.tries > probeLoss && p.acked != 0 && now-p.acked > int64(probeLoss)*probeAgain {
		p.proven.Store(false)
	}
}

// ack takes an acknowledgement of the last probe.
func (p *prover) ack(now int64, seq uint64) bool {
	if seq == 0 || seq != p.pending {
		return false
	}
	p.pending, p.tries, p.acked = 0, 0, now
	p.proven.Store(true)
	return true
}

// grow raises v to n and reports whether n was higher.
func grow(v *atomic.Uint64, n uint64) bool {
	for {
		old := v.Load()
		if n <= old {
			return false
		}
		if v.CompareAndSwap(old, n) {
			return true
		}
	}
}

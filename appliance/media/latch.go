package media

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A latch is what edge knows of where one half of a client's stream comes
// from. Edge has no keys, so every source is a candidate: its packets go to
// core tagged with a slot, few of them, until core says which slot's packets
// are the client's. Only that source is then sent to.
//
//	slot 0  the address that the client's description names
//	slot 1  the host of the confirmed source, on another port (a NAT that rebinds)
//	slot 2  the host that the client signals from
//	slot 3… anybody; a newcomer takes the place of the one that was quiet longest
type latch struct {
	confirmed atomic.Pointer[candidate] // read by the packet path

	mu       sync.Mutex // guards the rest
	slots    [latchSlots]*candidate
	gens     [latchSlots]uint8
	signaled netip.AddrPort
	host     netip.Addr // the client's signalling host
	seq      uint64     // of the last confirmation taken
}

const (
	latchSlots  = 6
	slotSignal  = 0
	slotRebound = 1
	slotHost    = 2
	slotAnybody = 3

	candidateRate  = 25 // packets per second of a source that is not confirmed
	candidateBurst = 12
	candidateHold  = time.Second // a stranger keeps his slot that long
)

// candidate is one source in one slot. All but its bucket is fixed.
type candidate struct {
	to       *endpoint
	tag      slotTag
	expected bool // the host is one that signalling told
	bucket   bucket
	seen     int64
}

// bucket bounds packets per second; its holder's lock guards it.
type bucket struct {
	tokens float64
	at     int64
}

// take spends one token if there is one.
func (b *bucket) take(now int64, rate, burst float64) bool {
	if b.at == 0 {
		b.tokens = burst
	}
	if d := now - b.at; d > 0 {
		b.tokens = min(burst, b.tokens+rate*float64(d)/float64(time.Second))
	}
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// expect tells what signalling knows of the client. A newly signalled
// address does not undo a confirmation: only core does.
func (l *latch) expect(signaled netip.AddrPort, host netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.signaled, l.host = signaled, host
}

// admit finds or makes the candidate of a source that is not the confirmed
// one, and reports whether its packet may pass.
func (l *latch) admit(src netip.AddrPort, now int64) (*candidate, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.find(src)
	if c == nil {
		if c = l.place(src, now); c == nil {
			return nil, false
		}
	}
	c.seen = now
	return c, c.bucket.take(now, candidateRate, candidateBurst)
}

func (l *latch) find(src netip.AddrPort) *candidate {
	for _, c := range l.slots {
		if c != nil && c.to.addr == src {
			return c
		}
	}
	return nil
}

// place gives a new source a slot, or nil if none may be taken yet.
func (l *latch) place(src netip.AddrPort, now int64) *candidate {
	slot := l.slotFor(src, now)
	if slot < 0 {
		return nil
	}
	l.gens[slot] = l.gens[slot]%15 + 1
	c := &candidate{to: newEndpoint(src), tag: tagOf(slot, l.gens[slot]), expected: l.isExpected(src)}
	l.slots[slot] = c
	return c
}

func (l *latch) isExpected(src netip.AddrPort) bool {
	return src.Addr() == l.host || src.Addr() == l.signaled.Addr()
}

func (l *latch) slotFor(src netip.AddrPort, now int64) int {
	conf := l.confirmed.Load()
	switch {
	case src == l.signaled && l.free(slotSignal, now, 0):
		return slotSignal
	case conf != nil && src.Addr() == conf.to.addr.Addr() && l.free(slotRebound, now, candidateHold):
		return slotRebound
	case l.isExpected(src) && l.free(slotHost, now, candidateHold):
		return slotHost
	}
	quiet := -1
	for i := slotAnybody; i < latchSlots; i++ {
		if l.free(i, now, candidateHold) && (quiet < 0 || l.slots[i] == nil ||
			l.slots[quiet] != nil && l.slots[i].seen < l.slots[quiet].seen) {
			quiet = i
		}
	}
	return quiet
}

// free reports whether a slot may be given away: never the confirmed one's,
// and none that was heard within the hold time.
func (l *latch) free(slot int, now int64, hold time.Duration) bool {
	c := l.slots[slot]
	return c == nil || c != l.confirmed.Load() && now-c.seen >= int64(hold)
}

// confirm takes core's word for a slot. A word that came before or names a
// source that lost its slot is void.
func (l *latch) confirm(tag slotTag, seq uint64) *candidate {
	l.mu.Lock()
	defer l.mu.Unlock()
	if tag.slot() >= latchSlots || seq <= l.seq {
		return nil
	}
	c := l.slots[tag.slot()]
	if c == nil || c.tag != tag {
		return nil
	}
	l.seq = seq
	l.confirmed.Store(c)
	return c
}

// reset forgets who was confirmed and by which word, for a new channel key.
func (l *latch) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq = 0
}

package signaling

import (
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"sallyport/appliance/sip"
)

// answered is what stays of an INVITE once its 2xx was relayed: what it takes
// to relay repeats of that, and those of other forks (RFC 6026, Timer M). The
// transaction itself goes: a busy node has a hundred thousand of them in the
// half minute for which they are waited for, and the collector looks through
// each.
type answered struct {
	far
	id       uint64 // digest of the branch's identifier
	request  uint64 // digest of the INVITE's key: a repeat of it is absorbed
	back     Conn   // towards the caller
	port     uint16
	trace    string
	response func(*sip.Message) // OnResponse of the branch
	vias     string             // those that HideVia keeps, a line each
	until    time.Duration
	next     *answered // younger
}

// answeredTable finds them by branch identifier. All of them stay for the same
// time, so that the oldest is the first to go; it also goes where there would be
// too many.
type answeredTable struct {
	mu             sync.Mutex
	limit          int
	seed           maphash.Seed
	held           map[uint64]*answered
	requests       map[uint64]struct{}
	oldest, newest *answered
}

func (t *answeredTable) init(limit int) {
	t.limit, t.seed = limit, maphash.MakeSeed()
	t.held, t.requests = map[uint64]*answered{}, map[uint64]struct{}{}
}

// knows tells whether an INVITE of that key was answered.
func (t *answeredTable) knows(k serverKey) bool {
	digest := maphash.Comparable(t.seed, k)
	t.mu.Lock()
	defer t.mu.Unlock()
	_, is := t.requests[digest]
	return is
}

func (t *answeredTable) find(id string) *answered {
	digest := maphash.String(t.seed, id)
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.held[digest]
}

// add takes one in, by the identifier of its branch and the key of its INVITE,
// and lets go of those whose time is over at now.
func (t *answeredTable) add(a *answered, id string, k serverKey, now time.Duration) {
	a.id, a.request = maphash.String(t.seed, id), maphash.Comparable(t.seed, k)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.newest != nil {
		t.newest.next = a
	} else {
		t.oldest = a
	}
	t.newest, t.held[a.id], t.requests[a.request] = a, a, struct{}{}
	for o := t.oldest; o.until <= now || len(t.held) > t.limit; o = t.oldest {
		t.dropLocked()
	}
}

// expire lets go of those whose time is over, and returns when the next one's
// is; 0: there is none.
func (t *answeredTable) expire(now time.Duration) (next time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.oldest != nil && t.oldest.until <= now {
		t.dropLocked()
	}
	if t.oldest == nil {
		return 0
	}
	return t.oldest.until
}

func (t *answeredTable) dropLocked() {
	o := t.oldest
	delete(t.held, o.id)
	delete(t.requests, o.request)
	if t.oldest = o.next; t.oldest == nil {
		t.newest = nil
	}
}

// settle replaces the transaction of a branch whose 2xx was relayed.
func (b *branch) settle() {
	t := b.tx
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state != accepted || b.state != branchAccepted || b.Msg == nil {
		return
	}
	b.recorded = len(b.Msg.Values("Record-Route"))
	b.Msg, b.Next, b.Dial, t.Msg = nil, nil, nil, nil
	if t.Conn == nil || !t.soleLocked(b) {
		return
	}
	p := t.proxy
	p.answered.add(&answered{
		far: b.farLocked(), back: t.Conn, port: t.port, trace: strings.Clone(t.Trace),
		response: b.OnResponse, vias: strings.Join(b.vias, "\n"), until: b.limit,
	}, b.id, t.key, p.now())
	b.endLocked()
	t.state = gone
	t.settleLocked()
}

// soleLocked tells whether no other branch may still bring something.
func (t *transaction) soleLocked(b *branch) bool {
	for _, other := range t.branches {
		if other != b && other.state != branchGone {
			return false
		}
	}
	return true
}

// relay sends a 2xx on that came after the first one.
func (a *answered) relay(m *sip.Message) {
	p := a.proxy
	seen := dialogOf(m)
	m.PopFirst("Via")
	if a.vias != "" {
		m.SetAll("Via", strings.Split(a.vias, "\n"))
	}
	if !m.Has("Via") || a.response != nil && !p.shielded("response", a.trace, func() { a.response(m) }) {
		p.stray(m, "INVITE")
		a.hangUp(seen)
		return
	}
	if m.Status() >= 300 { // spoiled: the caller has a 2xx already
		a.hangUp(seen)
		return
	}
	p.tap(a.back, true, a.trace, m)
	_ = sendOnce(a.back, a.port, m)
}

package signaling

import (
	"strings"
	"sync"
	"time"

	"sallyport/appliance/sip"
)

// serverState is where a server transaction stands.
//
//	            1xx           ≥300            ACK
//	proceeding ─────▶ same ──────────▶ completed ──▶ confirmed ──▶ gone
//	    │                                  └─ Timer H, J ────────▶ gone
//	    └── 2xx of an INVITE ─▶ accepted ── Timer L ─────────────▶ gone
type serverState uint8

const (
	proceeding serverState = iota
	completed              // a final answer was sent; repeats of the request get it again
	confirmed              // the ACK came; more of them are absorbed
	accepted               // a 2xx was sent; more of them may follow
	gone
)

// transaction is a server transaction with the branches made for it. One that
// the proxy itself originates has no server side: conn is nil.
type transaction struct {
	Request
	key    serverKey
	invite bool
	port   uint16 // that answers go to, if it is not the one of Conn
	born   time.Duration
	watch  watcher
	place  entry

	mu        sync.Mutex // guards what follows; never held over Send or a callback
	state     serverState
	last      []byte   // the last answer, for repeats
	resend    repeater // Timer G
	end       time.Duration
	hush      time.Duration // when 100 is due; 0: it is not any more
	held      *hold
	cancelled bool
	reasons   []string  // Reason of the CANCEL
	branches  []*branch // the last one is the active one
	first     [1]*branch
	one       branch // the first of branches: few transactions have another
	counted   bool
}

func (p *Proxy) newTransaction(key serverKey, c Conn, m *sip.Message, trace string) *transaction {
	t := &transaction{key: key, invite: m.Method() == "INVITE", born: p.now()}
	if t.invite { // it outlives its message, which its key must not hold
		t.key.branch, t.key.method = strings.Clone(key.branch), "INVITE"
	}
	t.Request = Request{Msg: m, Conn: c, Trace: trace, proxy: p, tx: t}
	t.place.owner, t.watch.who = t, t
	t.branches = t.first[:0]
	if c != nil {
		t.port = replyPort(c, m)
	}
	return t
}

// open starts the wait for the role's decision.
func (t *transaction) open() {
	t.mu.Lock()
	t.counted = true
	t.waitForRoleLocked(t.born)
	if t.invite {
		t.hush = t.born + hush
	}
	if t.invite && t.Conn.Reliable() {
		t.proxy.watch.add(t.Conn.ID(), &t.watch)
	}
	t.settleLocked()
	t.mu.Unlock()
}

// roomLocked is where a branch is kept: the first that is used lies in the
// transaction itself.
func (t *transaction) roomLocked(used bool) *branch {
	if used && len(t.branches) == 0 {
		return &t.one
	}
	return new(branch)
}

func (t *transaction) waitForRoleLocked(now time.Duration) {
	t.end = now + timeout
	if t.invite {
		t.end = now + patience
	}
}

// active is the branch that may still bring an answer, or nil.
func (t *transaction) activeLocked() *branch {
	if n := len(t.branches); n > 0 && t.branches[n-1].state <= branchProceeding {
		return t.branches[n-1]
	}
	return nil
}

// respond sends an answer if the state admits it, and moves the state on.
func (t *transaction) respond(m *sip.Message) bool {
	if t.Conn == nil {
		return false
	}
	var raw []byte
	if t.keeps(m.Status()) {
		raw = m.Bytes()
	}
	t.mu.Lock()
	ok := t.admitsLocked(m.Status())
	if ok {
		t.advanceLocked(m.Status(), raw)
		t.settleLocked()
	}
	t.mu.Unlock()
	if ok {
		t.proxy.tap(t.Conn, true, t.Trace, m)
	}
	switch { // a client that is gone gets no answer
	case ok && raw != nil:
		_ = reply(t.Conn, t.port, raw)
	case ok:
		_ = sendOnce(t.Conn, t.port, m)
	}
	return ok
}

// trying says that the request is here, if nothing else has said so.
func (t *transaction) trying() {
	t.mu.Lock()
	if t.state != proceeding || t.last != nil {
		t.mu.Unlock()
		return
	}
	m := t.Msg
	raw := m.Trying()
	t.advanceLocked(100, raw)
	t.mu.Unlock()
	if tap := t.proxy.cfg.Tap; tap != nil && tap.Active() {
		t.proxy.tap(t.Conn, true, t.Trace, m.Reply(100, "Trying"))
	}
	_ = reply(t.Conn, t.port, raw)
}

// keeps tells whether an answer may have to be sent again.
func (t *transaction) keeps(status int) bool {
	if t.invite {
		return status < 200 || status >= 300
	}
	return status < 200 || !t.Conn.Reliable()
}

func (t *transaction) admitsLocked(status int) bool {
	switch t.state {
	case proceeding:
		return true
	case accepted: // repeats of a 2xx, and those of other forks (RFC 6026)
		return status >= 200 && status < 300
	}
	return false
}

// advanceLocked takes note of an answer that is being sent.
func (t *transaction) advanceLocked(status int, raw []byte) {
	t.hush = 0
	switch {
	case status < 200:
		t.last = raw
		return
	case t.state == accepted:
		return
	case !t.invite && t.Conn.Reliable():
		t.state, t.last = gone, nil // Timer J is 0
		return
	}
	now := t.proxy.now()
	switch {
	case t.invite && status < 300:
		t.state, t.last, t.end = accepted, nil, now+timeout // Timer L
	case t.invite:
		t.state, t.last, t.end = completed, raw, now+timeout // Timer H
		if !t.Conn.Reliable() {
			t.resend.begin(now) // Timer G
		}
	default:
		t.state, t.last, t.end = completed, raw, now+timeout // Timer J
	}
}

// repeated answers a retransmission of the request with the last answer.
func (t *transaction) repeated() {
	t.proxy.count.repeats.Add(1)
	t.mu.Lock()
	last := t.last
	t.mu.Unlock()
	if last != nil {
		_ = reply(t.Conn, t.port, last)
	}
}

// absorbs takes an ACK that belongs to a failed INVITE, or to one that has no
// final answer yet and so can have no ACK.
func (t *transaction) absorbs() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch t.state {
	case accepted, gone:
		return false
	case completed:
		t.resend.stop()
		t.state, t.end = confirmed, t.proxy.now()+t4 // Timer I
		if t.Conn.Reliable() {
			t.state = gone
		}
		t.settleLocked()
	}
	return true
}

// connClosed cancels a call whose caller can no longer hear the answer.
func (t *transaction) connClosed() { t.cancel(nil) }

// settleLocked places the transaction at its next deadline, or ends it when
// nothing is left to wait for.
func (t *transaction) settleLocked() {
	due := time.Duration(0)
	if t.Conn != nil && t.state != gone {
		due = sooner(sooner(t.resend.at, t.end), t.hush)
		if t.held != nil {
			due = sooner(due, t.held.at)
		}
	}
	alive := t.Conn != nil && t.state != gone
	for _, b := range t.branches {
		if b.state != branchGone {
			alive = true
			due = sooner(due, b.dueLocked())
		}
	}
	if t.Conn != nil && t.state == gone && t.counted {
		t.counted = false
		t.proxy.server.remove(t)
		t.proxy.server.release()
		t.proxy.watch.remove(&t.watch)
	}
	if !alive {
		due = 0
	}
	t.proxy.wheel.set(&t.place, due)
}

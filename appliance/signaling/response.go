package signaling

import (
	"strings"

	"sallyport/appliance/sip"
)

// response takes a response that came over c to the branch that it answers.
func (p *Proxy) response(c Conn, m *sip.Message) {
	id := m.Branch()
	b := p.client.find(id)
	n, method := m.CSeq()
	switch {
	case b == nil && p.again(c, id, m):
	case b == nil || !strings.HasPrefix(id, magic):
		p.stray(m, method)
	case !p.sameHop(b.Conn, c):
		p.count.foreign.Add(1)
		p.cfg.Log.Info("sip response from elsewhere", "trace", b.tx.Trace, "conn", c.ID(), "from", c.Remote(), "status", m.Status())
	case n != b.cseq:
		p.stray(m, method)
	case method == "CANCEL" && b.invite:
		p.tap(c, false, b.tx.Trace, m)
		b.cancelAnswered(m.Status())
	case method == b.method:
		p.tap(c, false, b.tx.Trace, m)
		b.received(m)
	default:
		p.stray(m, method)
	}
}

// again takes what is said to an INVITE that a 2xx has answered already.
func (p *Proxy) again(c Conn, id string, m *sip.Message) bool {
	a := p.answered.find(id)
	n, method := m.CSeq()
	switch {
	case a == nil || n != a.cseq || method != "INVITE" && method != "CANCEL":
		return false
	case !p.sameHop(a.over, c):
		p.count.foreign.Add(1)
		p.cfg.Log.Info("sip response from elsewhere", "trace", a.trace, "conn", c.ID(), "from", c.Remote(), "status", m.Status())
	default:
		p.tap(c, false, a.trace, m)
		if method == "INVITE" && m.Status()/100 == 2 { // what else forks and the CANCEL say comes too late
			a.relay(m)
		}
	}
	return true
}

// stray drops a response that answers nothing that we wait for.
func (p *Proxy) stray(m *sip.Message, method string) {
	p.count.stray.Add(1)
	if method == "INVITE" && m.Status() >= 200 && m.Status() < 300 {
		p.count.stray2xx.Add(1)
	}
}

// sameHop tells whether a response over got may answer what was sent over sent.
// Over UDP a host may answer from another port.
func (p *Proxy) sameHop(sent, got Conn) bool {
	if sent.ID() == got.ID() || p.cfg.Same != nil && p.cfg.Same(sent, got) {
		return true
	}
	return !sent.Reliable() && !got.Reliable() && sent.Remote().Addr() == got.Remote().Addr()
}

// received moves the branch on by a response to its request.
func (b *branch) received(m *sip.Message) {
	switch status := m.Status(); {
	case status < 200:
		b.provisional(m)
	case b.invite && status < 300:
		b.success(m)
	default:
		b.failure(m)
	}
}

func (b *branch) provisional(m *sip.Message) {
	t := b.tx
	t.mu.Lock()
	abandoned := b.state == branchAbandoned
	if b.state != branchCalling && b.state != branchProceeding && !abandoned {
		t.mu.Unlock()
		return
	}
	var cancel []byte
	if b.invite && !abandoned {
		b.resend.stop()
		b.raw = nil
		if !b.cancelling && (b.state == branchCalling || m.Status() > 100) {
			b.limit = t.proxy.now() + t.proxy.cfg.TimerC
		}
	}
	if !abandoned {
		b.state = branchProceeding
	}
	if b.invite && (t.cancelled || abandoned) {
		cancel = b.cancelLocked()
	}
	t.settleLocked()
	t.mu.Unlock()
	if cancel != nil {
		_ = b.Conn.Send(cancel)
	}
	if m.Status() > 100 && !abandoned {
		b.relay(m)
	}
}

// success relays a 2xx of an INVITE, be it the first, a repeat or of a fork,
// and also one that crossed our CANCEL.
func (b *branch) success(m *sip.Message) {
	t := b.tx
	t.mu.Lock()
	open := b.state == branchCalling || b.state == branchProceeding
	if b.state == branchAbandoned {
		t.mu.Unlock()
		b.hangUp(dialogOf(m))
		return
	}
	if !open && b.state != branchAccepted {
		t.mu.Unlock()
		t.proxy.stray(m, "INVITE")
		return
	}
	if open {
		b.state, b.limit, b.raw = branchAccepted, t.proxy.now()+timeout, nil // Timer M
		b.resend.stop()
		b.cancelAgain.stop()
		t.proxy.watch.remove(&b.watch)
		t.settleLocked()
	}
	t.mu.Unlock()
	b.relay(m)
}

// failure takes a final response other than the 2xx of an INVITE.
func (b *branch) failure(m *sip.Message) {
	t := b.tx
	t.mu.Lock()
	if b.state == branchFailed {
		ack := b.ack
		t.mu.Unlock()
		if ack != nil {
			_ = b.Conn.Send(ack)
		}
		return
	}
	abandoned := b.state == branchAbandoned
	if b.state != branchCalling && b.state != branchProceeding && !abandoned {
		t.mu.Unlock()
		return
	}
	rang := b.rang
	var ack []byte
	if b.invite {
		ack = b.ackLocked(m)
	}
	b.failedLocked(ack)
	t.settleLocked()
	t.mu.Unlock()
	if ack != nil {
		_ = b.Conn.Send(ack)
	}
	switch {
	case abandoned:
	case rang:
		b.conclude(&StatusError{Status: 408, Reason: "Request Timeout"}, nil)
	default:
		b.conclude(nil, m)
	}
}

// failedLocked keeps the branch as long as its final response may be repeated.
func (b *branch) failedLocked(ack []byte) {
	if b.Conn.Reliable() { // Timers D and K are 0
		b.endLocked()
		return
	}
	b.tx.proxy.watch.remove(&b.watch)
	b.state, b.raw, b.ack = branchFailed, nil, ack
	b.resend.stop()
	b.cancelAgain.stop()
	b.limit = b.tx.proxy.now() + t4 // Timer K
	if b.invite {
		b.limit = b.tx.proxy.now() + timeout // Timer D
	}
}

// fail ends a branch that gets no response.
func (b *branch) fail(why *StatusError) {
	t := b.tx
	t.mu.Lock()
	if b.state > branchProceeding {
		t.mu.Unlock()
		return
	}
	if b.invite && b.state == branchCalling && why.Status == 408 {
		b.abandonLocked()
	} else {
		b.endLocked()
	}
	if t.cancelled {
		why = requestTerminated()
	}
	t.settleLocked()
	t.mu.Unlock()
	b.conclude(why, nil)
}

// abandonLocked keeps an INVITE that was given up in mind for as long as its
// callee may still answer: two phones must not ring for one call.
func (b *branch) abandonLocked() {
	b.state, b.raw, b.limit = branchAbandoned, nil, b.tx.proxy.now()+timeout
	b.resend.stop()
	b.tx.proxy.watch.remove(&b.watch)
}

func requestTerminated() *StatusError {
	return &StatusError{Status: 487, Reason: "Request Terminated"}
}

// conclude decides what becomes of a failed branch: another try, or its
// response, or a failure made here.
func (b *branch) conclude(why *StatusError, m *sip.Message) {
	t := b.tx
	status := 0
	if why != nil {
		status = why.Status
	} else {
		status = m.Status()
	}
	if next := b.next(status); next != nil {
		t.forward(*next)
		return
	}
	if m != nil {
		b.relay(m)
		return
	}
	b.relayLocal(why)
}

// next asks the role for another branch, unless the caller has given up.
func (b *branch) next(status int) (spec *Branch) {
	t := b.tx
	t.mu.Lock()
	over := t.cancelled || t.state != proceeding || b.Next == nil || status < 300
	if !over {
		t.waitForRoleLocked(t.proxy.now())
	}
	t.mu.Unlock()
	if over {
		return nil
	}
	t.proxy.shielded("next", t.Trace, func() { spec = b.Next(status) })
	return spec
}

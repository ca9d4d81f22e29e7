package signaling

import "time"

// tick does what is due in a transaction. Sends that could block, and callbacks
// of the role, run off the timer.
func (t *transaction) tick(now time.Duration) {
	var late []func()
	var sends []outgoing
	t.mu.Lock()
	if t.Conn != nil {
		sends, late = t.tickServerLocked(now, sends, late)
	}
	for _, b := range t.branches {
		sends, late = b.tickLocked(now, sends, late)
	}
	t.settleLocked()
	t.mu.Unlock()
	for _, s := range sends {
		s.send(t.proxy)
	}
	for _, f := range late {
		t.proxy.off.run(f)
	}
}

// outgoing is a message that a timer sends.
type outgoing struct {
	conn Conn
	port uint16
	raw  []byte
}

func (o outgoing) send(p *Proxy) {
	if o.conn.Reliable() {
		p.off.run(func() { _ = o.conn.Send(o.raw) })
		return
	}
	p.count.resent.Add(1)
	_ = reply(o.conn, o.port, o.raw)
}

func (t *transaction) tickServerLocked(now time.Duration, sends []outgoing, late []func()) ([]outgoing, []func()) {
	if t.resend.due(now, t2) {
		sends = append(sends, outgoing{t.Conn, t.port, t.last})
	}
	if t.hush != 0 && t.hush <= now {
		t.hush = 0
		late = append(late, t.trying)
	}
	if do := t.dueHoldLocked(now); do != nil {
		late = append(late, do)
	}
	if t.end == 0 || t.end > now {
		return sends, late
	}
	t.end = 0
	if t.state == proceeding {
		late = append(late, func() { t.Reply(408, "Request Timeout") })
	} else {
		t.state, t.last = gone, nil
		t.resend.stop()
	}
	return sends, late
}

func (b *branch) tickLocked(now time.Duration, sends []outgoing, late []func()) ([]outgoing, []func()) {
	most := t2
	if b.invite {
		most = 0
	}
	if b.resend.due(now, most) {
		if !b.invite && b.state == branchProceeding {
			b.resend.at = now + t2
		}
		sends = append(sends, outgoing{b.Conn, 0, b.raw})
	}
	if b.cancelAgain.due(now, t2) {
		sends = append(sends, outgoing{b.Conn, 0, b.cancelRaw})
	}
	if b.limit == 0 || b.limit > now {
		return sends, late
	}
	b.limit = 0
	switch {
	case b.state >= branchFailed:
		b.endLocked()
	case b.invite && b.state == branchProceeding && !b.cancelling:
		b.rang = true // Timer C
		sends = append(sends, outgoing{b.Conn, 0, b.cancelLocked()})
	default:
		late = append(late, func() { b.fail(&StatusError{Status: 408, Reason: "Request Timeout"}) })
	}
	return sends, late
}

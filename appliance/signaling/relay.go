package signaling

import (
	"sallyport/appliance/sip"
)

// relay sends a response of the branch on to the client.
func (b *branch) relay(m *sip.Message) {
	t := b.tx
	status := m.Status()
	ok := b.invite && status/100 == 2
	var seen dialog
	if ok && b.OnResponse != nil {
		seen = dialogOf(m)
	}
	b.restoreVia(m)
	if t.Conn != nil && !m.Has("Via") {
		t.proxy.stray(m, b.method)
		b.relayLocal(&StatusError{Status: 502, Reason: "Bad Gateway"})
		return
	}
	if !b.edit(m) {
		if status >= 200 {
			b.relayLocal(&StatusError{Status: 500, Reason: "Server Internal Error"})
			b.hangUp(seen)
		}
		return
	}
	b.tell(m.Status(), status)
	if ok && m.Status() >= 300 {
		m.SetBody("", nil)
		b.hangUp(seen)
	}
	t.respond(m)
	if ok && m.Status()/100 == 2 {
		b.settle()
	}
}

// hangUp ends the call at the far end of the branch.
func (b *branch) hangUp(d dialog) {
	b.tx.mu.Lock()
	f := b.farLocked()
	b.tx.mu.Unlock()
	f.hangUp(d)
}

// relayLocal answers the client with a failure made here.
func (b *branch) relayLocal(why *StatusError) {
	t := b.tx
	t.mu.Lock()
	req := t.Msg
	t.mu.Unlock()
	if req == nil {
		return // answered with a 2xx
	}
	m := req.Reply(why.Status, why.Reason)
	t.proxy.finish(m, why.Fields)
	if why.Status != 500 && !b.edit(m) {
		m = req.Reply(500, "Server Internal Error")
	}
	b.tell(m.Status(), why.Status)
	if b.pointless(m.Status()) {
		t.mu.Lock()
		if t.state == proceeding {
			t.state = gone
			t.settleLocked()
		}
		t.mu.Unlock()
		return
	}
	t.respond(m)
}

// pointless tells whether a 408 would come too late to be heard: the client of
// anything but an INVITE has timed out by itself (RFC 4320 4.2).
func (b *branch) pointless(status int) bool {
	t := b.tx
	return status == 408 && !t.invite && t.proxy.now()-t.born >= timeout
}

// restoreVia takes our Via off a response and puts the client's stack back.
func (b *branch) restoreVia(m *sip.Message) {
	m.PopFirst("Via")
	if b.HideVia {
		m.SetAll("Via", b.vias)
	}
}

func (b *branch) edit(m *sip.Message) bool {
	if b.OnResponse == nil {
		return true
	}
	return b.tx.proxy.shielded("response", b.tx.Trace, func() { b.OnResponse(m) })
}

// tell reports the final status once. relayed is what the client sees, came
// what the branch had.
func (b *branch) tell(relayed, came int) {
	if came < 200 {
		return
	}
	b.tx.mu.Lock()
	final := b.OnFinal
	b.OnFinal = nil // once; and it holds the request
	b.tx.mu.Unlock()
	if final != nil {
		b.tx.proxy.shielded("final", b.tx.Trace, func() { final(relayed) })
	}
}

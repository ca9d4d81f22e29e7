package signaling

import (
	"strconv"

	"sallyport/appliance/sip"
)

// cancel gives up an INVITE that has no final answer: at once if it has not
// left, else by a CANCEL as soon as the far end has shown that it is there
// (RFC 3261 9.1). What the far end answers in the end is relayed, be it a 2xx.
func (t *transaction) cancel(reasons []string) {
	t.mu.Lock()
	if t.state != proceeding || t.cancelled || !t.invite {
		t.mu.Unlock()
		return
	}
	t.cancelled, t.reasons = true, reasons
	b := t.activeLocked()
	var raw []byte
	switch {
	case b == nil || b.state == branchWaiting:
		t.mu.Unlock()
		t.giveUp(b)
		return
	case b.state == branchProceeding:
		raw = b.cancelLocked()
		t.settleLocked()
	}
	t.mu.Unlock()
	if raw != nil {
		_ = b.Conn.Send(raw)
	}
}

// giveUp ends an INVITE that has not been sent anywhere.
func (t *transaction) giveUp(b *branch) {
	if b == nil {
		t.Reply(487, "Request Terminated")
		return
	}
	t.mu.Lock()
	abort := b.abort
	t.mu.Unlock()
	b.fail(requestTerminated())
	if abort != nil {
		abort()
	}
}

// cancelLocked returns the CANCEL to send for the branch, nil if it was made
// before. The far end then has 32 s to come to an end.
func (b *branch) cancelLocked() []byte {
	if b.cancelling {
		return nil
	}
	now := b.tx.proxy.now()
	m := b.hopRequest("CANCEL")
	for _, r := range b.tx.reasons {
		m.Add("Reason", r)
	}
	raw := m.Bytes()
	b.cancelling, b.limit = true, now+timeout
	if !b.Conn.Reliable() {
		b.cancelRaw = raw
		b.cancelAgain.begin(now) // Timer E
	}
	return raw
}

// cancelAnswered stops repeating the CANCEL; what counts is the INVITE's answer.
func (b *branch) cancelAnswered(status int) {
	b.tx.mu.Lock()
	defer b.tx.mu.Unlock()
	if status >= 200 {
		b.cancelRaw = nil
		b.cancelAgain.stop()
		b.tx.settleLocked()
	}
}

// ackLocked is the ACK of a failed INVITE (RFC 3261 17.1.1.3).
func (b *branch) ackLocked(resp *sip.Message) []byte {
	m := b.hopRequest("ACK")
	m.Set("To", resp.Get("To"))
	return m.Bytes()
}

// hopRequest makes the CANCEL or ACK of the branch's INVITE, which goes one hop
// only: one Via, the same Route and identity.
func (b *branch) hopRequest(method string) *sip.Message {
	m := sip.NewRequest(method, b.Msg.URI())
	m.Add("Via", b.Msg.Rows("Via")[0])
	m.SetMaxForwards(sip.DefaultMaxForwards)
	for _, name := range [...]string{"Route", "From", "To", "Call-ID"} {
		for _, v := range b.Msg.Rows(name) {
			m.Add(name, v)
		}
	}
	m.Add("CSeq", strconv.FormatUint(uint64(b.cseq), 10)+" "+method)
	m.Set("Content-Length", "0")
	return m
}

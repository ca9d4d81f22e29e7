package lab

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// clientTx is an RFC 3261 17.1 / RFC 6026 client transaction.
//
//	calling ──1xx──▶ proceeding ──3xx-6xx──▶ completed
//	   └───────────2xx─────────────▶ accepted (every 2xx is handed up)
type clientTx struct {
	s      *stack
	link   *link
	req    *Message
	raw    []byte
	invite bool
	on     func(*Message)

	mu       sync.Mutex // guards all below
	state    txState
	cancels  bool // CANCEL wanted or sent
	resend   *time.Timer
	deadline *time.Timer
}

type txState uint8

const (
	calling txState = iota
	proceeding
	accepted
	completed
)

// timerC is how long an INVITE may ring (RFC 3261 16.6 asks for over 3 min).
const timerC = 181 * time.Second

func clientKey(m *Message) string {
	via, _, _ := strings.Cut(m.Get("Via"), ",")
	return lookParam(via, "branch") + " " + m.Method()
}

// newBranch makes a Via branch with RFC 3261's cookie.
func newBranch() string { return "z9hG4bK" + randomHex(10) }

// start sends a request with our Via on top and calls on for every response
// that is to be seen; a failure of ours comes as a response, too.
func (s *stack) start(l *link, req *Message, on func(*Message)) *clientTx {
	return s.startOn(l, req, newBranch(), on)
}

func (s *stack) startOn(l *link, req *Message, branch string, on func(*Message)) *clientTx {
	req.Prepend("Via", fmt.Sprintf("SIP/2.0/%s %s;rport;branch=%s", l.network, s.sentBy(l), branch))
	t := &clientTx{s: s, link: l, req: req, raw: req.Bytes(), invite: req.Method() == "INVITE", on: on}
	s.mu.Lock()
	room := len(s.clients) < maxTransactions && !s.closed
	if room {
		s.clients[clientKey(req)] = t
	}
	s.mu.Unlock()
	if !room {
		t.fail(503, "No room for a transaction")
		return t
	}
	t.arm(64 * s.cfg.t1)
	if err := s.transmit(l, t.raw); err != nil {
		t.fail(503, "Send failed")
	} else if !l.reliable() {
		t.again(s.cfg.t1)
	}
	return t
}

// again retransmits over UDP with doubling gaps until something comes back.
func (t *clientTx) again(gap time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state != calling && (t.invite || t.state != proceeding) {
		return
	}
	t.resend = time.AfterFunc(gap, func() {
		t.s.transmit(t.link, t.raw)
		t.again(min(2*gap, 8*t.s.cfg.t1))
	})
}

// arm sets the time after which the transaction fails with 408.
func (t *clientTx) arm(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.deadline != nil {
		t.deadline.Stop()
	}
	t.deadline = time.AfterFunc(d, t.expire)
}

func (t *clientTx) expire() {
	t.mu.Lock()
	rang := t.invite && t.state == proceeding
	t.mu.Unlock()
	if rang {
		t.cancel()
	}
	t.fail(408, "Request Timeout")
}

func (t *clientTx) receive(m *Message) {
	switch status := m.Status(); {
	case status < 200:
		t.provisional(m)
	case status < 300:
		t.success(m)
	default:
		t.failure(m)
	}
}

func (t *clientTx) provisional(m *Message) {
	t.mu.Lock()
	ended := t.state > proceeding
	t.state = max(t.state, proceeding)
	cancels := t.cancels
	t.mu.Unlock()
	if ended {
		return
	}
	if t.invite {
		t.arm(timerC)
	}
	if cancels {
		t.sendCancel()
	}
	t.on(m)
}

func (t *clientTx) success(m *Message) {
	first := t.finish(accepted)
	if first || t.invite {
		t.on(m)
	}
}

func (t *clientTx) failure(m *Message) {
	first := t.finish(completed)
	if t.invite {
		t.s.transmit(t.link, t.ackFor(m).Bytes())
	}
	if first {
		t.on(m)
	}
}

// finish enters a final state and says whether this was the first final.
func (t *clientTx) finish(state txState) bool {
	t.mu.Lock()
	first := t.state < accepted
	if first {
		t.state = state
		t.stopLocked()
		t.deadline = time.AfterFunc(64*t.s.cfg.t1, t.forget)
	}
	t.mu.Unlock()
	return first
}

// fail makes a final response of our own.
func (t *clientTx) fail(status int, reason string) {
	if t.finish(completed) {
		t.on(t.req.Reply(status, reason, ""))
	}
}

func (t *clientTx) forget() {
	t.s.mu.Lock()
	delete(t.s.clients, clientKey(t.req))
	t.s.mu.Unlock()
}

func (t *clientTx) stop() {
	t.mu.Lock()
	t.stopLocked()
	t.mu.Unlock()
}

func (t *clientTx) stopLocked() {
	for _, timer := range []*time.Timer{t.resend, t.deadline} {
		if timer != nil {
			timer.Stop()
		}
	}
}

// cancel asks the far end to give up, at once or after its first provisional.
func (t *clientTx) cancel() {
	t.mu.Lock()
	now := t.state == proceeding && !t.cancels
	t.cancels = true
	t.mu.Unlock()
	if now {
		t.sendCancel()
	}
}

func (t *clientTx) sendCancel() {
	t.s.mu.Lock()
	_, sent := t.s.clients[strings.Replace(clientKey(t.req), " INVITE", " CANCEL", 1)]
	t.s.mu.Unlock()
	if sent {
		return
	}
	c := t.hopByHop("CANCEL")
	via := c.Get("Via")
	c.Del("Via")
	t.s.startOn(t.link, c, lookParam(via, "branch"), func(*Message) {})
}

// ackFor is the ACK of a non-2xx, RFC 3261 17.1.1.3.
func (t *clientTx) ackFor(resp *Message) *Message { return t.hopByHop("ACK").Set("To", resp.Get("To")) }

// hopByHop is a request that belongs to this INVITE's own hop: one Via, the
// same Request-URI, Route and CSeq number.
func (t *clientTx) hopByHop(method string) *Message {
	m := NewRequest(method, t.req.URI())
	m.Add("Via", t.req.All("Via")[0]).Add("Max-Forwards", "70")
	for _, f := range t.req.Fields {
		switch f.Name {
		case "From", "To", "Call-ID", "Route":
			m.Add(f.Name, f.Value)
		}
	}
	return m.Add("CSeq", fmt.Sprintf("%d %s", t.req.Seq(), method))
}

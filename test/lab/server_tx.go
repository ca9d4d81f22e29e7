package lab

import (
	"strings"
	"sync"
	"time"
)

// serverTx is an RFC 3261 17.2 / RFC 6026 server transaction. Any goroutine
// may answer it; only the first final answer counts.
type serverTx struct {
	s    *stack
	link *link
	req  *Message
	key  string

	mu     sync.Mutex // guards all below
	last   []byte     // the newest answer
	status int        // its code
	acked  bool
	timer  *time.Timer
}

// serverKey follows RFC 3261 17.2.3; ACK finds its INVITE.
func serverKey(l *link, m *Message, method string) string {
	if method == "ACK" {
		method = "INVITE"
	}
	via, _, _ := strings.Cut(m.Get("Via"), ",")
	sentBy, params, _ := strings.Cut(via, ";")
	return strings.Join([]string{l.remote.String(), sentBy, lookParam(";"+params, "branch"), method}, " ")
}

// server finds the transaction of a request (again), or makes one. An ACK
// makes none; without room there is none.
func (s *stack) server(l *link, m *Message) (t *serverTx, again bool) {
	key := serverKey(l, m, m.Method())
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.servers[key]; t != nil {
		return t, true
	}
	if m.Method() == "ACK" || len(s.servers) >= maxTransactions || s.closed {
		return nil, false
	}
	t = &serverTx{s: s, link: l, req: m, key: key}
	s.servers[key] = t
	return t, false
}

// cancelled finds the INVITE that a CANCEL means.
func (s *stack) cancelled(m *Message) *serverTx {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, t := range s.servers {
		if strings.HasSuffix(key, " INVITE") && lookParam(t.req.Get("Via"), "branch") == lookParam(m.Get("Via"), "branch") {
			return t
		}
	}
	return nil
}

// again answers a retransmission with the last response. An accepted INVITE
// stays silent: the user repeats its 2xx (RFC 6026 7.1).
func (t *serverTx) again() {
	t.mu.Lock()
	last, accepted := t.last, t.req.Method() == "INVITE" && t.status/100 == 2
	t.mu.Unlock()
	if last != nil && !accepted {
		t.s.transmit(t.link, last)
	}
}

// absorbs takes the ACK of a non-2xx answer; false means it was a 2xx's.
func (t *serverTx) absorbs() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.status < 300 {
		return false
	}
	t.acked = true
	return true
}

// reply answers with a response made from the request; edit may add to it.
func (t *serverTx) reply(status int, reason, tag string, edit ...func(*Message)) bool {
	m := t.req.Reply(status, reason, tag)
	for _, f := range edit {
		f(m)
	}
	return t.respond(m)
}

// respond sends a response; false means that a final one went before.
func (t *serverTx) respond(m *Message) bool {
	raw := m.Bytes()
	t.mu.Lock()
	if t.status >= 200 && !(t.status < 300 && m.Status() == t.status) {
		t.mu.Unlock()
		return false
	}
	first := t.status < 200
	t.last, t.status = raw, m.Status()
	t.mu.Unlock()
	t.s.transmit(t.link, raw)
	if first && m.Status() >= 200 {
		t.linger(t.s.cfg.t1, 64*t.s.cfg.t1)
	}
	return true
}

// linger keeps the answer for retransmissions, and repeats a refusal of an
// INVITE over UDP until its ACK comes (Timers G and H).
func (t *serverTx) linger(gap, left time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	repeats := t.req.Method() == "INVITE" && t.status >= 300 && !t.link.reliable() && !t.acked
	if !repeats {
		gap = left
	}
	t.timer = time.AfterFunc(gap, func() {
		switch {
		case left <= gap:
			t.forget()
		case repeats:
			t.again()
			t.linger(min(2*gap, 8*t.s.cfg.t1), left-gap)
		}
	})
}

func (t *serverTx) forget() {
	t.s.mu.Lock()
	delete(t.s.servers, t.key)
	t.s.mu.Unlock()
}

func (t *serverTx) stop() {
	t.mu.Lock()
	if t.timer != nil {
		t.timer.Stop()
	}
	t.mu.Unlock()
}

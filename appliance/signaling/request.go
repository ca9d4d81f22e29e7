package signaling

import (
	"sallyport/appliance/sip"
)

// Request is a request that waits for the role's decision: one Reply with a
// final status, or one Forward. Its methods may be called from any goroutine.
type Request struct {
	Msg   *sip.Message // as received, with received and rport filled in; not to be edited; nil once a 2xx has answered an INVITE
	Conn  Conn         // the connection that it came over
	Trace string

	proxy *Proxy
	tx    *transaction // nil: an ACK, which is never answered
}

// Reply answers the request. Provisional answers may be many; after the first
// final answer the rest is dropped. An ACK is not answered.
func (r *Request) Reply(status int, reason string, fields ...sip.Field) {
	if r.tx == nil || r.Msg == nil {
		return
	}
	m := r.Msg.Reply(status, reason)
	r.proxy.finish(m, fields)
	r.tx.respond(m)
}

// ReplyWith answers the request with a response that the caller made from
// r.Msg.Reply, body and all.
func (r *Request) ReplyWith(m *sip.Message) {
	if r.tx != nil {
		r.proxy.finish(m, nil)
		r.tx.respond(m)
	}
}

// Forward sends the request on. An ACK is sent without state. A request that
// was cancelled or answered meanwhile is not forwarded any more.
func (r *Request) Forward(b Branch) {
	if r.tx == nil {
		r.proxy.forwardACK(r, b)
		return
	}
	r.tx.forward(b)
}

// As is the same request with a message that the role made of it.
func (r *Request) As(m *sip.Message) *Request {
	made := *r
	made.Msg = m
	return &made
}

// Cancelled tells whether the client has cancelled the request.
func (r *Request) Cancelled() bool {
	if r.tx == nil {
		return false
	}
	r.tx.mu.Lock()
	defer r.tx.mu.Unlock()
	return r.tx.cancelled
}

// request takes a new request or a retransmission of one.
func (p *Proxy) request(c Conn, m *sip.Message, trace string) {
	key := keyOf(c, m, m.Method())
	if t := p.server.find(key); t != nil {
		t.repeated()
		return
	}
	if key.method == "INVITE" && p.answered.knows(key) {
		p.count.repeats.Add(1)
		return
	}
	stampVia(c, m)
	if !p.server.reserve() {
		p.count.full.Add(1)
		p.replyStateless(c, m, 503, "Service Unavailable", sip.RetryAfter(5))
		return
	}
	t := p.newTransaction(key, c, m, trace)
	if old := p.server.add(t); old != nil {
		p.server.release()
		old.repeated()
		return
	}
	t.open()
	if no := p.gate(c, m); no != nil {
		t.Reply(no.Status, no.Reason, no.Fields...)
		return
	}
	p.handle(&t.Request)
}

// ack absorbs the ACK of a failed INVITE and hands any other to the role.
func (p *Proxy) ack(c Conn, m *sip.Message, trace string) {
	if t := p.server.find(keyOf(c, m, "INVITE")); t != nil && t.absorbs() {
		return
	}
	stampVia(c, m)
	if m.MaxForwards() == 0 {
		p.count.refused.Add(1)
		return
	}
	p.handle(&Request{Msg: m, Conn: c, Trace: trace, proxy: p})
}

// cancel answers a CANCEL itself and cancels the INVITE that it means.
func (p *Proxy) cancel(c Conn, m *sip.Message) {
	key := keyOf(c, m, "INVITE")
	t := p.server.find(key)
	stampVia(c, m)
	if t == nil && !p.answered.knows(key) {
		p.replyStateless(c, m, 481, "Call/Transaction Does Not Exist")
		return
	}
	p.replyStateless(c, m, 200, "OK")
	if t != nil {
		t.cancel(m.Rows("Reason"))
	}
}

// replyStateless answers without a transaction.
func (p *Proxy) replyStateless(c Conn, m *sip.Message, status int, reason string, fields ...sip.Field) {
	resp := m.Reply(status, reason)
	p.finish(resp, fields)
	_ = sendOnce(c, replyPort(c, m), resp)
}

// finish adds to an answer made here what all of them carry.
func (p *Proxy) finish(m *sip.Message, fields []sip.Field) {
	for _, f := range fields {
		m.Add(f.Name, f.Value)
	}
	if p.cfg.Product != "" && m.Status() > 100 {
		m.Set("Server", p.cfg.Product)
	}
}

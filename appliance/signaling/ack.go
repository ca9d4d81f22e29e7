package signaling

import (
	"context"
	"slices"
	"strconv"

	"sallyport/appliance/sip"
)

// forwardACK sends the ACK of a 2xx on. It has no transaction and no answer.
func (p *Proxy) forwardACK(r *Request, b Branch) {
	m := b.Msg
	if b.HideVia {
		m.Remove("Via")
	}
	m.SetMaxForwards(m.MaxForwards() - 1)
	send := func(ctx context.Context) { p.sendACK(ctx, r.Trace, b) }
	if b.Conn != nil && !p.calls.waiting(m) {
		send(nil)
		return
	}
	if !p.calls.enqueue(p, m, send) {
		p.count.full.Add(1)
	}
}

func (p *Proxy) sendACK(ctx context.Context, trace string, b Branch) {
	c := b.Conn
	if c == nil {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		var err error
		p.shielded("dial", trace, func() { c, err = b.Dial(ctx) })
		if err != nil || c == nil {
			p.cfg.Log.Info("sip ack not delivered", "trace", trace, "err", err)
			return
		}
	}
	pushVia(b.Msg, c, b.Via, p.newBranch(loopMark{}))
	p.tap(c, true, trace, b.Msg)
	_ = sendOnce(c, 0, b.Msg)
}

// hangUp ends a call that the far end has answered and the role then refused:
// without an ACK and a BYE the callee would talk to nobody. ok is the 2xx as it
// came, our Via still on top.
func (b *branch) hangUp(ok *sip.Message) {
	if ok == nil {
		return
	}
	target, err := sip.ParseNameAddr(ok.Get("Contact"))
	if err != nil {
		return
	}
	for i, method := range [...]string{"ACK", "BYE"} {
		m := sip.NewRequest(method, target.URI.String())
		m.SetMaxForwards(sip.DefaultMaxForwards)
		m.SetAll("Route", b.routeBelow(ok))
		m.Set("From", ok.Get("From"))
		m.Set("To", ok.Get("To"))
		m.Set("Call-ID", ok.CallID())
		m.Set("CSeq", strconv.FormatUint(uint64(b.cseq)+uint64(i), 10)+" "+method)
		m.Set("Content-Length", "0")
		if method == "BYE" {
			b.tx.proxy.Originate(Branch{Msg: m, Conn: b.Conn, Via: b.Via})
			continue
		}
		pushVia(m, b.Conn, b.Via, b.tx.proxy.newBranch(loopMark{}))
		_ = sendOnce(b.Conn, 0, m)
	}
}

// routeBelow is the route from here to the callee: what was recorded below us,
// nearest first.
func (b *branch) routeBelow(ok *sip.Message) []string {
	recorded := ok.Values("Record-Route")
	b.tx.mu.Lock()
	above := b.recorded
	if b.Msg != nil {
		above = len(b.Msg.Values("Record-Route"))
	}
	b.tx.mu.Unlock()
	below := len(recorded) - above
	if below <= 0 {
		return nil
	}
	route := slices.Clone(recorded[:below])
	slices.Reverse(route)
	return route
}

// Originate sends a request of our own, such as an OPTIONS that probes a peer.
// Msg lacks only the Via. OnFinal is called once, OnResponse before it.
func (p *Proxy) Originate(b Branch) {
	method := b.Msg.Method()
	if method == "ACK" {
		p.forwardOwnACK(b)
		return
	}
	t := p.newTransaction(serverKey{}, nil, b.Msg, "")
	t.invite = method == "INVITE"
	p.count.originated.Add(1)
	t.forward(b)
}

func (p *Proxy) forwardOwnACK(b Branch) {
	b.Msg.SetMaxForwards(sip.DefaultMaxForwards + 1)
	p.forwardACK(&Request{Msg: b.Msg, proxy: p}, b)
}

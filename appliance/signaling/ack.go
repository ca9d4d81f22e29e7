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

// far is the far end of a branch: what it takes to end a call there.
type far struct {
	proxy    *Proxy
	over     Conn
	via      string // our sent-by there
	cseq     uint32
	recorded int // Record-Route values of the request as it left
}

// farLocked is the far end of the branch.
func (b *branch) farLocked() far {
	recorded := b.recorded
	if b.Msg != nil {
		recorded = len(b.Msg.Values("Record-Route"))
	}
	return far{proxy: b.tx.proxy, over: b.Conn, via: b.Via, cseq: b.cseq, recorded: recorded}
}

// dialog is what a 2xx says of the dialog that it makes, as it came.
type dialog struct {
	contact, from, to, call string
	recorded                []string
}

// dialogOf reads it; edits of the message do not change what was read.
func dialogOf(ok *sip.Message) dialog {
	return dialog{ok.Get("Contact"), ok.Get("From"), ok.Get("To"), ok.CallID(), ok.Values("Record-Route")}
}

// hangUp ends a call that the far end has answered and the role then refused:
// without an ACK and a BYE the callee would talk to nobody.
func (f far) hangUp(d dialog) {
	target, err := sip.ParseNameAddr(d.contact)
	if err != nil {
		return
	}
	for i, method := range [...]string{"ACK", "BYE"} {
		m := sip.NewRequest(method, target.URI.String())
		m.SetMaxForwards(sip.DefaultMaxForwards)
		m.SetAll("Route", f.routeBelow(d.recorded))
		m.Set("From", d.from)
		m.Set("To", d.to)
		m.Set("Call-ID", d.call)
		m.Set("CSeq", strconv.FormatUint(uint64(f.cseq)+uint64(i), 10)+" "+method)
		m.Set("Content-Length", "0")
		if method == "BYE" {
			f.proxy.Originate(Branch{Msg: m, Conn: f.over, Via: f.via})
			continue
		}
		pushVia(m, f.over, f.via, f.proxy.newBranch(loopMark{}))
		_ = sendOnce(f.over, 0, m)
	}
}

// routeBelow is the route from here to the callee: what was recorded below us,
// nearest first.
func (f far) routeBelow(recorded []string) []string {
	below := len(recorded) - f.recorded
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

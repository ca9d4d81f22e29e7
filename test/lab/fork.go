package lab

import (
	"context"
	"sync"
)

// fork is one request on its way to one or several places (RFC 3261 16.7).
type fork struct {
	r           *Registrar
	t           *serverTx
	recordRoute bool

	mu        sync.Mutex // guards all below
	open      int        // branches without a final answer
	best      *Message
	cancelled bool
	branches  []*clientTx
}

// relay sends a request to every hop at once.
func (r *Registrar) relay(t *serverTx, hops []hop, recordRoute bool) {
	f := &fork{r: r, t: t, recordRoute: recordRoute, open: len(hops)}
	if t.req.Method() == "INVITE" {
		t.reply(100, "Trying", "")
	}
	r.mu.Lock()
	r.forks[t] = f
	r.mu.Unlock()
	for _, h := range hops {
		if r.linkNow(h) != nil {
			f.branch(h) // in the order of the connection
		} else {
			r.background(func() { f.branch(h) })
		}
	}
}

// Rest waits until every request that the registrar passed on has been answered
// by all it was sent to: the sender of a forked one knows only of the first.
func (r *Registrar) Rest(ctx context.Context) error {
	r.mu.Lock()
	if len(r.forks) == 0 {
		r.mu.Unlock()
		return nil
	}
	if r.rests == nil {
		r.rests = make(chan struct{})
	}
	rests := r.rests
	r.mu.Unlock()
	select {
	case <-rests:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// branch sends to one hop; with spares a failed flow is followed by the next.
func (f *fork) branch(h hop) {
	l, err := f.r.linkFor(h)
	if err != nil {
		f.r.cfg.Log.Debug("no way to contact", "uri", h.next(), "err", err)
		f.final(f.t.req.Reply(503, "No Way To Contact", randomHex(5)), h)
		return
	}
	m := f.r.prepare(f.t.req, h, f.recordRoute, f.t.link, l)
	t := f.r.start(l, m, func(resp *Message) { f.response(resp, h) })
	f.mu.Lock()
	f.branches = append(f.branches, t)
	cancelled := f.cancelled
	f.mu.Unlock()
	if cancelled {
		t.cancel()
	}
}

// response sees every answer of a branch, our Via still on top.
func (f *fork) response(resp *Message, h hop) {
	vias := resp.All("Via")
	if len(vias) > 1 {
		resp.SetAll("Via", vias[1:])
	}
	f.r.noteCall(f.t.req, resp)
	f.r.stayIn(resp, f.t.req, f.t.link)
	switch status := resp.Status(); {
	case status == 100:
	case status < 200:
		f.t.respond(resp)
	case status < 300:
		f.t.respond(resp)
		f.cancel()
		f.final(resp, h)
	default:
		f.final(resp, h)
	}
}

// final counts a branch as done; the last one sends the best answer.
func (f *fork) final(resp *Message, h hop) {
	status := resp.Status()
	if len(h.spare) > 0 && (status == 430 || status == 408 || status == 503) {
		next := h.spare[0]
		next.spare = h.spare[1:]
		f.r.background(func() { f.branch(next) })
		return
	}
	f.mu.Lock()
	if f.open--; f.best == nil || better(status, f.best.Status()) {
		f.best = resp
	}
	done, best := f.open == 0, f.best
	f.mu.Unlock()
	if status >= 600 {
		f.cancel()
	}
	if done {
		f.finish(best)
	}
}

// better orders final answers as RFC 3261 16.7 step 6 does.
func better(a, b int) bool {
	rank := func(status int) int {
		switch {
		case status < 300:
			return 0
		case status >= 600:
			return 1
		case status == 401 || status == 407 || status == 415 || status == 420 || status == 484:
			return status/100*1000 - 1
		}
		return status / 100 * 1000
	}
	return rank(a) < rank(b)
}

func (f *fork) finish(best *Message) {
	f.r.mu.Lock()
	delete(f.r.forks, f.t)
	if len(f.r.forks) == 0 && f.r.rests != nil {
		close(f.r.rests)
		f.r.rests = nil
	}
	f.r.mu.Unlock()
	switch status := best.Status(); {
	case status < 300: // sent when it came
	case status == 430 || status == 503:
		f.t.reply(480, "Temporarily Unavailable", randomHex(5))
	default:
		f.t.respond(best)
	}
}

// cancel gives up every branch that has not ended.
func (f *fork) cancel() {
	f.mu.Lock()
	f.cancelled = true
	branches := append([]*clientTx(nil), f.branches...)
	f.mu.Unlock()
	for _, t := range branches {
		if t.invite {
			t.cancel()
		}
	}
}

func (r *Registrar) onCancel(invite, cancel *serverTx) {
	if invite == nil {
		cancel.reply(481, "Call/Transaction Does Not Exist", randomHex(5))
		return
	}
	cancel.reply(200, "OK", randomHex(5))
	r.mu.Lock()
	f := r.forks[invite]
	r.mu.Unlock()
	if f != nil {
		f.cancel()
	} else if d := r.own.find(invite.req.Get("Call-ID")); d != nil && d.onRequest != nil {
		d.onRequest(cancel)
	}
}

package signaling

import (
	"context"
	"time"

	"sallyport/appliance/sip"
)

// Branch is one way to send a request on.
type Branch struct {
	// Msg is the request as it shall leave, a clone of the received one that
	// the role has edited. The proxy owns it from here on: it adds a Via and
	// takes one from Max-Forwards.
	Msg *sip.Message

	// Conn is where it leaves, or Dial finds that out. Dial runs off the
	// reader; its ctx ends with a CANCEL. It may wait, for a client to come
	// back for instance. An error that is a *StatusError says what the failure
	// is answered with.
	Conn Conn
	Dial func(ctx context.Context) (Conn, error)

	// Apart has Dial run beside what else the call sends, not before it: it may
	// wait for long, and another fork of the call shall not wait with it. The role
	// bounds how many there are.
	Apart bool

	Via     string // our sent-by on that side, such as "10.0.0.1:5060"
	HideVia bool   // keep the Via stack here and put it back on responses

	// OnResponse may edit each response before it is relayed: provisional ones
	// above 100, finals, repeated and forked 2xx, and also failures made here
	// (408, 487, 503). Via is already that of the client's side. SetStatus is
	// allowed; a 2xx to an INVITE that is made a failure is acknowledged and
	// hung up towards the far end.
	OnResponse func(resp *sip.Message)

	// Kept lets go of OnResponse, and of all that hangs on it, once a 2xx to an
	// INVITE was relayed; what else comes is then edited by Config.Revive.
	Kept Keeper

	// OnFinal is called once, when the request has its final status, before
	// the answer is sent. A branch that was replaced through Next is not told.
	OnFinal func(status int)

	// Next gives another branch to try after a final status of 300 or more;
	// nil, or a return of nil, relays the answer. It is not asked after a CANCEL.
	Next func(status int) *Branch

	// Gone is the failure when the connection breaks before the final response,
	// or cannot be written to; nil means 503.
	Gone *StatusError

	// Timeout bounds the wait for the final response, for an INVITE that for
	// the first response; 0 means 32 s.
	Timeout time.Duration
}

// branchState is where a branch stands.
//
//	waiting ─▶ calling ─▶ proceeding ─▶ failed, accepted ─▶ gone
//	              └─ silent INVITE ─▶ abandoned ─────────────▲
type branchState uint8

const (
	branchWaiting    branchState = iota // for Dial, or behind another message of its call
	branchCalling                       // sent
	branchProceeding                    // a provisional response came
	branchFailed                        // has a failure: repeats are absorbed
	branchAccepted                      // has a 2xx of an INVITE: repeats are relayed
	branchAbandoned                     // an INVITE given up unanswered: should it ring late, it is cancelled or hung up
	branchGone
)

// branch is a client transaction; the lock of its transaction guards it.
type branch struct {
	Branch
	tx     *transaction
	invite bool
	id     string
	method string
	cseq   uint32
	state  branchState
	vias   []string // taken off by HideVia
	raw    []byte   // as sent, while it may have to be sent again
	ack    []byte   // of a failure, while that may be repeated
	resend repeater // Timer A or E
	limit  time.Duration
	watch  watcher
	abort  context.CancelFunc // of Dial

	cancelling  bool
	cancelRaw   []byte // while the CANCEL may have to be sent again
	cancelAgain repeater
	rang        bool // Timer C ended it
	recorded    int  // Record-Route values of Msg, once that was let go
}

func (b *branch) dueLocked() time.Duration {
	return sooner(sooner(b.resend.at, b.cancelAgain.at), b.limit)
}

// forward starts a branch for the request.
func (t *transaction) forward(spec Branch) {
	if spec.Msg == t.Msg && t.Conn != nil {
		spec.Msg = t.Msg.Clone() // the answer is made from what came
	}
	cseq, method := spec.Msg.CSeq()
	if t.invite {
		method = "INVITE" // not a piece of the message, which goes first
	}
	t.mu.Lock()
	busy := t.activeLocked() != nil
	usable := t.state == proceeding && !t.cancelled && !busy
	b := t.roomLocked(usable)
	b.Branch, b.tx, b.invite, b.watch.who, b.cseq, b.method = spec, t, t.invite, b, cseq, method
	if usable {
		t.branches = append(t.branches, b)
		t.end = 0
	}
	t.mu.Unlock()
	switch {
	case busy:
		t.proxy.cfg.Log.Error("sip request forwarded twice", "trace", t.Trace, "method", b.method)
	case usable:
		b.prepare()
		b.dispatch()
	default: // the caller gave up before the role decided
		b.tell(487, 487)
	}
}

// prepare does the edits that every forwarded request gets (RFC 3261 16.6).
func (b *branch) prepare() {
	if b.HideVia {
		b.vias = b.Msg.Rows("Via")
		b.Msg.Remove("Via")
	}
	if b.tx.Conn != nil {
		b.Msg.SetMaxForwards(b.Msg.MaxForwards() - 1)
	} else if !b.Msg.Has("Max-Forwards") {
		b.Msg.SetMaxForwards(sip.DefaultMaxForwards)
	}
}

// dispatch sends the branch now, or behind what its call still waits for.
func (b *branch) dispatch() {
	p := b.tx.proxy
	switch {
	case b.Conn != nil && !p.calls.waiting(b.Msg):
		b.start(b.Conn)
		return
	case b.Apart && p.off.run(func() { b.dial(p.off.ctx) }):
		return
	}
	if !p.calls.enqueue(p, b.Msg, b.dial) {
		p.count.full.Add(1)
		b.fail(&StatusError{Status: 503, Reason: "Service Unavailable"})
	}
}

// dial finds the connection of a branch and sends it there.
func (b *branch) dial(ctx context.Context) {
	if b.Conn != nil {
		b.start(b.Conn)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if !b.mayDial(cancel) {
		return
	}
	var conn Conn
	var err error
	if !b.tx.proxy.shielded("dial", b.tx.Trace, func() { conn, err = b.Dial(ctx) }) {
		err = &StatusError{Status: 500, Reason: "Server Internal Error"}
	}
	switch {
	case err != nil:
		b.fail(asStatus(err))
	case conn == nil:
		b.fail(asStatus(nil))
	default:
		b.start(conn)
	}
}

func (b *branch) mayDial(cancel context.CancelFunc) bool {
	b.tx.mu.Lock()
	defer b.tx.mu.Unlock()
	if b.state != branchWaiting || b.Dial == nil {
		return b.state == branchWaiting
	}
	b.abort = cancel
	return true
}

// start sends the request over c and waits for its answer.
func (b *branch) start(c Conn) {
	t, p := b.tx, b.tx.proxy
	var mark loopMark
	if t.Conn != nil {
		mark = p.loopMark(t.Conn, t.Msg)
	}
	id := p.newBranch(mark)
	pushVia(b.Msg, c, b.Via, id)
	p.tap(c, true, t.Trace, b.Msg)
	var raw []byte
	if !c.Reliable() {
		raw = b.Msg.Bytes() // to be sent again
	}
	t.mu.Lock()
	if b.state != branchWaiting {
		t.mu.Unlock()
		return
	}
	b.Conn, b.id, b.state = c, id, branchCalling
	b.beginLocked(raw)
	p.client.add(b)
	if c.Reliable() {
		p.watch.add(c.ID(), &b.watch)
	}
	t.settleLocked()
	t.mu.Unlock()
	if err := b.send(c, raw); err != nil {
		b.connClosed()
	}
}

func (b *branch) send(c Conn, raw []byte) error {
	if raw != nil {
		return c.Send(raw)
	}
	return sendOnce(c, 0, b.Msg)
}

func (b *branch) beginLocked(raw []byte) {
	now := b.tx.proxy.now()
	b.limit = now + timeout // Timer B or F
	if b.Timeout > 0 {
		b.limit = now + b.Timeout
	}
	if !b.Conn.Reliable() {
		b.raw = raw
		b.resend.begin(now) // Timer A or E
	}
}

// connClosed fails a branch whose answer can no longer come.
func (b *branch) connClosed() {
	if b.Gone != nil {
		b.fail(b.Gone)
		return
	}
	b.fail(asStatus(nil))
}

// endLocked forgets the branch; responses to it are stray from now on.
func (b *branch) endLocked() {
	if b.id != "" && b.state != branchGone {
		b.tx.proxy.client.remove(b)
		b.tx.proxy.watch.remove(&b.watch)
	}
	b.state, b.raw, b.ack, b.cancelRaw = branchGone, nil, nil, nil
	b.resend.stop()
	b.cancelAgain.stop()
	b.limit = 0
}

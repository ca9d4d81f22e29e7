package lab

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// onRequest is the phone's answering side; it runs on a link's reader.
func (p *Phone) onRequest(t *serverTx) {
	c := p.call(t.req.Get("Call-ID"))
	inDialog := paramOf(t.req.Get("To"), "tag") != ""
	switch method := t.req.Method(); {
	case inDialog && method == "NOTIFY":
		p.onNotify(t, c)
	case inDialog && method == "SUBSCRIBE" && p.renewed(t):
	case inDialog && c == nil:
		t.reply(481, "Call/Transaction Does Not Exist", "")
	case inDialog:
		c.onRequest(t)
	case method == "INVITE":
		p.onInvite(t)
	case method == "MESSAGE":
		p.onMessage(t)
	case method == "NOTIFY":
		p.onNotify(t, nil)
	case method == "SUBSCRIBE":
		p.onSubscribe(t)
	case method == "OPTIONS":
		t.reply(200, "OK", randomHex(5), func(m *Message) { m.Add("Allow", allowed).Add("Accept", "application/sdp") })
	default:
		t.reply(405, "Method Not Allowed", randomHex(5), func(m *Message) { m.Add("Allow", allowed) })
	}
}

func (p *Phone) onMessage(t *serverTx) {
	select {
	case p.inbox <- Text{uriOf(t.req.Get("From")), string(t.req.Body)}:
		t.reply(200, "OK", randomHex(5))
	default:
		t.reply(486, "Inbox Full", randomHex(5))
	}
}

// onInvite takes a new call: it rings until the test or AutoAnswer answers.
func (p *Phone) onInvite(t *serverTx) {
	t.reply(100, "Trying", "")
	if p.cfg.Busy {
		t.reply(486, "Busy Here", randomHex(5))
		return
	}
	if p.call(t.req.Get("Call-ID")) != nil { // another fork of a request that we have (RFC 3261 8.2.2.2)
		t.reply(482, "Loop Detected", randomHex(5))
		return
	}
	metadata, err := unpack(t.req)
	if err != nil {
		t.reply(400, "Bad Multipart", randomHex(5))
		return
	}
	c := &Call{dialog: dialogFrom(t.req), phone: p, server: t, dir: "sendrecv", metadata: metadata,
		changed: make(chan struct{}), refer: make(chan int, 8), state: CallRinging}
	replaced, ok := p.replaced(t.req)
	if !ok || !p.joins(t.req) || p.keep(c) != nil {
		t.reply(481, "No such call to replace", c.localTag)
		return
	}
	if side, of := p.bridged(t.req); of != nil {
		p.background(func() { c.bridge(side, of) })
		return
	}
	c.ring(180, nil)
	if replaced != nil {
		p.background(func() { c.takeOver(replaced) })
		return
	}
	p.present(c)
}

func (p *Phone) present(c *Call) {
	if p.cfg.AutoAnswer {
		p.background(func() { c.Answer() })
	}
	if !p.announce(c) && !p.cfg.AutoAnswer {
		c.Reject(486, "Busy Here")
	}
}

// announce hands a call to whoever waits for one, unless too many wait.
func (p *Phone) announce(c *Call) bool {
	select {
	case p.incoming <- c:
		return true
	default:
		return false
	}
}

// joins tells whether an RFC 3911 Join names a call of ours, if there is one:
// then the new call is answered as any other, beside it.
func (p *Phone) joins(m *Message) bool {
	v := m.Get("Join")
	return v == "" || p.named(v) != nil
}

// replaced finds the call that an RFC 3891 Replaces names; ok is false if it
// names none of ours.
func (p *Phone) replaced(m *Message) (*Call, bool) {
	v := m.Get("Replaces")
	if v == "" {
		return nil, true
	}
	c := p.named(v)
	return c, c != nil
}

// named finds the call of ours that a Replaces or Join value names.
func (p *Phone) named(v string) *Call {
	id, params, _ := strings.Cut(v, ";")
	c := p.call(strings.TrimSpace(id))
	if c == nil {
		return nil
	}
	local, remote := c.tags()
	if lookParam(";"+params, "to-tag") != local || lookParam(";"+params, "from-tag") != remote {
		return nil
	}
	return c
}

func (c *Call) takeOver(old *Call) {
	if c.Answer() == nil {
		c.phone.announce(c)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	old.Hangup(ctx)
}

// ring sends a provisional answer.
func (c *Call) ring(status int, sdp []byte) {
	c.server.reply(status, "Ringing", c.localTag, func(m *Message) { c.dress(m, sdp) })
}

// dress adds Contact, Record-Route and SDP to an answer of an INVITE.
func (c *Call) dress(m *Message, sdp []byte) {
	for _, r := range c.server.req.All("Record-Route") {
		m.Add("Record-Route", r)
	}
	c.withContact(m)
	if sdp != nil {
		m.Add("Content-Type", "application/sdp").Body = sdp
	}
}

// EarlyMedia sends 183 with our SDP, so that media runs before the answer. With
// Reliable it goes by RFC 3262 and waits for its PRACK.
func (c *Call) EarlyMedia(ctx context.Context) error {
	sdp, err := c.answerTo(c.server.req.Body)
	if err != nil {
		return c.refuse(err)
	}
	reliable := c.phone.cfg.Reliable && c.server.req.Has("Supported", "100rel")
	var rseq uint32
	c.update(func() {
		c.early = true
		if reliable {
			c.rseq++
			rseq, c.prack = c.rseq, c.rseq
		}
	})
	c.server.reply(183, "Session Progress", c.localTag, func(m *Message) {
		c.dress(m, sdp)
		if reliable {
			m.Add("Require", "100rel").Add("RSeq", fmt.Sprint(rseq))
		}
	})
	return c.until(ctx, func() bool { return c.prack == 0 }, false)
}

// Answer answers a ringing call.
func (c *Call) Answer() error {
	sdp, err := c.answerSDP()
	if err != nil {
		return c.refuse(err)
	}
	resp := c.server.req.Reply(200, "OK", c.localTag)
	c.dress(resp, sdp)
	if c.State() == CallEnded || !c.server.respond(resp) {
		return errors.New("lab: the caller gave up")
	}
	c.update(func() { c.state = max(c.state, CallAnswered) })
	c.phone.repeat2xx(c, resp, c.phone.stack.cfg.t1, 64*c.phone.stack.cfg.t1)
	return nil
}

// answerSDP is the body of our 200: an answer, nothing after early media, or
// our own offer when the INVITE had none.
func (c *Call) answerSDP() ([]byte, error) {
	switch {
	case c.Early():
		return nil, nil
	case len(c.server.req.Body) == 0:
		return c.offerOwed()
	}
	return c.answerTo(c.server.req.Body)
}

func (c *Call) refuse(err error) error {
	status := &StatusError{500, "Server Internal Error"}
	errors.As(err, &status)
	c.Reject(status.Status, status.Reason)
	return err
}

// Reject refuses a ringing call.
func (c *Call) Reject(status int, reason string) {
	c.server.reply(status, reason, c.localTag)
	c.end(status, reason)
}

// repeat2xx is RFC 3261 13.3.1.4: the 2xx again until its ACK comes, and BYE if
// it never does.
func (p *Phone) repeat2xx(c *Call, resp *Message, gap, left time.Duration) {
	time.AfterFunc(gap, func() {
		c.mu.Lock()
		done := c.acked || c.state == CallEnded
		c.mu.Unlock()
		switch {
		case done:
		case left <= 0:
			c.end(408, "no ACK came")
		default:
			c.server.respond(resp)
			p.repeat2xx(c, resp, min(2*gap, 8*p.stack.cfg.t1), left-gap)
		}
	})
}

// onAck sees the ACK of a 2xx; with a late offer it carries the answer.
func (p *Phone) onAck(_ *link, m *Message) {
	c := p.call(m.Get("Call-ID"))
	if c == nil {
		return
	}
	var owed bool
	c.update(func() { owed, c.owed, c.acked = c.owed, false, true })
	var err error
	if owed {
		err = c.takeAnswer(m.Body)
	}
	if err != nil {
		p.background(func() { c.quickly(c.request("BYE", 0)) })
		c.end(488, err.Error())
	}
}

func (p *Phone) onCancel(invite, cancel *serverTx) {
	if invite == nil {
		cancel.reply(481, "Call/Transaction Does Not Exist", "")
		return
	}
	cancel.reply(200, "OK", randomHex(5))
	c := p.call(invite.req.Get("Call-ID"))
	if c != nil && invite.reply(487, "Request Terminated", c.localTag) {
		c.end(487, "cancelled")
	}
}

// onRequest serves a request within the call.
func (c *Call) onRequest(t *serverTx) {
	switch t.req.Method() {
	case "INVITE", "UPDATE":
		c.onReoffer(t)
	case "BYE":
		t.reply(200, "OK", "")
		c.end(0, "hung up there")
	case "PRACK":
		t.reply(200, "OK", "")
		c.update(func() { c.prack = 0 })
	case "INFO":
		c.onInfo(t)
	case "SUBSCRIBE":
		c.onKeysWanted(t)
	case "REFER":
		c.onRefer(t)
	case "MESSAGE":
		c.phone.onMessage(t)
	default:
		t.reply(405, "Method Not Allowed", "", func(m *Message) { m.Add("Allow", allowed) })
	}
}

// onKeysWanted takes a subscription to our keys (RFC 4730).
func (c *Call) onKeysWanted(t *serverTx) {
	if t.req.Get("Event") != "kpml" {
		t.reply(489, "Bad Event", "")
		return
	}
	t.reply(200, "OK", "", func(m *Message) { c.withContact(m).Add("Expires", t.req.Get("Expires")) })
	c.update(func() { c.kpml = true })
}

func (c *Call) onInfo(t *serverTx) {
	c.update(func() {
		if len(c.infos) < maxFields {
			c.infos = append(c.infos, string(t.req.Body))
		}
	})
	t.reply(200, "OK", "")
}

// onReoffer answers a re-INVITE or UPDATE at once.
func (c *Call) onReoffer(t *serverTx) {
	c.refresh(t.req)
	sdp, err := c.reanswer(t.req)
	if err != nil {
		status := &StatusError{500, "Server Internal Error"}
		errors.As(err, &status)
		t.reply(status.Status, status.Reason, "")
		return
	}
	c.update(func() { c.acked = true })
	t.reply(200, "OK", "", func(m *Message) {
		c.withContact(m)
		if sdp != nil {
			m.Add("Content-Type", "application/sdp").Body = sdp
		}
	})
}

func (c *Call) reanswer(m *Message) ([]byte, error) {
	switch {
	case len(m.Body) > 0:
		return c.answerTo(m.Body)
	case m.Method() == "INVITE":
		return c.offerOwed()
	}
	return nil, nil
}

// offerOwed is an offer that goes out in a 2xx: its answer comes in the ACK.
func (c *Call) offerOwed() ([]byte, error) {
	c.update(func() { c.owed = true })
	return c.offer()
}

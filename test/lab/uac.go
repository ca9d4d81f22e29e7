package lab

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// sendInvite sends the first INVITE, or the second with credentials.
func (c *Call) sendInvite(ctx context.Context, challenged *Message) error {
	m := c.withContact(c.request("INVITE", 0))
	m.Fields = append(m.Fields, c.extra...)
	if !c.late {
		sdp, err := c.offer()
		if err != nil {
			return err
		}
		m.Set("Content-Type", "application/sdp").Body = sdp
	}
	if challenged != nil && !c.phone.answerOnce(m, challenged) {
		return statusError(challenged)
	}
	l, err := c.phone.linkFor(ctx, c.hop())
	if err != nil {
		return err
	}
	c.phone.background(func() {
		t := c.phone.start(l, m, c.onInviteResponse)
		c.mu.Lock()
		c.invite = t
		over := c.state == CallEnded || c.givenUp
		c.mu.Unlock()
		if over {
			t.cancel()
		}
	})
	return nil
}

// answerOnce puts credentials into a fresh request.
func (p *Phone) answerOnce(m, resp *Message) bool {
	ch := challengeOf(resp)
	return ch != nil && p.credentials(m, ch)
}

// withContact adds what every target-refreshing request carries.
func (c *Call) withContact(m *Message) *Message {
	m.Add("Contact", c.phone.contact(false)).Add("Allow", allowed)
	return m.Add("Supported", strings.Join(c.phone.supported(), ", ")).Add("User-Agent", "lab-phone")
}

const allowed = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY, MESSAGE, SUBSCRIBE"

func (c *Call) onInviteResponse(m *Message) {
	switch status := m.Status(); {
	case status == 100:
	case status < 200:
		c.onProvisional(m)
	case status < 300:
		c.onAnswered(m)
	case (status == 401 || status == 407) && c.retry():
		if err := c.sendInvite(context.Background(), m); err != nil {
			c.end(status, err.Error())
		}
	default:
		c.end(status, m.Start)
	}
}

func (c *Call) retry() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tried++
	return c.tried == 1
}

func (c *Call) onProvisional(m *Message) {
	c.learn(m)
	if m.Has("Require", "100rel") {
		c.sendPrack(m)
	}
	early := len(m.Body) > 0 && !c.late && c.takeAnswer(m.Body) == nil
	c.update(func() {
		c.state = max(c.state, CallRinging)
		c.early = c.early || early
		if len(c.progress) < maxFields {
			c.progress = append(c.progress, m.Status())
		}
	})
}

func (c *Call) sendPrack(m *Message) {
	p := c.request("PRACK", 0)
	p.Add("RAck", m.Get("RSeq")+" "+m.Get("CSeq"))
	c.phone.background(func() { c.quickly(p) })
}

// quickly runs an in-dialog request within a few seconds.
func (c *Call) quickly(m *Message) (*Message, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return c.phone.inDialog(ctx, c.dialog, m)
}

// onAnswered sees every 2xx: the first one answers the call, repeated ones are
// acknowledged again, and one of another fork is hung up.
func (c *Call) onAnswered(m *Message) {
	_, tag := c.tags()
	other := c.State() >= CallAnswered && paramOf(m.Get("To"), "tag") != tag
	switch {
	case other:
		c.dropFork(m)
	case c.State() == CallAnswered:
		c.ack(m.Seq(), nil)
	case c.State() == CallEnded: // the answer crossed our CANCEL
		c.learn(m)
		c.ack(m.Seq(), nil)
		c.phone.background(func() { c.quickly(c.request("BYE", 0)) })
	default:
		c.answered(m)
	}
}

func (c *Call) answered(m *Message) {
	c.learn(m)
	answer, err := c.settle(m.Body)
	c.ack(m.Seq(), answer)
	if err != nil {
		c.phone.background(func() { c.quickly(c.request("BYE", 0)) })
		c.end(488, err.Error())
		return
	}
	c.update(func() { c.state = CallAnswered })
}

// settle applies the SDP of a 2xx; with a late offer it makes the answer.
func (c *Call) settle(body []byte) ([]byte, error) {
	if c.late {
		return c.answerTo(body)
	}
	if len(body) == 0 && c.Early() {
		return nil, nil
	}
	return nil, c.takeAnswer(body)
}

func (c *Call) ack(seq uint32, answer []byte) {
	m := c.request("ACK", seq)
	if answer != nil {
		m.Add("Content-Type", "application/sdp").Body = answer
	}
	c.phone.sendOnce(c.dialog, m)
}

// sendOnce sends an ACK, which has no transaction.
func (p *Phone) sendOnce(d *dialog, m *Message) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	l, err := p.linkFor(ctx, d.hop())
	if err != nil {
		return
	}
	m.Prepend("Via", fmt.Sprintf("SIP/2.0/%s %s;rport;branch=%s", l.network, p.sentBy(l), newBranch()))
	p.transmit(l, m.Bytes())
}

// dropFork acknowledges and ends a second answer of a forked call.
func (c *Call) dropFork(m *Message) {
	d := newDialog(c.local, c.remote)
	d.callID, d.localTag = c.callID, c.localTag
	d.learn(m)
	c.phone.sendOnce(d, d.request("ACK", m.Seq()))
	d.localSeq = m.Seq()
	c.phone.background(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		c.phone.inDialog(ctx, d, d.request("BYE", 0))
	})
}

// Cancel gives up a call that is not answered yet.
func (c *Call) Cancel() {
	c.mu.Lock()
	t := c.invite
	c.givenUp = true // also for an INVITE that is about to be sent
	c.mu.Unlock()
	if t != nil && c.State() < CallAnswered {
		t.cancel()
	}
}

// Hangup ends the call with BYE and waits for the answer.
func (c *Call) Hangup(ctx context.Context) error {
	_, err := c.phone.inDialog(ctx, c.dialog, c.request("BYE", 0))
	c.end(0, "hung up here")
	return err
}

// Hold asks the far end to stop sending; Resume lets it go on.
func (c *Call) Hold(ctx context.Context) error { return c.Renegotiate(ctx, "INVITE", "sendonly") }

// Resume ends a hold.
func (c *Call) Resume(ctx context.Context) error { return c.Renegotiate(ctx, "INVITE", "sendrecv") }

// AddVideo offers a second media line by re-INVITE.
func (c *Call) AddVideo(ctx context.Context) error {
	if err := c.openMedia([]string{"video"}); err != nil {
		return err
	}
	return c.Renegotiate(ctx, "INVITE", "")
}

// Renegotiate sends a new offer by INVITE or UPDATE with a direction, "" for
// the present one. It also tells the far end our present Contact.
func (c *Call) Renegotiate(ctx context.Context, method, dir string) error {
	c.mu.Lock()
	before := c.dir
	setDefault(&dir, before)
	c.dir = dir
	c.mu.Unlock()
	err := c.reoffer(ctx, method)
	if err != nil {
		c.mu.Lock()
		c.dir = before
		c.mu.Unlock()
	}
	return err
}

// Downgrade offers the call's media without its keys, by re-INVITE.
func (c *Call) Downgrade(ctx context.Context) error {
	sdp, err := c.offer()
	if err != nil {
		return err
	}
	return c.reofferAs(ctx, "INVITE", withoutKeys(sdp))
}

func (c *Call) reoffer(ctx context.Context, method string) error {
	sdp, err := c.offer()
	if err != nil {
		return err
	}
	return c.reofferAs(ctx, method, sdp)
}

func (c *Call) reofferAs(ctx context.Context, method string, sdp []byte) error {
	m := c.withContact(c.request(method, 0))
	m.Set("Content-Type", "application/sdp").Body = sdp
	resp, err := c.phone.inDialog(ctx, c.dialog, m)
	if err != nil {
		return err
	}
	c.refresh(resp)
	if method == "INVITE" {
		c.ack(resp.Seq(), nil)
	}
	return c.takeAnswer(resp.Body)
}

// Info sends an INFO with a body.
func (c *Call) Info(ctx context.Context, contentType, body string) error {
	m := c.request("INFO", 0).Add("Content-Type", contentType)
	m.Body = []byte(body)
	_, err := c.phone.inDialog(ctx, c.dialog, m)
	return err
}

// Digit sends one DTMF digit as an RTP event.
func (c *Call) Digit(d byte) {
	if legs := c.media(); len(legs) > 0 {
		if i := slices.Index([]byte("0123456789*#ABCD"), d); i >= 0 {
			legs[0].event(byte(i))
		}
	}
}

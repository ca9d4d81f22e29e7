package lab

import (
	"context"
	"fmt"
	"sync"
)

// ownDialog is one that call control itself is an end of.
type ownDialog struct {
	*dialog
	onRequest func(*serverTx) // nil: BYE is answered and ends it
	onAck     func(*Message)  // nil: nobody waits for the ACK of a 2xx
}

// ownDialogs are those that stand, by Call-ID.
type ownDialogs struct {
	mu  sync.Mutex
	all map[string]*ownDialog
}

func (o *ownDialogs) add(d *ownDialog) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all == nil {
		o.all = map[string]*ownDialog{}
	}
	if len(o.all) < maxCalls {
		o.all[d.callID] = d
	}
}

func (o *ownDialogs) find(callID string) *ownDialog {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all[callID]
}

// end forgets a dialog; false if it is over.
func (o *ownDialogs) end(callID string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, was := o.all[callID]
	delete(o.all, callID)
	return was
}

// onOwn serves a request within a dialog of call control's own.
func (r *Registrar) onOwn(t *serverTx) bool {
	d := r.own.find(t.req.Get("Call-ID"))
	switch {
	case d == nil || paramOf(t.req.Get("To"), "tag") == "":
		return false
	case d.onRequest != nil:
		d.onRequest(t)
	case t.req.Method() == "BYE":
		r.own.end(d.callID)
		t.reply(200, "OK", "")
	default:
		t.reply(405, "Method Not Allowed", "")
	}
	return true
}

// invite sends an INVITE or re-INVITE, without an offer if sdp is nil, and
// returns its 2xx, which confirm has to acknowledge.
func (r *Registrar) invite(ctx context.Context, d *ownDialog, sdp []byte, extra ...Field) (*Message, error) {
	m := d.request("INVITE", 0).Add("Contact", r.contact())
	m.Fields = append(m.Fields, extra...)
	if sdp != nil {
		m.Add("Content-Type", "application/sdp").Body = sdp
	}
	resp, err := r.within(ctx, m)
	if err != nil {
		return nil, err
	}
	if _, tag := d.tags(); tag == "" {
		d.learn(resp)
	} else {
		d.refresh(resp)
	}
	return resp, nil
}

func (r *Registrar) contact() string {
	return fmt.Sprintf("<sip:%s;transport=tcp>", hostPort(r.addrs["TCP"]))
}

// confirm acknowledges a 2xx, with our answer if it brought an offer.
func (r *Registrar) confirm(d *ownDialog, resp *Message, answer []byte) {
	ack := d.request("ACK", resp.Seq())
	if answer != nil {
		ack.Add("Content-Type", "application/sdp").Body = answer
	}
	r.passAck(nil, ack, hop{uri: ack.URI(), routes: ack.All("Route")})
}

// within sends a request of a dialog and waits for its final answer.
func (r *Registrar) within(ctx context.Context, m *Message) (*Message, error) {
	l, err := r.linkFor(hop{uri: m.URI(), routes: m.All("Route")})
	if err != nil {
		return nil, err
	}
	resp, err := r.sendOn(ctx, m, l)
	if err == nil && resp.Status() >= 300 {
		return resp, statusError(resp)
	}
	return resp, err
}

// bye ends a dialog that still stands.
func (r *Registrar) bye(ctx context.Context, d *ownDialog) error {
	if d == nil || !r.own.end(d.callID) {
		return nil
	}
	_, err := r.within(ctx, d.request("BYE", 0))
	return err
}

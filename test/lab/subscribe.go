package lab

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// transferTime bounds a call that is made at someone's order.
const transferTime = 20 * time.Second

// Note is one NOTIFY that came in for a subscription.
type Note struct {
	State string // Subscription-State
	Type  string
	Body  string
}

// Subscription is an RFC 6665 subscription of a phone.
type Subscription struct {
	*dialog
	phone *Phone
	event string
	notes chan Note
}

// Notes yields what the notifier sent, at most maxWaiting unread.
func (s *Subscription) Notes() <-chan Note { return s.notes }

// Subscribe asks a user (or URI) for an event package and waits until the
// subscription is accepted.
func (p *Phone) Subscribe(ctx context.Context, to, event string) (*Subscription, error) {
	s := &Subscription{newDialog("<"+p.AOR()+">", "<"+p.uri(to)+">"), p, event, make(chan Note, maxWaiting)}
	p.mu.Lock()
	p.subs[s.callID] = s
	p.mu.Unlock()
	resp, err := p.ask(ctx, s.subscribe(300))
	if err != nil {
		p.mu.Lock()
		delete(p.subs, s.callID)
		p.mu.Unlock()
		return nil, fmt.Errorf("lab: subscribe %s %s: %w", to, event, err)
	}
	s.learn(resp)
	s.mu.Lock()
	s.localSeq = resp.Seq() // a challenge may have raised it
	s.mu.Unlock()
	return s, nil
}

func (s *Subscription) subscribe(expires int) *Message {
	m := s.request("SUBSCRIBE", 0)
	m.Add("Contact", s.phone.contact(false)).Add("Event", s.event).Add("Expires", fmt.Sprint(expires))
	return m.Add("Supported", strings.Join(s.phone.supported(), ", "))
}

// Refresh renews the subscription within its dialog.
func (s *Subscription) Refresh(ctx context.Context) error {
	_, err := s.phone.inDialog(ctx, s.dialog, s.subscribe(300))
	return err
}

// End takes the subscription back.
func (s *Subscription) End(ctx context.Context) error {
	_, err := s.phone.inDialog(ctx, s.dialog, s.subscribe(0))
	s.phone.mu.Lock()
	delete(s.phone.subs, s.callID)
	s.phone.mu.Unlock()
	return err
}

// onNotify serves REFER reports, subscriptions, and NOTIFY that nobody asked
// for (message-summary), which is accepted and dropped.
func (p *Phone) onNotify(t *serverTx, c *Call) {
	p.mu.Lock()
	s := p.subs[t.req.Get("Call-ID")]
	p.mu.Unlock()
	event, _, _ := strings.Cut(t.req.Get("Event"), ";")
	switch {
	case c != nil && event == "refer":
		t.reply(200, "OK", "")
		c.onReferNotify(t.req)
	case s != nil:
		t.reply(200, "OK", "")
		s.take(t.req)
	case event == "message-summary":
		t.reply(200, "OK", randomHex(5))
	default:
		t.reply(481, "Subscription Does Not Exist", "")
	}
}

func (s *Subscription) take(m *Message) {
	select {
	case s.notes <- Note{m.Get("Subscription-State"), m.Get("Content-Type"), string(m.Body)}:
	default:
	}
}

// outOfDialog is a request to a user with no dialog around it.
func (p *Phone) outOfDialog(method, to string) *Message {
	return newDialog("<"+p.AOR()+">", "<"+p.uri(to)+">").request(method, 0)
}

// Message sends an instant message and waits until it is accepted.
func (p *Phone) Message(ctx context.Context, to, text string) error {
	m := p.outOfDialog("MESSAGE", to).Add("Content-Type", "text/plain")
	m.Body = []byte(text)
	_, err := p.ask(ctx, m)
	return err
}

// Publish sends our own event state, presence say.
func (p *Phone) Publish(ctx context.Context, event, contentType, body string) error {
	m := p.outOfDialog("PUBLISH", p.cfg.User).Add("Event", event).Add("Expires", "300").Add("Content-Type", contentType)
	m.Body = []byte(body)
	_, err := p.ask(ctx, m)
	return err
}

// Options asks a user or URI what it can do and returns the answer.
func (p *Phone) Options(ctx context.Context, to string) (*Message, error) {
	return p.ask(ctx, p.outOfDialog("OPTIONS", to))
}

// Request makes a request of the phone's own to a user or URI, for tests that
// change it (a spoofed From, a Route that was seen elsewhere) before Exchange.
func (p *Phone) Request(method, to string) *Message {
	m := p.outOfDialog(method, to)
	if method == "INVITE" || method == "SUBSCRIBE" {
		m.Add("Contact", p.contact(false))
	}
	return m
}

// Registration makes the phone's next REGISTER, for tests that change it before
// Exchange.
func (p *Phone) Registration() *Message { return p.registerRequest(p.cfg.Expires) }

// Exchange sends a request as it is, but for a Via, over the phone's connection
// and returns the final answer whatever it is.
func (p *Phone) Exchange(ctx context.Context, m *Message) (*Message, error) {
	return p.exchange(ctx, m, nil)
}

// Ask sends a request as Exchange does and answers one challenge. The answer is
// an error unless it is a 2xx.
func (p *Phone) Ask(ctx context.Context, m *Message) (*Message, error) { return p.ask(ctx, m) }

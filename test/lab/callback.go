package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// CallBacks is how call control calls users back over the cellular network
// (Dial via Office, reverse): a client's INVITE says by c=PSTN E164 where its
// user can be called, call control calls him there through a gateway and joins
// him with whom he wants to talk to.
type CallBacks struct {
	Gateway  netip.AddrPort    // over UDP
	Mobile   map[string]string // number of each user's mobile identity; any other number is an alternate one
	Desk     map[string]string // device name of each user's desk phone
	AnyKey   bool              // he must press a key first, so that no voicemail box takes the call
	Patience time.Duration     // for the answer and for the key
}

// CallBack has call control serve such calls; nil relays them as any others.
func (r *Registrar) CallBack(c *CallBacks) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.back = c
}

// pstnNumber is the number that a description names instead of an address.
func pstnNumber(body []byte) string {
	for line := range strings.Lines(string(body)) {
		if number, ok := strings.CutPrefix(strings.TrimSpace(line), "c=PSTN E164 "); ok {
			return number
		}
	}
	return ""
}

// pstnSDP describes audio on the cellular side. setup says who calls (RFC 7195).
func pstnSDP(number, setup string) []byte {
	return []byte("v=0\r\no=lab 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=PSTN E164 " + number + "\r\nt=0 0\r\nm=audio 9 PSTN -\r\na=setup:" + setup + "\r\na=connection:new\r\n")
}

// accessNumber is what call control calls from.
const accessNumber = "+15550199"

// backCall is one call back: three dialogs of call control's own.
type backCall struct {
	r      *Registrar
	cfg    *CallBacks
	user   string
	number string
	invite *serverTx
	client *ownDialog // signalling only

	events chan string // keys and what ended: runs in one goroutine
	mobile *ownDialog  // the gateway; nil while the desk phone has the call
	desk   *ownDialog
	far    *ownDialog
	typed  string
}

// callsBack takes an INVITE whose media is on the cellular side.
func (r *Registrar) callsBack(t *serverTx) bool {
	r.mu.Lock()
	cfg := r.back
	r.mu.Unlock()
	number := pstnNumber(t.req.Body)
	if cfg == nil || number == "" || t.req.Method() != "INVITE" || paramOf(t.req.Get("To"), "tag") != "" {
		return false
	}
	user, _, _ := splitURI(uriOf(t.req.Get("From")))
	b := &backCall{r: r, cfg: cfg, user: user, number: number, invite: t, events: make(chan string, maxWaiting)}
	b.client = b.own(dialogFrom(t.req), "client")
	t.reply(100, "Trying", "")
	r.background(b.run)
	return true
}

// own makes a dialog whose requests become events.
func (b *backCall) own(d *dialog, name string) *ownDialog {
	o := &ownDialog{dialog: d}
	o.onRequest = func(t *serverTx) { b.onRequest(t, name) }
	b.r.own.add(o)
	return o
}

func (b *backCall) onRequest(t *serverTx, name string) {
	event := ""
	switch t.req.Method() {
	case "CANCEL":
		b.invite.reply(487, "Request Terminated", b.client.localTag)
		event = "end"
	case "BYE":
		b.r.own.end(t.req.Get("Call-ID"))
		event = name + " gone"
	case "INFO":
		event = "key " + strings.TrimPrefix(strings.SplitN(string(t.req.Body), "\r\n", 2)[0], "Signal=")
	case "NOTIFY":
		_, rest, _ := strings.Cut(string(t.req.Body), `digits="`)
		digits, _, _ := strings.Cut(rest, `"`)
		event = "key " + digits
	default:
		t.reply(405, "Method Not Allowed", "")
		return
	}
	if t.req.Method() != "CANCEL" {
		t.reply(200, "OK", "")
	}
	select {
	case b.events <- event:
	default:
	}
}

// run is the whole call.
func (b *backCall) run() {
	defer b.end()
	if err := b.begin(); err != nil {
		status := &StatusError{503, "Service Unavailable"}
		errors.As(err, &status)
		b.invite.reply(status.Status, status.Reason, b.client.localTag)
		return
	}
	for {
		select {
		case e := <-b.events:
			if !b.event(e) {
				return
			}
		case <-b.r.life.Done():
			return
		}
	}
}

// begin calls the user's number, waits for his key, and calls whom he wants.
func (b *backCall) begin() error {
	ctx, cancel := context.WithTimeout(b.r.life, b.cfg.Patience)
	defer cancel()
	if err := b.callMobile(ctx); err != nil {
		return &StatusError{503, "The Cellular Call Did Not Come"}
	}
	if b.cfg.AnyKey {
		if err := b.awaitKey(ctx); err != nil {
			return err
		}
	}
	to, _, _ := splitURI(b.invite.req.URI())
	b.far = b.own(newDialog("<sip:"+b.user+"@"+b.r.cfg.Domain+">", "<sip:"+to+"@"+b.r.cfg.Domain+">"), "far")
	if !b.route(b.far, to, "") {
		return &StatusError{480, "Temporarily Unavailable"}
	}
	if err := b.join(ctx, b.mobile); err != nil {
		return err
	}
	b.invite.reply(200, "OK", b.client.localTag, func(m *Message) {
		for _, rr := range b.invite.req.All("Record-Route") {
			m.Add("Record-Route", rr)
		}
		m.Add("Contact", b.r.contact()).Add("Content-Type", "application/sdp").Body = pstnSDP(accessNumber, "active")
	})
	return nil
}

// callMobile calls the number through the gateway, without media yet.
func (b *backCall) callMobile(ctx context.Context) error {
	d := b.own(newDialog("<sip:"+accessNumber+"@"+b.r.cfg.Domain+">", "<sip:"+b.number+"@"+b.cfg.Gateway.String()+">"), "mobile")
	resp, err := b.r.invite(ctx, d, b.silence())
	if err != nil {
		b.r.own.end(d.callID)
		return err
	}
	b.r.confirm(d, resp, nil)
	b.mobile = d
	return nil
}

// silence is a description that asks for no media.
func (b *backCall) silence() []byte {
	line := mediaLine{kind: "audio", port: 4000, proto: "RTP/AVP", formats: []string{"0"}, direction: "inactive", rtcpPort: 4001}
	return (&session{addr: b.r.addrs["TCP"].Addr().String(), media: []mediaLine{line}}).bytes(1)
}

func (b *backCall) awaitKey(ctx context.Context) error {
	for {
		select {
		case e := <-b.events:
			if strings.HasPrefix(e, "key ") {
				return nil
			}
			return &StatusError{487, "Request Terminated"}
		case <-ctx.Done():
			return &StatusError{480, "No Key Was Pressed"}
		}
	}
}

// route sends a dialog to a binding of a user: of that device, or any.
func (b *backCall) route(d *ownDialog, user, device string) bool {
	all := b.r.Bindings(user)
	i := slices.IndexFunc(all, func(one Binding) bool { return strings.Contains(one.Params, device) })
	if i < 0 {
		return false
	}
	d.target, d.routes = all[i].Contact, all[i].Path
	return true
}

// join gives the far end's media to another dialog: its offer there, the answer
// back (RFC 3725).
func (b *backCall) join(ctx context.Context, other *ownDialog) error {
	offer, err := b.r.invite(ctx, b.far, nil)
	if err != nil {
		return err
	}
	answer, err := b.r.invite(ctx, other, offer.Body)
	if err != nil {
		b.r.confirm(b.far, offer, b.silence())
		return err
	}
	b.r.confirm(other, answer, nil)
	b.r.confirm(b.far, offer, answer.Body)
	return nil
}

// event does what a key or an end means; false ends the call. Only a call to
// the mobile identity is anchored: an alternate number has no features.
func (b *backCall) event(e string) bool {
	key, isKey := strings.CutPrefix(e, "key ")
	anchored := b.cfg.Mobile[b.user] == b.number
	switch {
	case e == "mobile gone":
		b.mobile = nil
		return b.desk != nil
	case e == "desk gone":
		b.desk = nil
		return b.mobile != nil
	case !isKey:
		return false
	case !anchored:
		return true
	}
	if b.typed += key; len(b.typed) > 3 {
		b.typed = b.typed[len(b.typed)-3:]
	}
	ctx, cancel := context.WithTimeout(b.r.life, b.cfg.Patience)
	defer cancel()
	return b.feature(ctx) == nil
}

// feature is what three keys ask for, as mobile users type them.
func (b *backCall) feature(ctx context.Context) error {
	switch b.typed {
	case "*81": // hold
		resp, err := b.r.invite(ctx, b.far, b.silence())
		if err == nil {
			b.r.confirm(b.far, resp, nil)
		}
		return err
	case "*83": // resume
		return b.join(ctx, b.mobile)
	case "*74": // to the desk phone, or back
		if b.desk == nil {
			return b.toDesk(ctx)
		}
		return b.toMobile(ctx)
	}
	return nil
}

func (b *backCall) toDesk(ctx context.Context) error {
	d := b.own(newDialog("<sip:"+accessNumber+"@"+b.r.cfg.Domain+">", "<sip:"+b.user+"@"+b.r.cfg.Domain+">"), "desk")
	if !b.route(d, b.user, b.cfg.Desk[b.user]) {
		return fmt.Errorf("lab: %s has no desk phone", b.user)
	}
	if err := b.join(ctx, d); err != nil {
		return err
	}
	old := b.mobile
	b.desk, b.mobile = d, nil
	b.askKeys(ctx, d)
	return b.r.bye(ctx, old)
}

func (b *backCall) toMobile(ctx context.Context) error {
	if err := b.callMobile(ctx); err != nil {
		return err
	}
	if err := b.join(ctx, b.mobile); err != nil {
		return err
	}
	old := b.desk
	b.desk = nil
	return b.r.bye(ctx, old)
}

// askKeys subscribes to the keys of a phone within its dialog (RFC 4730).
func (b *backCall) askKeys(ctx context.Context, d *ownDialog) {
	m := d.request("SUBSCRIBE", 0).Add("Contact", b.r.contact()).Add("Event", "kpml").Add("Expires", "7200")
	m.Add("Content-Type", "application/kpml-request+xml").Body = []byte(`<kpml-request xmlns="urn:ietf:params:xml:ns:kpml-request" version="1.0"><pattern persist="persist"><regex>[x*#ABCD]</regex></pattern></kpml-request>`)
	b.r.within(ctx, m)
}

// end hangs up whatever stands.
func (b *backCall) end() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if b.invite.answered() {
		b.r.bye(ctx, b.client)
	}
	b.r.own.end(b.client.callID)
	for _, d := range []*ownDialog{b.mobile, b.desk, b.far} {
		if d != nil {
			if _, tag := d.tags(); tag != "" {
				b.r.bye(ctx, d)
			}
			b.r.own.end(d.callID)
		}
	}
}

func (t *serverTx) answered() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status/100 == 2
}

// ByCellular has a call's media on the cellular side: call control shall call
// that number back.
func ByCellular(number string) CallOption { return func(c *Call) { c.number = number } }

// To is who is called, as the INVITE has it.
func (c *Call) To() string { return uriOf(c.local) }

// Keys presses keys that go out of band: by KPML if the far end has asked for
// them so, else by INFO.
func (c *Call) Keys(ctx context.Context, keys string) error {
	c.mu.Lock()
	kpml := c.kpml
	c.mu.Unlock()
	for _, k := range keys {
		if !kpml {
			if err := c.Info(ctx, "application/dtmf-relay", "Signal="+string(k)+"\r\nDuration=160\r\n"); err != nil {
				return err
			}
			continue
		}
		m := c.withContact(c.request("NOTIFY", 0)).Add("Event", "kpml").Add("Subscription-State", "active")
		m.Add("Content-Type", "application/kpml-response+xml").Body = []byte(`<kpml-response xmlns="urn:ietf:params:xml:ns:kpml-response" version="1.0" code="200" text="OK" digits="` + string(k) + `"/>`)
		if _, err := c.phone.inDialog(ctx, c.dialog, m); err != nil {
			return err
		}
	}
	return nil
}

// NewGateway starts a PSTN gateway with the mobile phones behind it: what they
// hear and say is its media, the called number is in To. It answers by hand, and
// who asked for it closes it.
func (w *World) NewGateway(ctx context.Context) (*Phone, netip.AddrPort, error) {
	p, err := NewPhone(PhoneConfig{User: "gateway", Domain: w.Domain, Transport: "UDP", Listen: true,
		Server: w.Registrar.Addr("UDP"), Local: w.host(60), Tone: MobileTone, Log: w.cfg.Log})
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	if err := p.Start(ctx); err != nil {
		p.Close()
		return nil, netip.AddrPort{}, err
	}
	return p, p.local, nil
}

// MobileTone is what a mobile phone behind the gateway speaks.
const MobileTone = 770

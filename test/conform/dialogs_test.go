package conform_test

import (
	"fmt"
	"slices"
	"strings"

	"sallyport/test/lab"
)

// A dialog is both ends' view of one call.
type dialog struct {
	p                        *play
	callID                   string
	phoneTag, farTag         string
	phoneRoute, farRoute     []string
	phoneTarget, farTarget   string // where the phone, the far end send
	phoneSeq, farSeq         int
	phoneIdentity, farPerson string
}

// dial sets up a call that the phone begins.
func dial(p *play) *dialog {
	p.Helper()
	h, m := ring(p)
	p.answer(h, 200, "OK")
	d := newDialog(p, h, m, p.atPhone(200))
	ack := d.fromPhone("ACK")
	ack.Set("CSeq", "1 ACK")
	p.send(ack)
	p.atFar("ACK")
	return d
}

func newDialog(p *play, h heard, m, r *lab.Message) *dialog {
	d := &dialog{p: p, callID: m.Get("Call-ID"), phoneTag: param(m.Get("From"), "tag"), farTag: param(r.Get("To"), "tag"),
		phoneSeq: 1, farSeq: 100, phoneIdentity: p.aor(), farPerson: p.to("bob")}
	d.phoneRoute = slices.Clone(r.All("Record-Route"))
	slices.Reverse(d.phoneRoute)
	d.farRoute = h.All("Record-Route")
	d.phoneTarget, d.farTarget = uriOf(r.Get("Contact")), uriOf(h.Get("Contact"))
	return d
}

func uriOf(value string) string {
	_, rest, ok := strings.Cut(value, "<")
	if !ok {
		return value
	}
	uri, _, _ := strings.Cut(rest, ">")
	return uri
}

func (d *dialog) fromPhone(method string) *lab.Message {
	d.phoneSeq++
	m := d.p.request(method, d.phoneTarget)
	m.Set("From", "<"+d.phoneIdentity+">;tag="+d.phoneTag).Set("To", "<"+d.farPerson+">;tag="+d.farTag)
	m.Set("Call-ID", d.callID).Set("CSeq", fmt.Sprint(d.phoneSeq, " ", method))
	for _, v := range d.phoneRoute {
		m.Add("Route", v)
	}
	return m
}

func (d *dialog) fromFar(method string) *lab.Message {
	d.farSeq++
	m := lab.NewRequest(method, d.farTarget)
	m.Add("Via", fmt.Sprintf("SIP/2.0/TCP %s;branch=%s", d.p.rig.far.addr, branch())).Add("Max-Forwards", "70")
	m.Add("From", "<"+d.farPerson+">;tag="+d.farTag).Add("To", "<"+d.phoneIdentity+">;tag="+d.phoneTag)
	m.Add("Call-ID", d.callID).Add("CSeq", fmt.Sprint(d.farSeq, " ", method))
	m.Add("Contact", fmt.Sprintf("<sip:callee@%s;transport=tcp>", d.p.rig.far.addr))
	for _, v := range d.farRoute {
		m.Add("Route", v)
	}
	return m
}

// toFar sends from the phone and answers.
func (d *dialog) toFar(method string, rows ...string) heard {
	d.p.Helper()
	m := d.fromPhone(method)
	for i := 0; i+1 < len(rows); i += 2 {
		m.Add(rows[i], rows[i+1])
	}
	d.p.send(m)
	h := d.p.atFar(method)
	d.p.answer(h, 200, "OK")
	d.p.atPhone(200)
	return h
}

// toPhone sends from the far end and has the phone answer.
func (d *dialog) toPhone(method string, rows ...string) *lab.Message {
	d.p.Helper()
	m := d.fromFar(method)
	for i := 0; i+1 < len(rows); i += 2 {
		m.Add(rows[i], rows[i+1])
	}
	d.p.sendOn(d.p.rig.out, m)
	got := d.p.atPhone(method)
	d.p.reply(got, 200, "OK")
	d.p.atFarPast(200, "100")
	return got
}

// reply answers at the phone.
func (p *play) reply(m *lab.Message, status int, reason string, rows ...string) {
	p.Helper()
	r := m.Reply(status, reason, "f"+p.id)
	for _, v := range m.All("Record-Route") {
		r.Add("Record-Route", v)
	}
	if method := m.Method(); method == "INVITE" || method == "SUBSCRIBE" || method == "UPDATE" {
		r.Add("Contact", p.contact())
	}
	for i := 0; i+1 < len(rows); i += 2 {
		r.Add(rows[i], rows[i+1])
	}
	p.send(r)
}

// dialogs are what happens within a call, from either end.
func dialogs() (all []scenario) {
	for _, c := range []struct{ method, section, name, value string }{
		{"BYE", "3261 15.1", "Reason", `Q.850;cause=16`}, {"INFO", "6086 4", "Info-Package", "conference"},
		{"UPDATE", "3311 5", "Session-Expires", "1800"}, {"REFER", "3515 2.4", "Subject", "x"},
		{"MESSAGE", "3428 6", "Subject", "hello"}, {"NOTIFY", "6665 4.1", "Event", "refer;id=7"},
		{"SUBSCRIBE", "6665 4.5", "Event", "kpml"}, {"OPTIONS", "3261 11", "Accept", "application/sdp"},
		{"PRACK", "3262 4", "RAck", "1 1 INVITE"}, {"FROBNICATE", "3261 12.2", "X-Odd", "yes"},
	} {
		all = append(all,
			scenario{"phone-" + strings.ToLower(c.method), c.section, c.method + " in a call, from the phone", func(p *play) {
				d := dial(p)
				h := d.toFar(c.method, c.name, c.value)
				p.same(c.name, h.Get(c.name), c.value)
				p.same("Route left", strings.Join(h.All("Route"), ","), "")
			}},
			scenario{"far-" + strings.ToLower(c.method), c.section, c.method + " in a call, from the far end", func(p *play) {
				d := dial(p)
				m := d.toPhone(c.method, c.name, c.value)
				p.same(c.name, m.Get(c.name), c.value)
				p.same("Vias at the phone", fmt.Sprint(len(m.All("Via"))), "1")
				p.same("Route left", strings.Join(m.All("Route"), ","), "")
			}})
	}
	return append(all, dialogTraits()...)
}

func dialogTraits() []scenario {
	return []scenario{
		{"request-uri-is-the-target", "3261 12.2.1.1", "in a call the far end gets its own Contact back as Request-URI", func(p *play) {
			d := dial(p)
			h := d.toFar("INFO")
			p.same("Request-URI", h.URI(), fmt.Sprintf("sip:callee@%s;transport=tcp", p.rig.far.addr))
		}},
		{"phone-target", "3261 12.2.1.1", "in a call the phone gets its own Contact back as Request-URI", func(p *play) {
			d := dial(p)
			m := d.toPhone("INFO")
			p.same("Request-URI", m.URI(), uriOf(p.contact()))
		}},
		{"reinvite-phone", "3261 14", "a re-INVITE of the phone, acknowledged end to end", func(p *play) {
			d := dial(p)
			p.send(d.fromPhone("INVITE"))
			h := p.atFar("INVITE")
			p.answer(h, 200, "OK")
			p.atPhone(200)
			ack := d.fromPhone("ACK")
			ack.Set("CSeq", "3 ACK")
			p.send(ack)
			p.has("CSeq", p.atFar("ACK").Get("CSeq"), "3 ACK")
			p.quiet()
		}},
		{"reinvite-far", "3261 14", "a re-INVITE of the far end, acknowledged end to end", func(p *play) {
			d := dial(p)
			p.sendOn(p.rig.out, d.fromFar("INVITE"))
			p.reply(p.atPhone("INVITE"), 200, "OK")
			p.atFarPast(200, "100")
			ack := d.fromFar("ACK")
			ack.Set("CSeq", "101 ACK")
			p.sendOn(p.rig.out, ack)
			p.has("CSeq", p.atPhone("ACK").Get("CSeq"), "101 ACK")
		}},
		{"reinvite-refused", "3261 14.1", "a refused re-INVITE leaves the call as it was", func(p *play) {
			d := dial(p)
			p.send(d.fromPhone("INVITE"))
			p.answer(p.atFar("INVITE"), 488, "Not Acceptable Here")
			p.atFar("ACK")
			p.atPhone(488)
			d.toFar("BYE")
		}},
		{"reinvite-glare", "3261 14.2", "491 passes", func(p *play) {
			d := dial(p)
			p.send(d.fromPhone("INVITE"))
			p.answer(p.atFar("INVITE"), 491, "Request Pending")
			p.atFar("ACK")
			p.atPhone(491)
		}},
		{"reliable-ringing", "3262 3", "a reliable 180 keeps Require and RSeq, and PRACK finds its way", func(p *play) {
			p.register()
			m := p.send(p.request("INVITE", p.to("bob")).Add("Supported", "100rel"))
			h := p.atFar("INVITE")
			p.answer(h, 180, "Ringing", "Require", "100rel", "RSeq", "42")
			r := p.atPhone(180)
			p.same("RSeq", r.Get("RSeq"), "42")
			p.same("Require", r.Get("Require"), "100rel")
			d := newDialog(p, h, m, r)
			k := d.toFar("PRACK", "RAck", "42 1 INVITE")
			p.same("RAck", k.Get("RAck"), "42 1 INVITE")
			p.refuse(h)
		}},
		{"early-update", "3311 5.1", "UPDATE in an early dialog", func(p *play) {
			p.register()
			m := p.send(p.request("INVITE", p.to("bob")))
			h := p.atFar("INVITE")
			p.answer(h, 183, "Progress", "Contact", fmt.Sprintf("<sip:callee@%s;transport=tcp>", p.rig.far.addr))
			newDialog(p, h, m, p.atPhone(183)).toFar("UPDATE")
			p.refuse(h)
		}},
		{"session-interval-too-small", "4028 6", "422 and its Min-SE pass", func(p *play) {
			p.register()
			p.send(p.request("INVITE", p.to("bob")).Add("Session-Expires", "60").Add("Supported", "timer"))
			p.answer(p.atFar("INVITE"), 422, "Session Interval Too Small", "Min-SE", "300")
			p.atFar("ACK")
			p.same("Min-SE", p.atPhone(422).Get("Min-SE"), "300")
		}},
		{"refer-notify", "3515 2.4.4", "REFER, its 202, and the NOTIFY that reports", func(p *play) {
			d := dial(p)
			p.send(d.fromPhone("REFER").Add("Refer-To", "<"+p.to("carol")+">"))
			h := p.atFar("REFER")
			p.has("Refer-To", h.Get("Refer-To"), "<"+p.to("carol")+">")
			p.answer(h, 202, "Accepted")
			p.atPhone(202)
			d.toPhone("NOTIFY", "Event", "refer", "Subscription-State", "terminated;reason=noresource")
		}},
		{"refer-replaces", "3891 5", "a Refer-To with an escaped Replaces passes", func(p *play) {
			d := dial(p)
			to := "<" + p.to("carol") + "?Replaces=abc%40host%3Bto-tag%3D1%3Bfrom-tag%3D2>"
			p.has("Refer-To", d.toFar("REFER", "Refer-To", to).Get("Refer-To"), to)
		}},
		{"replaces-in-invite", "3891 3", "an INVITE with Replaces keeps it", func(p *play) {
			p.register()
			p.send(p.request("INVITE", p.to("bob")).Add("Replaces", "abc@host;to-tag=1;from-tag=2"))
			h := p.atFar("INVITE")
			p.same("Replaces", h.Get("Replaces"), "abc@host;to-tag=1;from-tag=2")
			p.refuse(h)
		}},
		{"subscription-life", "6665 4.1", "SUBSCRIBE, its NOTIFYs from the far end, and its end", func(p *play) {
			p.register()
			m := p.send(p.request("SUBSCRIBE", p.to("bob")).Add("Event", "dialog").Add("Expires", "60"))
			h := p.atFar("SUBSCRIBE")
			p.answer(h, 200, "OK", "Expires", "60")
			d := newDialog(p, h, m, p.atPhone(200))
			d.toPhone("NOTIFY", "Event", "dialog", "Subscription-State", "active;expires=60")
			d.toFar("SUBSCRIBE", "Event", "dialog", "Expires", "0")
			d.toPhone("NOTIFY", "Event", "dialog", "Subscription-State", "terminated;reason=timeout")
		}},
		{"ack-again", "3261 13.2.2.4", "an ACK to a 200 passes as often as it is sent", func(p *play) {
			d := dial(p)
			ack := d.fromPhone("ACK")
			ack.Set("CSeq", "1 ACK")
			p.send(ack)
			p.atFar("ACK")
			p.quiet()
		}},
		{"another-users-dialog", "3261 16.4", "a route of somebody else's call leads nowhere", func(p *play) {
			d := dial(p)
			stolen := d.fromPhone("BYE")
			thief := p.rig.play(p.T)
			thief.register()
			stolen.Set("From", "<"+thief.aor()+">;tag=1").Set("Contact", thief.contact())
			thief.send(stolen)
			if s := thief.onFinal(); s != 403 && s != 481 {
				p.Errorf("got %d", s)
			}
			d.toFar("BYE")
		}},
		{"another-call-by-the-same-route", "3261 16.4", "a route opens only the call that it was written for", func(p *play) {
			d := dial(p)
			m := d.fromPhone("INFO")
			m.Set("Call-ID", p.id+"-other@phone")
			p.send(m)
			if s := p.onFinal(); s != 403 && s != 481 {
				p.Errorf("got %d", s)
			}
			p.quiet()
		}},
	}
}

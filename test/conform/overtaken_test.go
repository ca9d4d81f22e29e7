package conform_test

import (
	"fmt"
	"strings"

	"sallyport/test/lab"
)

// overtaken are messages that come again when the offer and answer that they are
// part of were followed by others: they pass, and what they describe does not.
func overtaken() []scenario {
	const about = "a 200 that comes again after "
	return []scenario{
		{"answer-again", "3261 13.3.1.4", "a 200 that comes again has the same answer again", func(p *play) {
			c := talk(p)
			c.answered()
			p.same("the answer", string(p.atPhone(200).Body), c.first)
			p.quiet()
		}},
		{"answer-after-far-offer", "3261 13.3.1.4", about + "a re-INVITE of the far end passes, without its answer", func(p *play) {
			c := talk(p)
			c.farOffers()
			c.answered()
			p.same("the answer", string(p.atPhone(200).Body), "")
			p.quiet()
		}},
		{"answer-after-phone-offer", "3261 13.3.1.4", about + "a re-INVITE of the phone passes, without its answer", func(p *play) {
			c := talk(p)
			c.phoneOffers(200)
			c.answered()
			p.same("the answer", string(p.atPhone(200).Body), "")
			p.quiet()
		}},
		{"answer-after-update", "3311 5.1", about + "an UPDATE of the far end passes, without its answer", func(p *play) {
			c := talk(p)
			m := describe(c.d.fromFar("UPDATE"), farAudio(2, 5002))
			p.sendOn(p.rig.out, m)
			p.replyBody(p.atPhone("UPDATE"), phoneAudio(2, 4002))
			p.atFarPast(200, "100")
			c.answered()
			p.same("the answer", string(p.atPhone(200).Body), "")
			p.quiet()
		}},
		{"answer-after-refusal", "3261 14.1", about + "a refused re-INVITE has its answer, which holds on", func(p *play) {
			c := talk(p)
			c.phoneOffers(491)
			c.answered()
			p.same("the answer", string(p.atPhone(200).Body), c.first)
			p.quiet()
		}},
		{"answer-while-offered-anew", "3261 13.3.1.4", "a 200 that comes again is no answer to the re-INVITE that waits for one", func(p *play) {
			c := talk(p)
			p.send(describe(c.d.fromPhone("INVITE"), phoneAudio(2, 4002)+"m=audio 4004 RTP/SAVP 0\r\n"+cryptoLine+"\r\n"))
			h := p.atFar("INVITE")
			c.answered()
			p.same("the answer", string(p.atPhone(200).Body), "")
			p.answerBody(h, answerTo(h))
			p.same("lines of the next", fmt.Sprint(strings.Count(string(p.atPhone(200).Body), "m=audio ")), "2")
		}},
		{"answer-of-phone-after-far-offer", "3261 13.3.1.4", "the same of the phone's 200 to a call that it got", func(p *play) {
			c := talk(p)
			first := c.farOffers()
			c.phoneOffers(200)
			p.replyBody(first, phoneAudio(2, 4002))
			p.same("the answer", string(p.atFarPast(200, "100").Body), "")
			p.quiet()
		}},
		{"late-offer-again", "3261 13.3.1.4", "the offer in a 200 that comes again is the same, and its answer in the ACK", func(p *play) {
			c := lateTalk(p)
			c.answered()
			p.same("the offer", string(p.atPhone(200).Body), c.first)
			p.send(c.ack)
			p.same("the answer", string(p.atFar("ACK").Body), c.acked)
			p.quiet()
		}},
		{"late-offer-after-far-offer", "3261 13.3.1.4", about + "a re-INVITE passes without its offer, and the ACK without its answer", func(p *play) {
			c := lateTalk(p)
			c.farOffers()
			c.answered()
			p.same("the offer", string(p.atPhone(200).Body), "")
			p.send(c.ack)
			p.same("the answer", string(p.atFar("ACK").Body), "")
			c.phoneOffers(200)
		}},
		{"late-offer-after-late-offer", "3261 13.3.1.4", "a late offer that comes again is not taken for that of the next INVITE", func(p *play) {
			c := lateTalk(p)
			m := p.send(c.d.fromPhone("INVITE"))
			h := p.atFar("INVITE")
			p.answerBody(h, farAudio(2, 5002))
			p.send(describe(phoneAck(c.d, m), phoneAudio(2, 4002)))
			p.has("the next answer", string(p.atFar("ACK").Body), "m=audio ")
			p.atPhone(200)
			c.answered()
			p.same("the offer", string(p.atPhone(200).Body), "")
			c.phoneOffers(200)
		}},
	}
}

// talking is a call with the first 200 of it, as the far end says it.
type talking struct {
	p            *play
	d            *dialog
	h            heard
	answer       string // as the far end wrote it
	first, acked string // as the phone got it; as the far end got the answer to a late offer
	ack          *lab.Message
}

// answered has the far end say its 200 again.
func (c *talking) answered() { c.p.Helper(); c.p.answerBody(c.h, c.answer) }

func talk(p *play) *talking {
	p.Helper()
	p.register()
	m := p.send(describe(p.request("INVITE", p.to("bob")), phoneAudio(1, 4000)))
	c := &talking{p: p, h: p.atFar("INVITE"), answer: farAudio(1, 5000)}
	c.answered()
	r := p.atPhone(200)
	c.d, c.first = newDialog(p, c.h, m, r), string(r.Body)
	p.has("the answer", c.first, "m=audio ")
	p.send(phoneAck(c.d, m))
	p.atFar("ACK")
	return c
}

// lateTalk is one whose offer came with the 200.
func lateTalk(p *play) *talking {
	p.Helper()
	p.register()
	m := p.send(p.request("INVITE", p.to("bob")))
	c := &talking{p: p, h: p.atFar("INVITE"), answer: farAudio(1, 5000)}
	c.answered()
	r := p.atPhone(200)
	c.d, c.first = newDialog(p, c.h, m, r), string(r.Body)
	c.ack = describe(phoneAck(c.d, m), sdpHead+"m=audio 4000 RTP/SAVP 0\r\n"+keyOf(r))
	p.send(c.ack)
	c.acked = string(p.atFar("ACK").Body)
	p.has("the answer", c.acked, "m=audio ")
	return c
}

// farOffers is a re-INVITE of the far end.
func (c *talking) farOffers() (got *lab.Message) {
	c.p.Helper()
	m := describe(c.d.fromFar("INVITE"), farAudio(2, 5002))
	c.p.sendOn(c.p.rig.out, m)
	got = c.p.atPhone("INVITE")
	c.p.replyBody(got, phoneAudio(2, 4002))
	c.p.has("the phone's answer", string(c.p.atFarPast(200, "100").Body), "m=audio ")
	ack := c.d.fromFar("ACK")
	ack.Set("CSeq", strings.Replace(m.Get("CSeq"), "INVITE", "ACK", 1))
	c.d.farSeq--
	c.p.sendOn(c.p.rig.out, ack)
	c.p.atPhone("ACK")
	return got
}

// phoneOffers is a re-INVITE of the phone.
func (c *talking) phoneOffers(status int) {
	c.p.Helper()
	m := c.p.send(describe(c.d.fromPhone("INVITE"), phoneAudio(3, 4008)))
	h := c.p.atFar("INVITE")
	if status >= 300 {
		c.p.answer(h, status, "No")
		c.p.atFar("ACK")
		c.p.send(ackOf(m, c.p.atPhone(status)))
		return
	}
	c.p.answerBody(h, farAudio(3, 5008))
	c.p.has("the far end's answer", string(c.p.atPhone(200).Body), "m=audio ")
	c.p.send(phoneAck(c.d, m))
	c.p.atFar("ACK")
}

// phoneAck is the ACK to a 2xx.
func phoneAck(d *dialog, invite *lab.Message) *lab.Message {
	ack := d.fromPhone("ACK")
	d.phoneSeq--
	ack.Set("CSeq", strings.Replace(invite.Get("CSeq"), "INVITE", "ACK", 1))
	return ack
}

func (p *play) replyBody(m *lab.Message, body string) {
	p.Helper()
	r := describe(m.Reply(200, "OK", "f"+p.id), body)
	for _, v := range m.All("Record-Route") {
		r.Add("Record-Route", v)
	}
	p.send(r.Add("Contact", p.contact()))
}

func phoneAudio(version, port int) string {
	return fmt.Sprintf("v=0\r\no=- 1 %d IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio %d RTP/SAVP 0\r\n%s\r\n", version, port, cryptoLine)
}

func farAudio(version, port int) string {
	return fmt.Sprintf("v=0\r\no=- 9 %d IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\n", version, port)
}

package conform_test

import (
	"fmt"
	"strings"

	"sallyport/test/lab"
)

// call is a request of the far end to the registered phone, by its Path.
func (p *play) call(method string) *lab.Message {
	p.count++
	m := lab.NewRequest(method, uriOf(p.bound))
	m.Add("Via", fmt.Sprintf("SIP/2.0/TCP %s;branch=%s", p.rig.far.addr, branch())).Add("Max-Forwards", "70")
	m.Add("From", "<"+p.to("bob")+">;tag=b"+p.id).Add("To", "<"+p.aor()+">")
	m.Add("Call-ID", fmt.Sprintf("%s-%d@far", p.id, p.count)).Add("CSeq", "1 "+method)
	m.Add("Contact", fmt.Sprintf("<sip:bob@%s;transport=tcp>", p.rig.far.addr))
	for _, v := range p.path {
		m.Add("Route", v)
	}
	return m
}

// inward is what reaches a phone from inside, and what it may answer.
func inward() []scenario {
	return []scenario{
		{"in-options", "3327 5.5", "a request by the Path of the registration reaches the phone", func(p *play) {
			p.register()
			m := p.sendOn(p.rig.out, p.call("OPTIONS"))
			got := p.atPhone("OPTIONS")
			p.same("Request-URI", got.URI(), m.URI())
			p.same("Route left", strings.Join(got.All("Route"), ","), "")
			p.reply(got, 200, "OK")
			p.atFar(200)
		}},
		{"in-vias-hidden", "3261 16.6", "the phone sees one Via, and the far end gets its own back", func(p *play) {
			p.register()
			m := p.sendOn(p.rig.out, p.call("OPTIONS"))
			got := p.atPhone("OPTIONS")
			p.same("Vias", fmt.Sprint(len(got.All("Via"))), "1")
			for _, inside := range p.rig.pair.InsidePrefixes() {
				p.lacks("Via", got.Get("Via"), inside)
			}
			p.reply(got, 200, "OK")
			p.has("Via", p.atFar(200).Get("Via"), param(m.Get("Via"), "branch"))
		}},
		{"in-contact-hidden", "3261 16.6", "Contact and Record-Route name this edge and nothing inside", func(p *play) {
			p.register()
			p.sendOn(p.rig.out, p.call("INVITE"))
			got := p.atPhone("INVITE")
			for _, v := range append(got.All("Contact"), got.All("Record-Route")...) {
				for _, inside := range p.rig.pair.InsidePrefixes() {
					p.lacks("header", v, "@"+inside)
				}
			}
			p.reply(got, 486, "Busy Here")
			p.atFarPast(486, "100")
		}},
		{"in-trying", "3261 16.2", "the far end hears 100 at once", func(p *play) {
			p.register()
			p.sendOn(p.rig.out, p.call("INVITE"))
			p.atFar(100)
			p.reply(p.atPhone("INVITE"), 486, "Busy Here")
			p.atPhone("ACK")
			p.atFar(486)
		}},
		{"in-cancel", "3261 16.10", "a call from inside that is taken back", func(p *play) {
			p.register()
			m := p.sendOn(p.rig.out, p.call("INVITE"))
			got := p.atPhone("INVITE")
			p.reply(got, 180, "Ringing")
			p.atFarPast(180, "100")
			p.sendOn(p.rig.out, cancelOf(m))
			p.atFar(200)
			c := p.atPhone("CANCEL")
			p.same("branch", param(c.Get("Via"), "branch"), param(got.Get("Via"), "branch"))
			p.reply(c, 200, "OK")
			p.reply(got, 487, "Request Terminated")
			p.atPhone("ACK")
			p.atFar(487)
		}},
		{"in-answered", "3261 13.3", "a call from inside, its 200, its ACK and the phone's BYE", func(p *play) {
			p.register()
			m := p.sendOn(p.rig.out, p.call("INVITE"))
			got := p.atPhone("INVITE")
			p.reply(got, 200, "OK")
			r := p.atFarPast(200, "100")
			ack := p.call("ACK")
			ack.SetURI(uriOf(r.Get("Contact")))
			ack.Set("Call-ID", m.Get("Call-ID")).Set("To", r.Get("To")).Set("CSeq", "1 ACK")
			ack.Del("Route")
			for _, v := range backwards(r.All("Record-Route")) {
				ack.Add("Route", v)
			}
			p.sendOn(p.rig.out, ack)
			p.atPhone("ACK")
			bye := p.request("BYE", uriOf(got.Get("Contact")))
			bye.Set("From", r.Get("To")).Set("To", got.Get("From")).Set("Call-ID", m.Get("Call-ID")).Set("CSeq", "7 BYE")
			for _, v := range got.All("Record-Route") {
				bye.Add("Route", v)
			}
			p.send(bye)
			p.answer(p.atFar("BYE"), 200, "OK")
			p.atPhone(200)
		}},
		{"in-hops", "3261 16.3", "no hops left: 483 to the inside too", func(p *play) {
			p.register()
			p.sendOn(p.rig.out, p.call("OPTIONS").Set("Max-Forwards", "0"))
			p.atFar(483)
			p.quiet()
		}},
		{"in-proxy-require", "3261 16.3", "420 to the inside too", func(p *play) {
			p.register()
			p.sendOn(p.rig.out, p.call("OPTIONS").Set("Proxy-Require", "nobody-knows"))
			p.same("Unsupported", p.atFar(420).Get("Unsupported"), "nobody-knows")
			p.quiet()
		}},
		{"in-forged-path", "3327 6", "a Path that was changed leads nowhere", func(p *play) {
			p.register()
			m := p.call("OPTIONS")
			m.Del("Route")
			for _, v := range p.path {
				m.Add("Route", forged(v))
			}
			p.sendOn(p.rig.out, m)
			if s := p.atFarFinal(); s < 400 {
				p.Errorf("got %d", s)
			}
			p.quiet()
		}},
		{"in-flow-gone", "5626 5.3", "a phone that is gone: no 430 reaches the registrar, which would drop the binding", func(p *play) {
			p.register()
			p.phone.Close()
			p.sendOn(p.rig.out, p.call("OPTIONS"))
			if s := p.atFarFinal(); s != 408 && s != 480 {
				p.Errorf("got %d", s)
			}
		}},
		{"in-other-user", "3261 16.4", "a Path does not lead to another user's phone", func(p *play) {
			p.register()
			other := p.rig.play(p.T)
			other.register()
			m := p.call("OPTIONS")
			m.SetURI(uriOf(other.bound))
			p.sendOn(p.rig.out, m)
			got := p.atPhone("OPTIONS") // by the Path, to the one it names
			p.reply(got, 404, "Not Found")
			p.atFar(404)
			other.quiet()
		}},
		{"in-identity-kept", "3325 5", "P-Asserted-Identity of the inside reaches the phone", func(p *play) {
			p.register()
			p.sendOn(p.rig.out, p.call("OPTIONS").Add("P-Asserted-Identity", "<"+p.to("boss")+">"))
			got := p.atPhone("OPTIONS")
			p.same("P-Asserted-Identity", got.Get("P-Asserted-Identity"), "<"+p.to("boss")+">")
			p.reply(got, 200, "OK")
			p.atFar(200)
		}},
		{"in-private-headers", "3261 16.6", "what the nodes tell each other does not reach the phone", func(p *play) {
			p.register()
			p.sendOn(p.rig.out, p.call("OPTIONS"))
			got := p.atPhone("OPTIONS")
			for _, f := range got.Fields {
				p.lacks("header", f.Name, "X-Sallyport")
			}
			p.reply(got, 200, "OK")
			p.atFar(200)
		}},
		{"in-unknown-method", "3261 16", "a method that nobody knows passes inward", func(p *play) {
			p.register()
			p.sendOn(p.rig.out, p.call("FROBNICATE"))
			p.reply(p.atPhone("FROBNICATE"), 501, "Not Implemented")
			p.atFar(501)
		}},
		{"in-unsolicited-notify", "6665 4.1", "message waiting: a NOTIFY that nobody asked for", func(p *play) {
			p.register()
			m := p.call("NOTIFY").Add("Event", "message-summary").Add("Subscription-State", "active")
			m.Add("Content-Type", "application/simple-message-summary")
			m.Body = []byte("Messages-Waiting: yes\r\n")
			p.sendOn(p.rig.out, m)
			got := p.atPhone("NOTIFY")
			p.same("body", string(got.Body), string(m.Body))
			p.reply(got, 200, "OK")
			p.atFar(200)
		}},
		{"in-forked-answer", "3261 16.7", "an answer of the phone to a request it never got is dropped", func(p *play) {
			p.register()
			r := p.request("OPTIONS", p.to("x")).Reply(200, "OK", "t")
			p.send(r)
			p.quiet()
		}},
		{"in-answer-vias", "3261 16.7", "a phone that puts Vias into its answer gains nothing", func(p *play) {
			p.register()
			p.sendOn(p.rig.out, p.call("OPTIONS"))
			got := p.atPhone("OPTIONS")
			r := got.Reply(200, "OK", "t")
			r.Add("Via", "SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKsmuggled")
			p.send(r)
			if vias := p.atFar(200).All("Via"); len(vias) != 1 {
				p.Errorf("the far end sees Vias %v", vias)
			}
		}},
		{"in-refused", "3261 16.7", "every refusal of a phone passes", func(p *play) {
			p.register()
			for _, status := range []int{404, 405, 415, 480, 486, 500, 600, 603} {
				p.sendOn(p.rig.out, p.call("MESSAGE"))
				p.reply(p.atPhone("MESSAGE"), status, "No")
				p.atFar(status)
			}
		}},
		{"in-order", "3261 18", "twenty requests reach the phone in the order in which they left", func(p *play) {
			p.register()
			var ids []string
			for range 20 {
				ids = append(ids, p.sendOn(p.rig.out, p.call("MESSAGE")).Get("Call-ID"))
			}
			for _, id := range ids {
				got := p.atPhone("MESSAGE")
				p.same("Call-ID", got.Get("Call-ID"), id)
				p.reply(got, 200, "OK")
			}
			for range ids {
				p.atFar(200)
			}
		}},
		{"in-again", "3261 17.2.2", "a request that comes again from inside reaches the phone once", func(p *play) {
			p.register()
			m := p.sendOn(p.rig.out, p.call("MESSAGE"))
			got := p.atPhone("MESSAGE")
			p.sendOn(p.rig.out, m)
			next := p.sendOn(p.rig.out, p.call("MESSAGE"))
			fence := p.atPhone("MESSAGE") // core has seen the first again
			p.same("Call-ID", fence.Get("Call-ID"), next.Get("Call-ID"))
			for _, m := range []*lab.Message{got, fence} {
				p.reply(m, 200, "OK")
				p.atFar(200)
			}
			p.quiet()
		}},
	}
}

// forged is a route whose token has one character changed.
func forged(route string) string {
	b := []byte(route)
	if at := strings.IndexByte(route, '@') - 8; b[at] == 'A' {
		b[at] = 'B'
	} else {
		b[at] = 'A'
	}
	return string(b)
}

func backwards(values []string) []string {
	out := make([]string, 0, len(values))
	for i := range values {
		out = append(out, values[len(values)-1-i])
	}
	return out
}

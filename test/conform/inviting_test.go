package conform_test

import (
	"fmt"
	"strings"

	"sallyport/test/lab"
)

// inviting is the life of an INVITE transaction through a proxy.
func inviting() []scenario {
	return []scenario{
		{"trying-at-once", "3261 16.2", "100 comes before the far end has said anything", func(p *play) {
			p.register()
			p.send(p.request("INVITE", p.to("bob")))
			p.atPhone(100)
			p.answer(p.atFar("INVITE"), 486, "Busy Here")
			p.atFar("ACK")
			p.atPhone(486)
		}},
		{"trying-is-ours", "3261 16.7", "the far end's own 100 is not passed on", func(p *play) {
			p.register()
			p.send(p.request("INVITE", p.to("bob")))
			p.atPhone(100)
			h := p.atFar("INVITE")
			p.answer(h, 100, "Trying")
			p.answer(h, 180, "Ringing")
			if m, err := p.phone.Receive(patience); err != nil || m.Status() != 180 {
				p.Errorf("got %v, %v", m, err)
			}
			p.refuse(h)
		}},
		{"no-trying-for-others", "4320 4.1", "no 100 for what is answered at once anyway", func(p *play) {
			p.register()
			p.send(p.request("OPTIONS", p.to("bob")))
			p.answer(p.atFar("OPTIONS"), 200, "OK")
			if m, err := p.phone.Receive(patience); err != nil || m.Status() != 200 {
				p.Errorf("got %v, %v", m, err)
			}
		}},
		{"invite-again", "3261 17.2.1", "a retransmitted INVITE does not reach the far end twice", func(p *play) {
			h, m := ring(p)
			p.send(m)
			p.atPhone(180) // the last word again
			p.refuse(h)
			p.quiet()
		}},
		{"options-again", "3261 17.2.2", "a request that is sent again before its answer reaches the far end once", func(p *play) {
			p.register()
			m := p.send(p.request("OPTIONS", p.to("bob")))
			h := p.atFar("OPTIONS")
			p.send(m)
			p.quiet() // edge has seen it again
			p.answer(h, 404, "Not Found")
			p.atPhone(404)
			p.quiet()
		}},
		{"options-after-the-end", "3261 17.2.2", "over a stream the same request after its answer is a new one (Timer J is 0)", func(p *play) {
			p.register()
			m := p.send(p.request("OPTIONS", p.to("bob")))
			p.answer(p.atFar("OPTIONS"), 404, "Not Found")
			p.atPhone(404)
			p.send(m)
			p.answer(p.atFar("OPTIONS"), 200, "OK")
			p.atPhone(200)
		}},
		{"failure-acknowledged", "3261 17.1.1.3", "the proxy acknowledges a failure itself, with the branch of its INVITE", func(p *play) {
			h, _ := ring(p)
			p.answer(h, 486, "Busy Here")
			ack := p.atFar("ACK")
			p.same("branch", param(ack.All("Via")[0], "branch"), param(h.All("Via")[0], "branch"))
			p.same("Vias in ACK", fmt.Sprint(len(ack.All("Via"))), "1")
			p.has("To", ack.Get("To"), "tag=z"+p.id)
			p.atPhone(486)
		}},
		{"failure-ack-absorbed", "3261 17.2.1", "the phone's ACK to a failure ends at the proxy", func(p *play) {
			h, m := ring(p)
			p.answer(h, 486, "Busy Here")
			p.atFar("ACK")
			r := p.atPhone(486)
			p.send(ackOf(m, r))
			p.quiet()
		}},
		{"failure-again", "3261 17.1.1.2", "a failure that comes again is acknowledged again and passed on once", func(p *play) {
			p.domain = udpDomain
			h, m := ring(p)
			p.answer(h, 486, "Busy Here")
			p.atFar("ACK")
			p.send(ackOf(m, p.atPhone(486)))
			p.answer(h, 486, "Busy Here")
			p.atFar("ACK")
			p.quiet()
		}},
		{"second-failure-dropped", "3261 16.7", "after one final answer another is not passed on", func(p *play) {
			p.domain = udpDomain
			h, m := ring(p)
			p.answer(h, 486, "Busy Here")
			p.atFar("ACK")
			p.send(ackOf(m, p.atPhone(486)))
			p.answer(h, 404, "Not Found")
			p.atFar("ACK") // of the transaction, whatever its answer
			p.quiet()
		}},
		{"ringing-after-the-end", "3261 16.7", "a provisional answer after the final one is dropped", func(p *play) {
			h, m := ring(p)
			p.answer(h, 486, "Busy Here")
			p.atFar("ACK")
			p.send(ackOf(m, p.atPhone(486)))
			p.answer(h, 180, "Ringing")
			p.quiet()
		}},
		{"stray-ack", "3261 17", "an ACK that belongs to nothing is dropped without a word", func(p *play) {
			p.register()
			p.send(p.request("ACK", p.to("bob")).Set("To", "<"+p.to("bob")+">;tag=none"))
			p.quiet()
		}},
		{"answer-with-foreign-branch", "3261 18.1.2", "an answer to a branch that is not ours is dropped", func(p *play) {
			h, _ := ring(p)
			r := h.Reply(200, "OK", "x")
			r.SetAll("Via", []string{"SIP/2.0/TCP " + p.rig.pair.CoreAddr() + ":5060;branch=z9hG4bKforged"})
			if err := h.back(r.Bytes()); err != nil {
				p.Fatal(err)
			}
			p.refuse(h)
			p.quiet()
		}},
		{"answer-of-other-method", "3261 17.1.3", "an answer whose CSeq names another method is dropped", func(p *play) {
			h, _ := ring(p)
			r := h.Reply(200, "OK", "x")
			r.Set("CSeq", "1 BYE")
			if err := h.back(r.Bytes()); err != nil {
				p.Fatal(err)
			}
			p.refuse(h)
			p.quiet()
		}},
		{"success-again", "6026 7.1", "a 200 that comes again is passed on again", func(p *play) {
			h, _ := ring(p)
			p.answer(h, 200, "OK")
			p.atPhone(200)
			p.answer(h, 200, "OK")
			p.atPhone(200)
			p.quiet()
		}},
		{"success-of-two", "6026 7.1", "two phones that answer at once are both heard", func(p *play) {
			h, _ := ring(p)
			p.answerAs("one", h, 200, "OK")
			p.answerAs("two", h, 200, "OK")
			p.has("first To", p.atPhone(200).Get("To"), "tag=one")
			p.has("second To", p.atPhone(200).Get("To"), "tag=two")
		}},
		{"two-early-dialogs", "3261 12.1", "two phones that ring are two early dialogs", func(p *play) {
			h, _ := ring(p)
			p.answerAs("one", h, 183, "Progress")
			p.answerAs("two", h, 183, "Progress")
			p.has("first To", p.atPhone(183).Get("To"), "tag=one")
			p.has("second To", p.atPhone(183).Get("To"), "tag=two")
			p.refuse(h)
		}},
		{"invite-again-after-success", "6026 7.1", "an INVITE retransmitted after the 200 is absorbed", func(p *play) {
			h, m := ring(p)
			p.answer(h, 200, "OK")
			p.atPhone(200)
			p.send(m)
			p.quiet()
		}},
		{"cancel", "3261 16.10", "CANCEL is answered at once, passed on by the proxy, and ends in 487", func(p *play) {
			h, m := ring(p)
			p.send(cancelOf(m))
			r := p.atPhone(200)
			p.has("CSeq", r.Get("CSeq"), "CANCEL")
			c := p.atFar("CANCEL")
			p.same("branch", param(c.All("Via")[0], "branch"), param(h.All("Via")[0], "branch"))
			p.same("Vias in CANCEL", fmt.Sprint(len(c.All("Via"))), "1")
			p.same("Request-URI", c.URI(), h.URI())
			p.answer(c, 200, "OK")
			p.answer(h, 487, "Request Terminated")
			p.atFar("ACK")
			p.atPhone(487)
		}},
		{"cancel-waits-for-ringing", "3261 9.1", "CANCEL is held until the far end has answered something", func(p *play) {
			p.register()
			m := p.send(p.request("INVITE", p.to("bob")))
			h := p.atFar("INVITE")
			p.send(cancelOf(m))
			p.has("CSeq", p.atPhone(200).Get("CSeq"), "CANCEL")
			p.quiet() // not yet
			p.answer(h, 180, "Ringing")
			p.answer(p.atFar("CANCEL"), 200, "OK")
			p.answer(h, 487, "Request Terminated")
			p.atFar("ACK")
			p.skipTo(487)
		}},
		{"cancel-too-late", "3261 9.1", "an answer that crosses a CANCEL wins", func(p *play) {
			h, m := ring(p)
			p.send(cancelOf(m))
			p.atPhone(200) // to CANCEL
			c := p.atFar("CANCEL")
			p.answer(h, 200, "OK")
			p.answer(c, 200, "OK")
			p.has("CSeq", p.atPhone(200).Get("CSeq"), "INVITE")
		}},
		{"cancel-after-the-end", "3261 9.2", "a CANCEL after the final answer changes nothing", func(p *play) {
			h, m := ring(p)
			p.answer(h, 486, "Busy Here")
			p.atFar("ACK")
			p.send(ackOf(m, p.atPhone(486)))
			p.send(cancelOf(m))
			if s := p.onFinal(); s != 200 && s != 481 {
				p.Errorf("got %d", s)
			}
			p.quiet()
		}},
		{"cancel-twice", "3261 9.2", "a CANCEL that comes again is answered again and passed on once", func(p *play) {
			h, m := ring(p)
			c := cancelOf(m)
			p.send(c)
			p.atPhone(200)
			f := p.atFar("CANCEL")
			p.send(c)
			p.atPhone(200)
			p.answer(f, 200, "OK")
			p.answer(h, 487, "Request Terminated")
			p.atFar("ACK")
			p.atPhone(487)
			p.quiet()
		}},
		{"cancel-reason", "3326 2", "the Reason of a CANCEL reaches the far end", func(p *play) {
			h, m := ring(p)
			reason := `SIP;cause=200;text="Call completed elsewhere"`
			p.send(cancelOf(m).Add("Reason", reason))
			p.atPhone(200)
			c := p.atFar("CANCEL")
			p.same("Reason", c.Get("Reason"), reason)
			p.answer(c, 200, "OK")
			p.refuse(h)
		}},
		{"cancel-other-branch", "3261 9.2", "a CANCEL with another branch cancels nothing", func(p *play) {
			h, m := ring(p)
			c := cancelOf(m)
			c.Set("Via", fmt.Sprintf("SIP/2.0/TLS %s;rport;branch=%s", p.phone.Local(), branch()))
			p.send(c)
			p.atPhone(481)
			p.refuse(h)
			p.quiet()
		}},
		{"cancel-of-a-stranger", "3261 9.2", "nobody cancels a call from another connection", func(p *play) {
			h, m := ring(p)
			other := p.connect()
			p.sendOn(other, cancelOf(m))
			p.onConn(other, 481)
			p.refuse(h)
			p.quiet()
		}},
		{"cancel-unanswered-method", "4320 4.2", "what is no INVITE is not cancelled", func(p *play) {
			p.register()
			m := p.send(p.request("OPTIONS", p.to("bob")))
			h := p.atFar("OPTIONS")
			c := cancelOf(m)
			p.send(c)
			if s := p.onFinal(); s != 200 && s != 481 {
				p.Errorf("got %d", s)
			}
			p.answer(h, 200, "OK")
			p.atPhone(200)
			p.quiet()
		}},
		{"same-branch-other-method", "3261 17.2.3", "one branch in two methods is two transactions", func(p *play) {
			p.register()
			m := p.send(p.request("OPTIONS", p.to("bob")))
			p.answer(p.atFar("OPTIONS"), 200, "OK")
			p.atPhone(200)
			n := p.request("MESSAGE", p.to("bob"))
			n.Set("Via", m.Get("Via"))
			p.send(n)
			p.answer(p.atFar("MESSAGE"), 202, "Accepted")
			p.atPhone(202)
		}},
		{"invite-by-datagram-again", "3261 17.1.1.2", "over UDP an unanswered INVITE is sent again", func(p *play) {
			p.domain = udpDomain
			p.register()
			p.rig.far.hearsRepeats(p.id)
			p.send(p.request("INVITE", p.to("bob")))
			first := p.atFar("INVITE")
			again := p.atFar("INVITE")
			p.same("branch", param(again.All("Via")[0], "branch"), param(first.All("Via")[0], "branch"))
			p.answer(first, 486, "Busy Here")
			p.atFarPast("ACK", "INVITE")
			p.atPhone(486)
		}},
		{"options-by-datagram-again", "3261 17.1.2.2", "over UDP an unanswered request is sent again", func(p *play) {
			p.domain = udpDomain
			p.register()
			p.rig.far.hearsRepeats(p.id)
			p.send(p.request("OPTIONS", p.to("bob")))
			first := p.atFar("OPTIONS")
			again := p.atFar("OPTIONS")
			p.same("branch", param(again.All("Via")[0], "branch"), param(first.All("Via")[0], "branch"))
			p.answer(first, 200, "OK")
			p.atPhone(200)
		}},
		{"success-by-datagram-again", "3261 13.3.1.4", "a 200 that comes again over UDP is passed on again", func(p *play) {
			p.domain = udpDomain
			h, _ := ring(p)
			p.answer(h, 200, "OK")
			p.atPhone(200)
			p.answer(h, 200, "OK")
			p.atPhone(200)
		}},
	}
}

// ring is an INVITE that rings at the far end.
func ring(p *play) (heard, *lab.Message) {
	p.Helper()
	p.register()
	m := p.send(p.request("INVITE", p.to("bob")))
	h := p.atFarPast("INVITE", "")
	p.answer(h, 180, "Ringing")
	p.atPhone(180)
	return h, m
}

// refuse ends a call that has shown what it had to.
func (p *play) refuse(h heard) {
	p.Helper()
	p.answer(h, 480, "Temporarily Unavailable")
	p.atFarPast("ACK", "INVITE")
	p.skipTo(480)
}

// skipTo reads until a status comes.
func (p *play) skipTo(status int) *lab.Message {
	p.Helper()
	for {
		m, err := p.phone.Receive(patience)
		if err != nil {
			p.Fatalf("the phone waits for %d: %v", status, err)
		}
		if m.Status() == status {
			return m
		}
	}
}

func cancelOf(m *lab.Message) *lab.Message {
	c := lab.NewRequest("CANCEL", m.URI())
	for _, name := range []string{"Via", "From", "To", "Call-ID", "Max-Forwards"} {
		c.Add(name, m.Get(name))
	}
	return c.Add("CSeq", fmt.Sprint(m.Seq(), " CANCEL"))
}

// ackOf acknowledges a failure.
func ackOf(m, r *lab.Message) *lab.Message {
	a := lab.NewRequest("ACK", m.URI())
	for _, name := range []string{"Via", "From", "Call-ID", "Max-Forwards"} {
		a.Add(name, m.Get(name))
	}
	return a.Add("To", r.Get("To")).Add("CSeq", strings.Replace(m.Get("CSeq"), "INVITE", "ACK", 1))
}

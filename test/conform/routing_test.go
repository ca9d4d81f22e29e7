package conform_test

import (
	"fmt"
	"strings"

	"sallyport/test/lab"
)

// routing is what a proxy writes into a request and takes out of an answer.
func routing() []scenario {
	return []scenario{
		{"via-on-top", "3261 16.6", "each node puts its Via on top, and the far end sees no branch twice", func(p *play) {
			h := ask(p, nil)
			seen := map[string]bool{}
			for _, v := range h.All("Via") {
				b := param(v, "branch")
				if !strings.HasPrefix(b, "z9hG4bK") || seen[b] {
					p.Errorf("Via %s", v)
				}
				seen[b] = true
			}
			p.has("topmost Via", h.All("Via")[0], p.rig.pair.CoreAddr())
		}},
		{"via-received", "3581 4", "rport is filled with the port that the request came from, and received with the address", func(p *play) {
			p.register()
			m := p.request("OPTIONS", p.to("bob"))
			m.Set("Via", "SIP/2.0/TLS 192.0.2.77:9;rport;branch="+branch())
			p.send(m)
			p.answer(p.atFar("OPTIONS"), 200, "OK")
			via := p.atPhone(200).Get("Via")
			p.same("rport", param(via, "rport"), fmt.Sprint(p.phone.Local().Port()))
			p.same("received", param(via, "received"), p.phone.Local().Addr().String())
		}},
		{"via-alone-goes-back", "3261 16.7", "an answer carries the phone's own Vias and none of ours", func(p *play) {
			p.register()
			m := p.request("OPTIONS", p.to("bob"))
			m.Add("Via", "SIP/2.0/UDP 192.0.2.78;branch=z9hG4bKfurther")
			p.send(m)
			p.answer(p.atFar("OPTIONS"), 200, "OK")
			all := p.atPhone(200).All("Via")
			p.same("number of Vias", fmt.Sprint(len(all)), "2")
			p.same("second Via", all[len(all)-1], "SIP/2.0/UDP 192.0.2.78;branch=z9hG4bKfurther")
		}},
		{"hops-counted", "3261 16.6", "Max-Forwards falls by one at each node that forwards", func(p *play) {
			h := ask(p, func(m *lab.Message) { m.Set("Max-Forwards", "12") })
			if n := h.Get("Max-Forwards"); n != "11" && n != "10" {
				p.Errorf("Max-Forwards is %s", n)
			}
		}},
		{"request-uri-kept", "3261 16.6", "a Request-URI with parameters of its own arrives as it left", func(p *play) {
			uri := "sip:bob@" + domain + ";user=phone;x-odd=1"
			h := ask(p, func(m *lab.Message) { m.SetURI(uri) })
			p.same("Request-URI", h.URI(), uri)
		}},
		{"record-route", "3261 16.6", "what begins a dialog gets Record-Route that names this side, loosely", func(p *play) {
			p.register()
			p.send(p.request("SUBSCRIBE", p.to("bob")).Add("Event", "dialog").Add("Expires", "60"))
			h := p.atFar("SUBSCRIBE")
			if len(h.All("Record-Route")) == 0 {
				p.Error("no Record-Route")
			}
			for _, v := range h.All("Record-Route") {
				p.has("Record-Route", v, ";lr")
			}
			p.answer(h, 489, "Bad Event")
			p.atPhone(489)
		}},
		{"record-route-back", "3261 12.1.2", "the route set in the answer names nothing inside", func(p *play) {
			p.register()
			p.send(p.request("SUBSCRIBE", p.to("bob")).Add("Event", "dialog").Add("Expires", "60"))
			h := p.atFar("SUBSCRIBE")
			p.answer(h, 200, "OK", "Expires", "60")
			r := p.atPhone(200)
			for _, v := range append(r.All("Record-Route"), r.All("Contact")...) {
				for _, inside := range p.rig.pair.InsidePrefixes() {
					p.lacks("route set", v, "@"+inside)
				}
			}
		}},
		{"no-record-route-on-message", "3428 5", "MESSAGE begins no dialog, and its answer needs no route", func(p *play) {
			p.register()
			p.send(p.request("MESSAGE", p.to("bob")))
			h := p.atFar("MESSAGE")
			p.answer(h, 200, "OK")
			p.atPhone(200)
			p.quiet()
		}},
		{"contact-hidden-in-path-mode", "3327 5", "with Path, Contact passes as the phone wrote it", func(p *play) {
			p.register()
			p.same("Contact", p.bound, p.contact()+";reg-id=1")
		}},
		{"user-case", "3261 19.1.4", "the user part keeps its case", func(p *play) {
			h := ask(p, func(m *lab.Message) { m.SetURI("sip:BoB@" + domain) })
			p.same("Request-URI", h.URI(), "sip:BoB@"+domain)
		}},
		{"host-case", "3261 19.1.4", "a domain in capitals is the same domain", func(p *play) {
			h := ask(p, func(m *lab.Message) { m.SetURI("sip:bob@FAR.Example.COM") })
			p.has("Request-URI", strings.ToLower(h.URI()), "sip:bob@far.example.com")
		}},
		{"unknown-domain", "3261 16.5", "a domain that no rule knows is not found, and no look-up is tried", func(p *play) {
			p.register()
			p.send(p.request("OPTIONS", "sip:bob@nowhere.example.net"))
			p.atPhone(404)
			p.quiet()
		}},
		{"address-as-domain", "3261 16.5", "an address of the client's choice is no way in", func(p *play) {
			p.register()
			p.send(p.request("OPTIONS", "sip:bob@"+p.rig.pair.WebServer()+":8080"))
			if s := p.onFinal(); s < 400 || s >= 500 {
				p.Errorf("got %d", s)
			}
			p.quiet()
		}},
		{"comes-back", "5393 4.2", "a request that comes back unchanged goes round no more", func(p *play) {
			h := ask(p, nil)
			again := h.Clone()
			again.Prepend("Via", fmt.Sprintf("SIP/2.0/TCP %s;branch=%s", p.rig.far.addr, branch()))
			p.sendOn(p.rig.out, again)
			if s := p.atFarFinal(); s != 482 && s != 404 {
				p.Errorf("got %d", s)
			}
			p.quiet()
		}},
		{"udp-hop", "3261 18", "one side over TLS, the other over UDP", func(p *play) {
			p.domain = udpDomain
			p.register()
			p.send(p.request("OPTIONS", p.to("bob")))
			h := p.atFar("OPTIONS")
			p.has("topmost Via", h.All("Via")[0], "SIP/2.0/UDP ")
			p.answer(h, 200, "OK")
			p.atPhone(200)
		}},
	}
}

// ask sends an OPTIONS that may be changed, and is what arrives.
func ask(p *play, change func(*lab.Message)) heard {
	p.Helper()
	p.register()
	m := p.request("OPTIONS", p.to("bob"))
	if change != nil {
		change(m)
	}
	p.send(m)
	h := p.atFar("OPTIONS")
	p.answer(h, 200, "OK")
	p.atPhone(200)
	return h
}

// onFinal is the next final status at the phone.
func (p *play) onFinal() int {
	p.Helper()
	m, err := p.phone.Final(patience)
	if err != nil {
		p.Fatal(err)
	}
	return m.Status()
}

// atFarFinal is the next final status at the far end.
func (p *play) atFarFinal() int {
	p.Helper()
	late, cancel := deadline()
	defer cancel()
	for {
		select {
		case h := <-p.box:
			if h.Status() >= 200 {
				return h.Status()
			}
		case <-late:
			p.Fatal("the far end waits for an answer in vain")
		}
	}
}

func param(value, name string) string {
	_, rest, ok := strings.Cut(value, ";"+name+"=")
	if !ok {
		return ""
	}
	if end := strings.IndexAny(rest, ";,>"); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

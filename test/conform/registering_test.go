package conform_test

import (
	"fmt"
	"strings"

	"sallyport/test/lab"
)

// enrol sends a REGISTER with changes and is what the far end gets.
func (p *play) enrol(change func(*lab.Message)) heard {
	p.Helper()
	m := p.request("REGISTER", "sip:"+p.domain)
	m.Set("To", "<"+p.aor()+">").Set("Expires", "600").Set("Contact", p.contact()+";reg-id=1").Set("Supported", "path, outbound")
	if change != nil {
		change(m)
	}
	p.send(m)
	return p.atFar("REGISTER")
}

// refusedREGISTER is one that edge answers itself.
func refusedREGISTER(name, section, about string, status int, spoil func(*play, *lab.Message)) scenario {
	return scenario{name, section, about, func(p *play) {
		m := p.request("REGISTER", "sip:"+p.domain)
		m.Set("To", "<"+p.aor()+">").Set("Expires", "600")
		spoil(p, m)
		p.send(m)
		p.atPhone(status)
		p.user += "r" // another user shows that the way is free and nothing came
		p.register().quiet()
	}}
}

// registering is how a phone becomes one that is known.
func registering() []scenario {
	return []scenario{
		{"register-path", "3327 5.2", "Path names this side, loosely, and says that the flow is kept", func(p *play) {
			h := p.enrol(nil)
			if len(h.All("Path")) == 0 {
				p.Fatal("no Path")
			}
			whole := strings.Join(h.All("Path"), ", ")
			p.has("Path", whole, ";lr")
			p.has("Path", whole, ";ob")
			if len(whole) > 450 {
				p.Errorf("Path is %d bytes long", len(whole))
			}
			p.answer(h, 403, "Forbidden")
			p.atPhone(403)
		}},
		{"register-supported-path", "3327 5.2", "Supported: path is there even if the phone does not know it", func(p *play) {
			h := p.enrol(func(m *lab.Message) { m.Set("Supported", "timer") })
			if !h.Has("Supported", "path") {
				p.Errorf("Supported is %v", h.All("Supported"))
			}
			p.answer(h, 403, "Forbidden")
			p.atPhone(403)
		}},
		{"register-own-path-off", "3327 5.1", "a Path that the phone wrote itself is taken off", func(p *play) {
			h := p.enrol(func(m *lab.Message) { m.Add("Path", "<sip:evil.example.net;lr>") })
			p.lacks("Path", strings.Join(h.All("Path"), ","), "evil")
			p.answer(h, 403, "Forbidden")
			p.atPhone(403)
		}},
		{"register-path-not-back", "3327 5.3", "Path of the 200 stays on this side", func(p *play) {
			r := p.registration(p.phone, 1)
			p.same("Path", r.Get("Path"), "")
		}},
		{"register-service-route-not-back", "3608 6.3", "a Service-Route of the inside stays inside", func(p *play) {
			p.register()
			h := p.enrol(nil)
			p.answer(h, 403, "No", "Service-Route", "<sip:192.0.2.1;lr>")
			p.same("Service-Route", p.atPhone(403).Get("Service-Route"), "")
		}},
		{"register-challenge", "3261 22.2", "the registrar's challenge passes as it is", func(p *play) {
			h := p.enrol(nil)
			c := `Digest realm="a, b", nonce="x\"y", qop="auth", algorithm=MD5, opaque="5ccc"`
			p.answer(h, 401, "Unauthorized", "WWW-Authenticate", c)
			p.same("challenge", p.atPhone(401).Get("WWW-Authenticate"), c)
		}},
		{"register-two-challenges", "8760 2.4", "two challenges pass, in their order", func(p *play) {
			h := p.enrol(nil)
			p.answer(h, 401, "Unauthorized", "WWW-Authenticate", `Digest realm="a", nonce="1", algorithm=SHA-256`,
				"WWW-Authenticate", `Digest realm="a", nonce="1", algorithm=MD5`)
			got := rows(p.atPhone(401), "WWW-Authenticate")
			if len(got) != 2 {
				p.Fatalf("got %q", got)
			}
			p.has("first", got[0], "SHA-256")
			p.has("second", got[1], "MD5")
		}},
		{"register-auth-int-off", "3261 22.4", "a challenge loses auth-int, since a relay edits bodies", func(p *play) {
			h := p.enrol(nil)
			p.answer(h, 401, "Unauthorized", "WWW-Authenticate", `Digest realm="a", nonce="1", qop="auth,auth-int", algorithm=MD5`)
			c := p.atPhone(401).Get("WWW-Authenticate")
			p.has("challenge", c, "auth")
			p.lacks("challenge", c, "auth-int")
		}},
		{"register-too-brief", "3261 10.3", "423 and Min-Expires pass", func(p *play) {
			h := p.enrol(func(m *lab.Message) { m.Set("Expires", "5") })
			p.answer(h, 423, "Interval Too Brief", "Min-Expires", "120")
			p.same("Min-Expires", p.atPhone(423).Get("Min-Expires"), "120")
		}},
		{"register-open-registrar", "3261 22.1", "a registrar that asks for no credentials lets nobody in", func(p *play) {
			h := p.enrol(nil)
			p.answer(h, 200, "OK", "Contact", h.Get("Contact")+";expires=600")
			p.atPhone(403)
			p.send(p.request("OPTIONS", p.to("bob")))
			p.atPhone(403)
		}},
		{"register-then-call", "5626 5.1", "what a registered phone sends arrives", func(p *play) { p.register().quiet() }},
		{"register-again", "3261 10.2.4", "a refresh keeps the way to the phone", func(p *play) {
			p.register()
			p.registration(p.phone, 10)
			p.sendOn(p.rig.out, p.call("OPTIONS"))
			p.reply(p.atPhone("OPTIONS"), 200, "OK")
			p.atFar(200)
		}},
		{"register-new-connection", "5626 5.2", "a phone that comes back on a new connection is reached there", func(p *play) {
			p.register()
			old := p.phone
			p.phone = p.connect()
			p.registration(p.phone, 20)
			old.Close()
			p.sendOn(p.rig.out, p.call("OPTIONS"))
			p.reply(p.atPhone("OPTIONS"), 200, "OK")
			p.atFar(200)
		}},
		{"register-old-path-new-connection", "5626 5.2", "even by the Path of its first registration", func(p *play) {
			p.register()
			path := p.path
			p.phone = p.connect()
			p.registration(p.phone, 20)
			p.path = path
			p.sendOn(p.rig.out, p.call("OPTIONS"))
			p.reply(p.atPhone("OPTIONS"), 200, "OK")
			p.atFar(200)
		}},
		{"unregister", "3261 10.2.2", "a phone that has signed off is let in no more", func(p *play) {
			p.register()
			h := p.enrol(func(m *lab.Message) {
				m.Set("Expires", "0").Set("Authorization", fmt.Sprintf(`Digest username="%s", realm="far", nonce="n%s", uri="sip:%s", response="%032d"`, p.user, p.id, p.domain, 7))
			})
			p.answer(h, 200, "OK")
			p.atPhone(200)
			p.send(p.request("OPTIONS", p.to("bob")))
			p.atPhone(403)
		}},
		{"register-query", "3261 10.2.3", "a REGISTER without Contact asks and changes nothing", func(p *play) {
			p.register()
			h := p.enrol(func(m *lab.Message) {
				m.Del("Contact")
				m.Set("Authorization", fmt.Sprintf(`Digest username="%s", realm="far", nonce="n%s", uri="sip:%s", response="%032d"`, p.user, p.id, p.domain, 7))
			})
			p.answer(h, 200, "OK", "Contact", p.bound+";expires=100")
			p.atPhone(200)
			p.quiet()
		}},
		refusedREGISTER("register-for-another", "3261 10.3", "To and From of different users", 403,
			func(p *play, m *lab.Message) { m.Set("From", "<"+p.to("boss")+">;tag=1") }),
		refusedREGISTER("register-unknown-domain", "3261 10.3", "a domain that is not served", 403, func(p *play, m *lab.Message) {
			m.SetURI("sip:example.net")
			m.Set("To", "<sip:u@example.net>").Set("From", "<sip:u@example.net>;tag=1")
		}),
		refusedREGISTER("register-hops", "3261 16.3", "no hops left", 483, func(_ *play, m *lab.Message) { m.Set("Max-Forwards", "0") }),
		refusedREGISTER("register-many-contacts", "3261 10.3", "more contacts than any phone has", 403, func(p *play, m *lab.Message) {
			for i := range 40 {
				m.Add("Contact", fmt.Sprintf("<sip:%s@192.0.2.%d>", p.user, i))
			}
		}),
		refusedREGISTER("register-foreign-route", "3261 16.4", "a Route of the phone's choice", 403,
			func(_ *play, m *lab.Message) { m.Add("Route", "<sip:evil.example.net;lr>") }),
	}
}

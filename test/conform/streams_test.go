package conform_test

import (
	"strings"
	"time"
)

// streams are the ways in which bytes may come.
func streams() []scenario {
	return []scenario{
		{"stream-two-at-once", "3261 18.3", "two requests in one piece are two requests", func(p *play) {
			p.register()
			a, b := p.request("OPTIONS", p.to("bob")), p.request("MESSAGE", p.to("bob"))
			if err := p.phone.Send(append(a.Bytes(), b.Bytes()...)); err != nil {
				p.Fatal(err)
			}
			p.answer(p.atFar("OPTIONS"), 200, "OK")
			p.answer(p.atFar("MESSAGE"), 202, "Accepted")
			p.atPhone(200)
			p.atPhone(202)
		}},
		{"stream-in-pieces", "3261 18.3", "a request that comes byte by byte", func(p *play) {
			p.register()
			m := p.request("MESSAGE", p.to("bob"))
			m.Add("Content-Type", "text/plain")
			m.Body = []byte("in pieces")
			if err := p.phone.Drip(p.Context(), m.Bytes(), 20*time.Microsecond); err != nil {
				p.Fatal(err)
			}
			h := p.atFar("MESSAGE")
			p.same("body", string(h.Body), "in pieces")
			p.answer(h, 202, "Accepted")
			p.atPhone(202)
		}},
		{"stream-cut-in-the-body", "3261 18.3", "a request and a half, then the rest", func(p *play) {
			p.register()
			a, b := p.request("MESSAGE", p.to("bob")).Bytes(), p.request("OPTIONS", p.to("bob")).Bytes()
			p.raw(append(a, b[:len(b)/2]...))
			p.answer(p.atFar("MESSAGE"), 202, "Accepted")
			p.atPhone(202)
			p.raw(b[len(b)/2:])
			p.answer(p.atFar("OPTIONS"), 200, "OK")
			p.atPhone(200)
		}},
		{"stream-order", "3261 18", "twenty requests arrive in the order in which they left", func(p *play) {
			p.register()
			var ids []string
			for range 20 {
				ids = append(ids, p.send(p.request("MESSAGE", p.to("bob"))).Get("Call-ID"))
			}
			for _, id := range ids {
				h := p.atFar("MESSAGE")
				p.same("Call-ID", h.Get("Call-ID"), id)
				p.answer(h, 202, "Accepted")
			}
			for range ids {
				p.atPhone(202)
			}
		}},
		{"stream-keepalive", "5626 3.5.1", "a ping of two line ends between requests does no harm", func(p *play) {
			p.register()
			p.raw([]byte("\r\n\r\n"))
			p.quiet()
			p.raw([]byte("\r\n"))
			p.quiet()
		}},
		{"stream-not-sip", "3261 18.3", "what is not SIP ends the connection", func(p *play) {
			p.raw([]byte("GET / HTTP/1.1\r\nHost: edge\r\n\r\n"))
			p.hungUp()
		}},
		{"stream-nul", "3261 25.1", "NUL bytes end the connection", func(p *play) {
			p.raw([]byte(strings.Repeat("\x00\x01\x02\x03", 64)))
			p.hungUp()
		}},
		{"stream-no-length", "3261 18.3", "over a stream a request needs Content-Length", func(p *play) {
			b := strings.Replace(string(p.request("OPTIONS", p.to("bob")).Bytes()), "Content-Length: 0\r\n", "", 1)
			p.raw([]byte(b))
			p.hungUp()
		}},
		{"stream-length-negative", "3261 20.14", "a negative length ends the connection", func(p *play) {
			b := strings.Replace(string(p.request("OPTIONS", p.to("bob")).Bytes()), "Content-Length: 0", "Content-Length: -5", 1)
			p.raw([]byte(b))
			p.hungUp()
		}},
		{"stream-two-lengths", "3261 18.3", "two lengths that differ: answered, and the connection ended", func(p *play) {
			b := strings.Replace(string(p.request("OPTIONS", p.to("bob")).Bytes()), "Content-Length: 0", "Content-Length: 0\r\nContent-Length: 4", 1)
			p.raw([]byte(b))
			p.atPhone(400)
			p.hungUp()
		}},
		{"stream-too-long", "3261 18.3", "a header that never ends ends the connection", func(p *play) {
			p.phone.Send([]byte("OPTIONS sip:x@" + domain + " SIP/2.0\r\nSubject: " + strings.Repeat("x", 200<<10))) // fails when edge hangs up
			p.hungUp()
		}},
		{"stream-others-unharmed", "3261 18.3", "one phone's noise is not another's", func(p *play) {
			p.register()
			bad := p.connect()
			if err := bad.Send([]byte("\x16\x03\x01 not SIP\r\n\r\n")); err != nil {
				p.Fatal(err)
			}
			p.quiet()
		}},
	}
}

func (p *play) raw(b []byte) {
	p.Helper()
	if err := p.phone.Send(b); err != nil {
		p.Fatal(err)
	}
}

package conform_test

import (
	"bytes"
	"strings"

	"sallyport/test/lab"
)

// A refusal is a request that a registered phone may not send, and the answer.
type refusal struct {
	name, section, about string
	method               string
	status               int
	spoil                func(p *play, m *lab.Message)
	bytes                func(b []byte) []byte // what no message of ours can say
	check                func(p *play, answer *lab.Message)
}

// refusals are answered by edge itself, and the far end hears nothing of them.
func refusals() (all []scenario) {
	for _, r := range refusalTable() {
		all = append(all, scenario{r.name, r.section, r.about, func(p *play) {
			p.register()
			if r.method == "" {
				r.method = "OPTIONS"
			}
			m := p.request(r.method, p.to("bob"))
			if r.spoil != nil {
				r.spoil(p, m)
			}
			b := m.Bytes()
			if r.bytes != nil {
				b = r.bytes(b)
			}
			if err := p.phone.Send(b); err != nil {
				p.Fatal(err)
			}
			answer := p.atPhone(r.status)
			if m.Get("Call-ID") != "" {
				p.same("Call-ID", answer.Get("Call-ID"), m.Get("Call-ID"))
			}
			if r.check != nil {
				r.check(p, answer)
			}
			p.quiet()
		}})
	}
	return all
}

func set(name, value string) func(*play, *lab.Message) {
	return func(_ *play, m *lab.Message) { m.Set(name, value) }
}

func add(name, value string) func(*play, *lab.Message) {
	return func(_ *play, m *lab.Message) { m.Add(name, value) }
}

func without(name string) func(*play, *lab.Message) {
	return func(_ *play, m *lab.Message) { m.Del(name) }
}

func change(old, new string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(new), 1) }
}

func refusalTable() []refusal {
	return []refusal{
		{name: "hops-used-up", section: "3261 16.3", about: "Max-Forwards 0 is answered 483", status: 483, spoil: set("Max-Forwards", "0")},
		{name: "hops-used-up-invite", section: "3261 16.3", about: "the same for an INVITE", method: "INVITE", status: 483, spoil: set("Max-Forwards", "0")},
		{name: "proxy-require-unknown", section: "3261 16.3", about: "an unknown option in Proxy-Require is answered 420 and named in Unsupported", status: 420,
			spoil: add("Proxy-Require", "nobody-knows"),
			check: func(p *play, a *lab.Message) { p.same("Unsupported", a.Get("Unsupported"), "nobody-knows") }},
		{name: "proxy-require-two", section: "3261 16.3", about: "both of two unknown options are named", status: 420,
			spoil: add("Proxy-Require", "foo, bar"),
			check: func(p *play, a *lab.Message) {
				p.same("Unsupported", strings.Join(a.All("Unsupported"), ","), "foo,bar")
			}},
		{name: "scheme-unknown", section: "3261 16.3", about: "a Request-URI of a scheme that is not SIP's", status: 416,
			spoil: func(_ *play, m *lab.Message) { m.SetURI("nobodyKnows:bob") }},
		{name: "scheme-http", section: "3261 16.3", about: "a Request-URI of the web", status: 416,
			spoil: func(_ *play, m *lab.Message) { m.SetURI("http://far.example.com/") }},
		{name: "version-3", section: "3261 21.5.6", about: "another version of SIP", status: 505, bytes: change(" SIP/2.0\r\n", " SIP/3.0\r\n")},
		{name: "no-to", section: "3261 8.1.1", about: "To is missing", status: 400, spoil: without("To")},
		{name: "no-from", section: "3261 8.1.1", about: "From is missing", status: 400, spoil: without("From")},
		{name: "no-call-id", section: "3261 8.1.1", about: "Call-ID is missing", status: 400, spoil: without("Call-ID")},
		{name: "no-cseq", section: "3261 8.1.1", about: "CSeq is missing", status: 400, spoil: without("CSeq")},
		{name: "two-from", section: "3261 7.3.1", about: "From twice", status: 400, spoil: add("From", "<sip:other@far.example.com>;tag=2")},
		{name: "two-to", section: "3261 7.3.1", about: "To twice", status: 400, spoil: add("To", "<sip:other@far.example.com>")},
		{name: "two-call-ids", section: "3261 7.3.1", about: "Call-ID twice", status: 400, spoil: add("Call-ID", "another")},
		{name: "two-cseqs", section: "3261 7.3.1", about: "CSeq twice", status: 400, spoil: add("CSeq", "2 OPTIONS")},
		{name: "two-max-forwards", section: "3261 7.3.1", about: "Max-Forwards twice", status: 400, spoil: add("Max-Forwards", "9")},
		{name: "cseq-other-method", section: "3261 8.1.1.5", about: "CSeq names another method", status: 400, spoil: set("CSeq", "1 INVITE")},
		{name: "cseq-beyond-range", section: "3261 8.1.1.5", about: "CSeq above 2^31", status: 400, spoil: set("CSeq", "4294967296 OPTIONS")},
		{name: "cseq-no-number", section: "3261 20.16", about: "CSeq that counts nothing", status: 400, spoil: set("CSeq", "one OPTIONS")},
		{name: "max-forwards-no-number", section: "3261 20.22", about: "Max-Forwards that counts nothing", status: 400, spoil: set("Max-Forwards", "many")},
		{name: "max-forwards-beyond-range", section: "3261 20.22", about: "Max-Forwards above 255", status: 400, spoil: set("Max-Forwards", "256")},
		{name: "to-unreadable", section: "3261 20.39", about: "To with a quote that does not end", status: 400, spoil: set("To", `"Bob <sip:bob@far.example.com>`)},
		{name: "via-unreadable", section: "3261 20.42", about: "the topmost Via cannot be read", status: 400,
			spoil: func(_ *play, m *lab.Message) { m.Prepend("Via", "SIP/2.0/TLS ;;;") }},
		{name: "uri-unreadable", section: "3261 19.1", about: "a Request-URI without host", status: 400,
			spoil: func(_ *play, m *lab.Message) { m.SetURI("sip:bob@") }},
		{name: "uri-with-headers", section: "3261 19.1.1", about: "headers in a Request-URI", status: 400,
			spoil: func(_ *play, m *lab.Message) { m.SetURI("sip:bob@far.example.com?Route=%3Csip:evil.example.net%3E") }},
		{name: "foreign-from", section: "3261 22.1", about: "From is somebody else of the same domain", status: 403, spoil: set("From", "<sip:other@far.example.com>;tag=1")},
		{name: "foreign-from-domain", section: "3261 22.1", about: "From is of another domain", status: 403, spoil: set("From", "<sip:user@example.net>;tag=1")},
		{name: "foreign-preferred-identity", section: "3325 7", about: "P-Preferred-Identity is somebody else", status: 403, spoil: add("P-Preferred-Identity", "<sip:boss@far.example.com>")},
		{name: "route-foreign", section: "3261 16.4", about: "a Route to a host of the client's choice: no open relay", status: 403, spoil: add("Route", "<sip:evil.example.net;lr>")},
		{name: "route-inside", section: "3261 16.4", about: "a Route to an inside address", status: 403, spoil: add("Route", "<sip:127.0.0.1:5060;lr>")},
		{name: "route-forged-token", section: "3261 16.4", about: "a Route that looks like a token and is none", status: 403, spoil: add("Route", "<sip:e1.AAAAAAAAAAAAAAAAAAAAAAAA@edge.example.com;lr>")},
		{name: "route-directed", section: "3261 16.4", about: "a directed Route that this edge did not write", status: 403,
			spoil: add("Route", "<sip:192.0.2.1:5061;transport=tls;zone-id=3;directed;lr>")},
		{name: "subscribe-without-event", section: "6665 7.2.1", about: "left to the far end, but never without hops", method: "SUBSCRIBE", status: 483, spoil: set("Max-Forwards", "0")},
		{name: "bye-to-nothing", section: "3261 16.4", about: "BYE of a dialog whose route is not shown", method: "BYE", status: 403, spoil: set("To", "<sip:bob@far.example.com>;tag=gone")},
		{name: "cancel-to-nothing", section: "3261 9.2", about: "CANCEL of a transaction that is none", method: "CANCEL", status: 481},
		{name: "offer-without-keys", section: "4568 5", about: "an offer of plain RTP from outside", method: "INVITE", status: 488, spoil: func(_ *play, m *lab.Message) {
			m.Add("Content-Type", "application/sdp")
			m.Body = []byte("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n")
		}},
		{name: "offer-unreadable", section: "4566 5", about: "an offer that is no session description", method: "INVITE", status: 400, spoil: func(_ *play, m *lab.Message) {
			m.Add("Content-Type", "application/sdp")
			m.Body = []byte("this is no session description")
		}},
	}
}

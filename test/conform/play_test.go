package conform_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"sallyport/test/lab"
)

// play is one run of a scenario: a phone of its own with a user of its own, and
// a share of the far end.
type play struct {
	*testing.T
	rig    *rig
	user   string // of the phone, without domain
	domain string
	number int    // of the play
	id     string // what its Call-IDs begin with
	count  int
	phone  *lab.Stranger
	box    chan heard
	path   []string // that the far end was told by REGISTER
	bound  string   // the Contact that the far end was told
}

// play begins a scenario with a phone that is connected, and nothing more.
func (r *rig) play(t *testing.T) *play {
	t.Helper()
	r.plays++
	id := fmt.Sprint("s", r.plays)
	p := &play{T: t, rig: r, number: r.plays, user: "user" + id, domain: domain, id: id, box: r.far.open(id)}
	t.Cleanup(func() { r.far.forget(id) })
	p.phone = p.connect()
	return p
}

func (p *play) connect() *lab.Stranger {
	p.Helper()
	from := p.rig.pair.Client(1 + p.number%200)
	x, err := lab.NewStranger(p.Context(), netip.AddrPortFrom(p.rig.pair.Outer, 5061), p.rig.tls, from)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(x.Close)
	return x
}

func (p *play) aor() string        { return "sip:" + p.user + "@" + p.domain }
func (p *play) to(u string) string { return "sip:" + u + "@" + p.domain }
func (p *play) contact() string    { return p.contactOf(p.phone) }

func (p *play) contactOf(x *lab.Stranger) string {
	return fmt.Sprintf(`<sip:%s@%s;transport=tls>;+sip.instance="<urn:uuid:00000000-0000-4000-8000-%012d>"`, p.user, x.Local(), p.number)
}

func branch() string { return "z9hG4bK" + rand.Text() }

// request is a whole request of the phone, as a careful client writes it.
func (p *play) request(method, uri string) *lab.Message {
	p.count++
	m := lab.NewRequest(method, uri)
	m.Add("Via", fmt.Sprintf("SIP/2.0/TLS %s;rport;branch=%s", p.phone.Local(), branch()))
	m.Add("Max-Forwards", "70").Add("From", "<"+p.aor()+">;tag=f"+p.id).Add("To", "<"+uri+">")
	m.Add("Call-ID", fmt.Sprintf("%s-%d@phone", p.id, p.count)).Add("CSeq", "1 "+method)
	return m.Add("Contact", p.contact())
}

// register makes the phone a registered one, with the challenge that proves it.
func (p *play) register(change ...func(*lab.Message)) *play {
	p.Helper()
	p.registration(p.phone, 1, change...)
	return p
}

func (p *play) registration(x *lab.Stranger, seq int, change ...func(*lab.Message)) (granted *lab.Message) {
	p.Helper()
	m := p.request("REGISTER", "sip:"+p.domain)
	m.Set("To", "<"+p.aor()+">").Set("Supported", "path, outbound, gruu").Set("Expires", "600")
	m.Set("Contact", p.contactOf(x)+";reg-id=1").Set("Via", fmt.Sprintf("SIP/2.0/TLS %s;rport;branch=%s", x.Local(), branch()))
	m.Set("CSeq", fmt.Sprint(seq, " REGISTER"))
	for _, f := range change {
		f(m)
	}
	p.sendOn(x, m)
	h := p.atFar("REGISTER")
	p.answer(h, 401, "Unauthorized", "WWW-Authenticate", `Digest realm="far", nonce="n`+p.id+`", qop="auth", algorithm=MD5`)
	p.onConn(x, 401)
	m.Set("CSeq", fmt.Sprint(seq+1, " REGISTER")).Set("Via", fmt.Sprintf("SIP/2.0/TLS %s;rport;branch=%s", x.Local(), branch()))
	m.Set("Authorization", fmt.Sprintf(`Digest username="%s", realm="far", nonce="n%s", uri="sip:%s", qop=auth, nc=00000001, cnonce="c", response="%032d", algorithm=MD5`, p.user, p.id, p.domain, 7))
	p.sendOn(x, m)
	h = p.atFar("REGISTER")
	p.path, p.bound = h.All("Path"), h.Get("Contact")
	rows := []string{"Contact", h.Get("Contact") + ";expires=600", "Supported", "path, outbound"}
	if strings.Contains(h.Get("Supported"), fallback) {
		rows[3] += ", " + fallback
	}
	for _, v := range p.path {
		rows = append(rows, "Path", v)
	}
	p.answer(h, 200, "OK", rows...)
	return p.onConn(x, 200)
}

// send sends from the phone.
func (p *play) send(m *lab.Message) *lab.Message {
	p.Helper()
	return p.sendOn(p.phone, m)
}

func (p *play) sendOn(x *lab.Stranger, m *lab.Message) *lab.Message {
	p.Helper()
	if err := x.Send(m.Bytes()); err != nil {
		p.Fatal(err)
	}
	return m
}

// atPhone is the next message to the phone, which must be a response of the
// status, or a request of the method. A 100 that was not waited for is skipped.
func (p *play) atPhone(want any) *lab.Message {
	p.Helper()
	return p.onConn(p.phone, want)
}

func (p *play) onConn(x *lab.Stranger, want any) *lab.Message {
	p.Helper()
	for {
		m, err := x.Receive(patience)
		if err != nil {
			p.Fatalf("the phone waits for %v: %v", want, err)
		}
		if x != p.rig.out {
			for _, leak := range lab.InsideAddressLeak(m.Bytes(), p.rig.pair.InsidePrefixes()) {
				p.Error(leak)
			}
		}
		if m.Status() == 100 && want != 100 {
			continue
		}
		if is := kind(m); is != fmt.Sprint(want) {
			p.Fatalf("the phone waits for %v and gets %s", want, m.Start)
		}
		return m
	}
}

// kind is a response's status or a request's method.
func kind(m *lab.Message) string {
	if s := m.Status(); s > 0 {
		return strconv.Itoa(s)
	}
	return m.Method()
}

// hungUp tells whether edge has closed the phone's connection.
func (p *play) hungUp() {
	p.Helper()
	for {
		m, err := p.phone.Receive(patience)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			p.Fatal("edge keeps the connection")
		}
		if err != nil {
			return
		}
		if m.Status() < 400 {
			p.Fatalf("got %s", m.Start)
		}
	}
}

// atFar is the next message to the far end, of a method or a status.
func (p *play) atFar(want any) heard {
	p.Helper()
	return p.atFarPast(want, "")
}

// atFarPast skips messages of one kind: datagrams that come again.
func (p *play) atFarPast(want any, skip string) heard {
	p.Helper()
	late, cancel := deadline()
	defer cancel()
	for {
		select {
		case h := <-p.box:
			if is := kind(h.Message); is == fmt.Sprint(want) {
				return h
			} else if is != skip {
				p.Fatalf("the far end waits for %v and gets %s", want, h.Start)
			}
		case <-late:
			p.Fatalf("the far end waits for %v in vain", want)
		}
	}
}

// answer sends the far end's response with further header rows.
func (p *play) answer(h heard, status int, reason string, rows ...string) *lab.Message {
	p.Helper()
	return p.answerAs("z"+p.id, h, status, reason, rows...)
}

// answerAs answers as one of several that a request was forked to.
func (p *play) answerAs(tag string, h heard, status int, reason string, rows ...string) *lab.Message {
	p.Helper()
	r := h.Reply(status, reason, tag)
	if status > 100 && h.Method() != "REGISTER" {
		for _, f := range h.Fields {
			if f.Name == "Record-Route" {
				r.Add(f.Name, f.Value)
			}
		}
	}
	for i := 0; i+1 < len(rows); i += 2 {
		r.Add(rows[i], rows[i+1])
	}
	if (h.Method() == "INVITE" || h.Method() == "SUBSCRIBE") && r.Get("Contact") == "" && status > 100 && status < 300 {
		r.Add("Contact", fmt.Sprintf("<sip:callee@%s;transport=tcp>", p.rig.far.addr))
	}
	if err := h.back(r.Bytes()); err != nil {
		p.Fatal(err)
	}
	return r
}

// quiet shows that nothing more is on its way to either end: what is sent now
// is the next that arrives, there and back.
func (p *play) quiet() {
	p.Helper()
	m := p.send(p.request("OPTIONS", p.to("fence")))
	h := p.atFar("OPTIONS")
	if h.Get("Call-ID") != m.Get("Call-ID") {
		p.Fatalf("the far end got one more %s", h.Start)
	}
	p.answer(h, 200, "OK")
	if r := p.atPhone(200); r.Get("Call-ID") != m.Get("Call-ID") {
		p.Fatalf("the phone got one more %s", r.Start)
	}
}

// same checks a value that must be what it should.
func (p *play) same(what, got, want string) {
	p.Helper()
	if got != want {
		p.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func (p *play) has(what, text, part string) {
	p.Helper()
	if !strings.Contains(text, part) {
		p.Errorf("%s: %q lacks %q", what, text, part)
	}
}

func (p *play) lacks(what, text, part string) {
	p.Helper()
	if strings.Contains(text, part) {
		p.Errorf("%s: %q has %q", what, text, part)
	}
}

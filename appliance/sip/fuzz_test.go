package sip

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	oracle "github.com/emiago/sipgo/sip"
)

// seedMessages gives a fuzz target the shapes worth starting from.
func seedMessages(f *testing.F) {
	for _, s := range []string{invite, benchRegister, folded, response, stranger} {
		f.Add(wire(s))
	}
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	if err != nil {
		return // the torture messages are extra
	}
	paths, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "sip/testdata/torture/*/*.dat"))
	for _, p := range paths {
		if b, err := os.ReadFile(p); err == nil {
			f.Add(b)
		}
	}
}

const folded = `
OPTIONS sip:a@example.com sip/2.0
v  : SIP / 2.0 / UDP a.example.com : 5070 ; branch = z9hG4bKa ,
	SIP/2.0/TCP [2001:db8::1]:5060;branch=z9hG4bKb;received=2001:db8::2
t:
 <sip:a@example.com>
f: "B \"b\", \\" <sip:b@example.com> ; Tag = 7
i: 1
CSeq: 1 	 OPTIONS
Route: <sip:a,b@[2001:db8::1];lr>, "x, <y>" <sip:c;lr>
l: 0

`

const response = `
SIP/2.0 200 OK
Via: SIP/2.0/TLS 10.0.0.1:7001;branch=z9hG4bK2
Via: SIP/2.0/TLS 192.0.2.7:5061;branch=z9hG4bK1;rport=5061;received=192.0.2.7
From: <sip:a@example.com>;tag=1
To: <sip:b@example.com>;tag=2
Call-ID: c
CSeq: 1 INVITE
Warning: 399 host "x, y"
Content-Length: 0

`

const stranger = `
INVITE tel:+1-555;phone-context=example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1
From: sip:a@example.com;tag=1
To: sip:b@example.com
Call-ID: c
CSeq: 1 INVITE
Contact: *

body`

// FuzzParse holds the gate against sipgo's parser. Where sipgo reads a message
// and finds each needed field once, with the right CSeq and length, the gate must
// not claim otherwise; where both read it, they must read the same. Differences
// that are meant: the gate also refuses what is merely dangerous (control
// characters, odd URIs, bad Vias), reads parameter names in any case, keeps
// spaces out of the CSeq method, and takes quoted commas for what they are.
func FuzzParse(f *testing.F) {
	seedMessages(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		theirs, err := oracle.NewParser().ParseSIP(bytes.Clone(b))
		m, fault := Parse(bytes.Clone(b))
		if fault != nil {
			if m != nil {
				t.Fatal("both a message and a fault")
			}
			if err == nil {
				excused(t, b, theirs, fault)
			}
			if fault.Msg != nil {
				wellFormed(t, fault.Msg.Reply(fault.Status, fault.Reason).Bytes())
			}
			return
		}
		wellFormed(t, m.Bytes())
		rememberRight(t, m)
		if err == nil {
			agree(t, m, theirs)
		}
		if m.Request() {
			again(t, m.Reply(404, "Not Found").Bytes())
		}
	})
}

// excused fails if the gate refuses for a reason that sipgo's reading refutes.
func excused(t *testing.T, b []byte, theirs oracle.Message, fault *Fault) {
	t.Helper()
	for _, k := range [...]kind{kVia, kFrom, kTo, kCallID, kCSeq} {
		n := len(theirs.GetHeaders(k.String()))
		if fault.Reason == "Missing "+k.String() && n > 0 {
			t.Fatalf("%s, but sipgo finds %d\n%q", fault, n, b)
		}
		if fault.Reason == "Duplicate "+k.String() && n == 1 && k != kVia {
			t.Fatalf("%s, but sipgo finds one\n%q", fault, b)
		}
	}
	// sipgo writes the request's method in capitals, so it is read from the line.
	method, _, _ := bytes.Cut(bytes.TrimLeft(b, "\r\n"), []byte(" "))
	if cs := theirs.CSeq(); cs != nil && fault.Reason == "CSeq Method Mismatch" && string(cs.MethodName) == string(method) {
		t.Fatalf("%s, but sipgo finds them equal\n%q", fault, b)
	}
	if cl := theirs.ContentLength(); cl != nil && fault.Reason == "Content-Length Exceeds Message" {
		_, body, _ := bytes.Cut(bytes.TrimLeft(b, "\r\n"), []byte("\r\n\r\n"))
		if int(*cl) <= len(body) {
			t.Fatalf("%s, but sipgo finds %d of %d\n%q", fault, *cl, len(body), b)
		}
	}
}

// agree fails if the two read a message differently.
func agree(t *testing.T, m *Message, theirs oracle.Message) {
	t.Helper()
	check := func(what, got, want string) {
		if got != want {
			t.Fatalf("%s: got %q, sipgo %q\n%q", what, got, want, m.raw)
		}
	}
	if h := theirs.CallID(); h != nil {
		check("Call-ID", m.CallID(), h.Value())
	}
	if h := theirs.From(); h != nil {
		if tag, ok := h.Params.Get("tag"); ok && plainText(m.Get("From")) {
			check("From tag", m.FromTag(), tag)
		}
	}
	if h := theirs.To(); h != nil {
		if tag, ok := h.Params.Get("tag"); ok && plainText(m.Get("To")) {
			check("To tag", m.ToTag(), tag)
		}
	}
	if h := theirs.CSeq(); h != nil {
		n, method := m.CSeq()
		check("CSeq method", strings.ToUpper(method), strings.ToUpper(trim(string(h.MethodName))))
		if n != h.SeqNo {
			t.Fatalf("CSeq %d, sipgo %d", n, h.SeqNo)
		}
	}
	if h := theirs.Via(); h != nil && plainText(m.Get("Via")) {
		v, err := m.Via()
		if err != nil {
			t.Fatal(err)
		}
		check("Via transport", v.Transport, h.Transport)
		check("Via host", v.Host, strings.Trim(h.Host, "[]"))
		if branch, ok := h.Params.Get("branch"); ok {
			check("branch", m.Branch(), branch)
		}
	}
	if req, ok := theirs.(*oracle.Request); ok {
		check("method", strings.ToUpper(m.Method()), string(req.Method)) // sipgo loses its case
	}
	if cl := theirs.ContentLength(); cl != nil && len(theirs.GetHeaders("Content-Length")) == 1 {
		check("body", string(m.Body()), string(theirs.Body()))
	}
}

// plainText tells a value in which sipgo's known misreadings cannot occur:
// parameters twice, in capitals or spaced, lists, and quotes.
func plainText(v string) bool {
	return !strings.ContainsAny(v, "\", \t\\?%") &&
		strings.Count(lower(v), "tag=") < 2 && strings.Count(lower(v), "branch=") < 2
}

// wellFormed fails if bytes hold a header line that could not have been meant.
func wellFormed(t *testing.T, b []byte) {
	t.Helper()
	head, _, found := bytes.Cut(b, []byte("\r\n\r\n"))
	if !found {
		t.Fatalf("no end of header\n%q", b)
	}
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if bytes.ContainsAny(line, "\r\n") || len(line) > 0 && isSpace(line[0]) {
			t.Fatalf("line %q", line)
		}
	}
}

// again fails if bytes that the package wrote are not let in, or are written
// differently when they are.
func again(t *testing.T, b []byte) *Message {
	t.Helper()
	m, fault := Parse(bytes.Clone(b))
	if fault != nil {
		t.Fatalf("%s\n%q", fault, b)
	}
	if out := m.Bytes(); !bytes.Equal(out, b) {
		t.Fatalf("read again:\n%q\nwant\n%q", out, b)
	}
	return m
}

// FuzzRoundTrip: a plain message leaves as it came, and an edit changes its own
// field and nothing else.
func FuzzRoundTrip(f *testing.F) {
	seedMessages(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, fault := Parse(bytes.Clone(b))
		if fault != nil {
			return
		}
		out := m.Bytes()
		if m.size() != len(out) {
			t.Fatalf("size %d, wrote %d", m.size(), len(out))
		}
		if bytes.HasSuffix(b, m.raw) && len(m.ext) == 0 && !bytes.HasPrefix(m.raw, out) {
			t.Fatalf("wrote\n%q\nof\n%q", out, b)
		}
		again(t, out)
		editsKeepTheRest(t, m)
		if !bytes.Equal(m.Bytes(), out) {
			t.Fatal("the original changed")
		}
	})
}

func editsKeepTheRest(t *testing.T, m *Message) {
	t.Helper()
	before := rest(m, kVia, kRoute, kMaxForwards, kRecordRoute)
	c := m.Clone()
	vias := len(c.Values("Via"))
	routes := c.Values("Route")
	if got := c.PopFirst("Route"); len(routes) > 0 && got != routes[0] || len(c.Values("Route")) != max(len(routes)-1, 0) {
		t.Fatalf("popped %q of %q, left %q", got, routes, c.Values("Route"))
	}
	c.Prepend("Via", "SIP/2.0/TLS 10.0.0.1;branch=z9hG4bKx")
	c.Prepend("Record-Route", "<sip:e1.x@10.0.0.1;lr>\r\nX: y")
	c.SetMaxForwards(m.MaxForwards() - 1)
	rememberRight(t, c)
	if n := len(c.Values("Via")); n != vias+1 {
		t.Fatalf("%d Vias, want %d", n, vias+1)
	}
	if after := rest(c, kVia, kRoute, kMaxForwards, kRecordRoute); after != before {
		t.Fatalf("edits changed\n%q\ninto\n%q", before, after)
	}
	for _, name := range [...]string{"From", "To", "CSeq", "Via"} {
		e := m.Clone()
		e.Set(name, "SIP/2.0/TLS 10.0.0.1;branch=z9hG4bKx;tag=x")
		rememberRight(t, e)
		e.Remove(name)
		rememberRight(t, e)
	}
	if got := c.PopFirst("Via"); got != "SIP/2.0/TLS 10.0.0.1;branch=z9hG4bKx" {
		t.Fatalf("popped Via %q", got)
	}
	again(t, c.Bytes())
	if c.Remove("From"); c.Has("f") || c.Has("FROM") {
		t.Fatal("From is still there")
	}
}

// rest is a message without the fields of some kinds.
func rest(m *Message, but ...kind) string {
	var b strings.Builder
	for name, value := range m.Fields() {
		skip := false
		for _, k := range but {
			skip = skip || kindOf(name) == k
		}
		if !skip {
			b.WriteString(name + ": " + value + "\n")
		}
	}
	return b.String() + string(m.Body())
}

// FuzzFrame: wherever a stream is cut, the same messages come out of it.
func FuzzFrame(f *testing.F) {
	seedMessages(f)
	f.Add(append(append([]byte("\r\n\r\n"), wire(response)...), wire(benchRegister)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4096 {
			return
		}
		const max = 2048
		whole := frames(b, func(have int) int { return len(b) })
		for _, step := range []int{1, 7, 100} {
			if got := frames(b, func(have int) int { return min(have+step, len(b)) }); got != whole {
				t.Fatalf("by %d:\n%q\nat once:\n%q", step, got, whole)
			}
		}
		n, err := Frame(b, max)
		if n > len(b) || n < 0 || n > 0 && err != nil {
			t.Fatalf("Frame: %d of %d, %v", n, len(b), err)
		}
		if n > 0 {
			if m, fault := Parse(bytes.Clone(b[:n])); fault == nil && !bytes.HasSuffix(b[:n], m.Body()) {
				t.Fatalf("Frame and Parse cut differently:\n%q\n%q", b[:n], m.Body())
			}
		}
	})
}

// frames reads a stream that arrives as more says, and writes down what it holds.
func frames(b []byte, more func(int) int) string {
	var out strings.Builder
	at, have := 0, 0
	for {
		n, _ := SkipKeepalive(b[at:have])
		at += n
		n, err := Frame(b[at:have], 2048)
		switch {
		case err != nil:
			out.WriteString("fault")
			return out.String()
		case n > 0:
			out.Write(bytes.TrimLeft(b[at:at+n], "\r\n"))
			out.WriteString("|")
			at += n
		case have == len(b):
			return out.String()
		default:
			have = more(have)
		}
	}
}

func FuzzURI(f *testing.F) {
	for _, s := range []string{"sip:a:b@h:5060;lr;x=y?h=v&i", "SIPS:[2001:db8::1]:5061;transport=tls",
		"tel:+1-2;phone-context=x", "urn:service:sos", "sip:a;b?c/@h", "sip:%41@h", "sip:u@[::ffff:192.0.2.1]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURI(s)
		if err != nil || len(s) > maxURI-100 {
			return
		}
		if u.String() != s {
			t.Fatalf("%q became %q", s, u.String())
		}
		if !u.Equal(u) {
			t.Fatalf("%q is not equal to itself", s)
		}
		w := u.WithParam("x-new", "a b>\r\n")
		v, err := ParseURI(w.String())
		if err != nil {
			t.Fatalf("%q with a parameter: %q: %v", s, w.String(), err)
		}
		if got, _ := v.Param("X-NEW"); Unescape(got) != "a b>\r\n" {
			t.Fatalf("parameter %q", got)
		}
		if v = v.WithoutParam("x-new"); u.SIP() && v.Host != u.Host || v.User != u.User || v.Port != u.Port {
			t.Fatalf("%q became %q", s, v.String())
		}
	})
}

func FuzzNameAddr(f *testing.F) {
	for _, s := range []string{`"A \"a\"" <sip:a@h;lr>;tag=1 ; q=0.5`, "sip:a@h;tag=1", "A b <sip:h>", `<sip:h>;x="a;b"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseNameAddr(s)
		if err != nil {
			return
		}
		if a.String() != trim(s) {
			t.Fatalf("%q became %q", s, a.String())
		}
		if got := Split(s); len(got) != 1 {
			t.Fatalf("%q is one address and %d elements", s, len(got))
		}
		b := a.WithParam("x-new", "1")
		c, err := ParseNameAddr(b.String())
		if err != nil {
			t.Fatalf("%q with a parameter: %q: %v", s, b.String(), err)
		}
		if v, _ := c.Param("X-New"); v != "1" || c.URI.String() != a.URI.String() || c.Display != unquote(Quote(a.Display)) {
			t.Fatalf("%q became %q: %q", s, c.String(), c.Display)
		}
	})
}

func FuzzVia(f *testing.F) {
	for _, s := range []string{"SIP/2.0/UDP h;branch=z9", "SIP / 2.0 / TCP [2001:db8::1] : 5 ; received=::1", "sip/2.0/TLS h:5061;rport"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseVia(s)
		if err != nil {
			return
		}
		if v.String() != trim(s) {
			t.Fatalf("%q became %q", s, v.String())
		}
		w := v.WithParam("received", "2001:db8::1").WithParam("rport", "5")
		x, err := ParseVia(w.String())
		if err != nil {
			t.Fatalf("%q with parameters: %q: %v", s, w.String(), err)
		}
		if got, _ := x.Param("Received"); got != "2001:db8::1" || x.Host != v.Host || x.Port != v.Port || x.Transport != v.Transport {
			t.Fatalf("%q became %q", s, x.String())
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Add(`a, "b, \", c" <d,e>;f , , g`)
	f.Fuzz(func(t *testing.T, s string) {
		parts := Split(s)
		if again := Split(strings.Join(parts, ",")); strings.Join(again, "|") != strings.Join(parts, "|") {
			t.Fatalf("%q: %q, then %q", s, parts, again)
		}
		for _, p := range parts {
			if p == "" || p != trim(p) {
				t.Fatalf("%q: element %q", s, p)
			}
		}
	})
}

func FuzzToken(f *testing.F) {
	f.Add("e1.AbC-_9")
	f.Fuzz(func(t *testing.T, s string) {
		owner, tok, ok := ParseTokenUser(s)
		if !ok {
			return
		}
		if got := TokenUser(owner, tok); got != s {
			t.Fatalf("%q became %q", s, got)
		}
		if u, err := ParseURI("sip:" + s + "@h"); err != nil || u.User != s || EscapeUser(s) != s {
			t.Fatalf("%q is no user: %+v, %v", s, u, err)
		}
	})
}

// rememberRight fails if what a message knows of itself is not what it would
// find by reading.
func rememberRight(t *testing.T, m *Message) {
	t.Helper()
	fresh := m.Clone()
	fresh.known = known{}
	n, method := m.CSeq()
	n2, method2 := fresh.CSeq()
	if m.Branch() != fresh.Branch() || m.FromTag() != fresh.FromTag() || m.ToTag() != fresh.ToTag() || n != n2 || method != method2 {
		t.Fatalf("remembered %q %q %q %d %q, reads %q %q %q %d %q", m.Branch(), m.FromTag(), m.ToTag(), n, method,
			fresh.Branch(), fresh.FromTag(), fresh.ToTag(), n2, method2)
	}
	for i := range m.rows {
		if m.held>>m.rows[i].kind&1 == 0 {
			t.Fatalf("a field is overlooked: %q", m.name(i))
		}
	}
}

package sip

import (
	"slices"
	"strings"
	"testing"
)

// TestClasses spells out what the table of byte classes holds.
func TestClasses(t *testing.T) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	for i := range 256 {
		c := byte(i)
		in := func(set string) bool { return strings.IndexByte(letters+set, c) >= 0 }
		text := c > ' ' && c != 0x7f
		want := map[byte]bool{
			inToken:   in("-.!%*_+`'~"),
			inHost:    in("-._"),
			inURI:     text && strings.IndexByte("<>\"\\`{}|^%", c) < 0,
			inAddr:    text && strings.IndexByte("<>\"", c) < 0,
			inValue:   text && strings.IndexByte(";,\"<>\\", c) < 0,
			inDisplay: in("-.!%*_+`'~ \t") || c >= 0x80,
			inUser:    text && strings.IndexByte("<>\"\\`{}|^@[]:", c) < 0,
		}
		for class, ok := range want {
			if got := classes[c]&class != 0; got != ok {
				t.Errorf("byte %q, class %d: %v", c, class, got)
			}
		}
	}
}

func TestKinds(t *testing.T) {
	for k := kVia; k < kinds; k++ {
		name := k.String()
		for _, s := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			if got := kindOf(s); got != k {
				t.Errorf("%s is %v, want %v", s, got, k)
			}
			if got := kindOf(s + "x"); got != other {
				t.Errorf("%sx is %v", s, got)
			}
			if got := kindOf("x" + s[1:]); len(s) > 2 && got != other {
				t.Errorf("x%s is %v", s[1:], got)
			}
		}
	}
	for short, long := range map[string]string{
		"a": "Accept-Contact", "b": "Referred-By", "c": "Content-Type", "d": "Request-Disposition",
		"e": "Content-Encoding", "f": "From", "i": "Call-ID", "j": "Reject-Contact", "k": "Supported",
		"l": "Content-Length", "m": "Contact", "n": "Identity-Info", "o": "Event", "r": "Refer-To",
		"s": "Subject", "t": "To", "u": "Allow-Events", "v": "Via", "x": "Session-Expires", "y": "Identity",
	} {
		if kindOf(short) != kindOf(long) || kindOf(strings.ToUpper(short)) != kindOf(long) || kindOf(long) == other {
			t.Errorf("%s is not %s", short, long)
		}
	}
}

func TestRemoveEverySpelling(t *testing.T) {
	m := mustParse(t, wire(strings.Replace(plainRequest, "From:",
		"P-Asserted-Identity: <sip:x>\np-asserted-IDENTITY: <sip:y>\nk: a\nSupported: b, c\nX-Own: 1\nx-OWN: 2\nFrom:", 1)))
	if got := m.Values("supported"); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("Supported: %q", got)
	}
	for name, want := range map[string]int{"P-Asserted-Identity": 2, "K": 2, "x-own": 2, "none": 0} {
		if got := m.Remove(name); got != want || m.Has(name) {
			t.Errorf("Remove(%s): %d, want %d", name, got, want)
		}
	}
	if got := string(m.Bytes()); got != string(wire(plainRequest)) {
		t.Errorf("left\n%s", got)
	}
}

func TestRemovePrefix(t *testing.T) {
	m := mustParse(t, wire(strings.Replace(plainRequest, "From:", "X-Own-A: 1\nx-own-b: 2\nX-Ow: 3\nFrom:", 1)))
	if n := m.RemovePrefix("X-Own-"); n != 2 || m.Has("X-Own-A") || m.Has("X-Own-B") || !m.Has("X-Ow") {
		t.Errorf("removed %d, left\n%s", n, m.Bytes())
	}
}

func TestSetFirst(t *testing.T) {
	m := mustParse(t, wire(strings.Replace(plainRequest, "bK1", `bK1;x="a,b" , SIP/2.0/UDP z;branch=2`+"\nv: SIP/2.0/UDP y", 1)))
	v, _ := m.Via()
	m.SetFirst("Via", v.WithParam("received", "192.0.2.1").String())
	m.SetFirst("Path", "<sip:p;lr>")
	want := []string{`SIP/2.0/TLS a.example.com;branch=z9hG4bK1;x="a,b";received=192.0.2.1`, "SIP/2.0/UDP z;branch=2", "SIP/2.0/UDP y"}
	if got := m.Values("Via"); !slices.Equal(got, want) {
		t.Errorf("Via %q, want %q", got, want)
	}
	if got := m.Get("Path"); got != "<sip:p;lr>" {
		t.Errorf("Path %q", got)
	}
}

func TestEditsCannotInject(t *testing.T) {
	m := mustParse(t, wire(plainRequest))
	evil := "a\r\nEvil: 1\r\n\r\nbody\x00"
	m.Set("Subject", evil)
	m.Add("X\r\nEvil", evil)
	m.Add("\r\n", evil)
	m.Set("", evil)
	m.Prepend("Via", evil)
	m.SetAll("Contact", []string{evil, "b"})
	m.SetURI("sip:a@b SIP/2.0\r\nEvil: 1\r\n")
	m.SetBody(evil, []byte("hi"))
	r := m.ReplyTag(400, evil, evil)
	long := m.Clone()
	long.Set("Subject", strings.Repeat("x", 1<<17))
	for _, b := range [][]byte{m.Bytes(), r.Bytes(), long.Bytes()} {
		for line := range strings.SplitSeq(string(b), "\r\n") {
			if strings.HasPrefix(line, "Evil:") || strings.ContainsAny(line, "\r\n\x00") {
				t.Errorf("injected into\n%q", b)
			}
		}
		if strings.Count(string(b), "\r\n\r\n") != 1 {
			t.Errorf("two header ends in\n%q", b)
		}
	}
	r.SetStatus(7, "x")
	if m.SetStatus(200, "x"); r.Status() != 500 || m.Status() != 0 {
		t.Errorf("status %d, %d", r.Status(), m.Status())
	}
}

func TestReply(t *testing.T) {
	m := mustParse(t, wire(strings.Replace(strings.Replace(plainRequest, "Via:", "v: SIP/2.0/UDP z;branch=0\nVia:", 1), "From:", "Timestamp: 7\nRecord-Route: <sip:r;lr>\nFrom:", 1)))
	a, b := m.Reply(404, "Not Found"), m.Reply(486, "Busy Here")
	if a.ToTag() == "" || a.ToTag() != b.ToTag() {
		t.Errorf("tags %q, %q: the same request must give the same tag", a.ToTag(), b.ToTag())
	}
	o := m.Clone()
	o.Set("Call-ID", "other")
	if o.Reply(404, "").ToTag() == a.ToTag() {
		t.Error("another request got the same tag")
	}
	if got, want := string(m.Reply(100, "Trying").Bytes()), string(wire(`
SIP/2.0 100 Trying
Via: SIP/2.0/UDP z;branch=0
Via: SIP/2.0/TLS a.example.com;branch=z9hG4bK1
Timestamp: 7
From: <sip:a@example.com>;tag=1
To: <sip:b@example.com>
Call-ID: c
CSeq: 1 OPTIONS
Content-Length: 0

`)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	m.Set("To", "<sip:b@example.com>;TAG=x")
	if got := m.Reply(200, "OK").Get("To"); got != "<sip:b@example.com>;TAG=x" {
		t.Errorf("To %q", got)
	}
}

func TestURI(t *testing.T) {
	for _, c := range []struct {
		in   string
		want URI
	}{
		{"sip:a:b@h:5060;lr;x=y?h=v&i", URI{Scheme: "sip", User: "a", Password: "b", Host: "h", Port: 5060, Params: ";lr;x=y", Headers: "?h=v&i"}},
		{"SIPS:[2001:db8::1]:5061", URI{Scheme: "sips", Host: "2001:db8::1", Port: 5061}},
		{"sip:a;b?c/@h", URI{Scheme: "sip", User: "a;b?c/", Host: "h"}},
		{"tel:+1-2;phone-context=x", URI{Scheme: "tel", User: "+1-2", Params: ";phone-context=x"}},
		{"sip:h", URI{Scheme: "sip", Host: "h"}},
	} {
		u, err := ParseURI(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if u.String() != c.in {
			t.Errorf("%s became %s", c.in, u)
		}
		if u.raw = ""; u != c.want {
			t.Errorf("%s: got %+v", c.in, u)
		}
	}
	u, _ := ParseURI("SIP:bob@Example.com;Transport=udp;lr")
	u.Host, u.Port = "2001:db8::9", 5070
	u = u.WithParam("transport", "tls").WithParam("x", "a;b").WithoutParam("LR")
	if got := u.String(); got != "sip:bob@[2001:db8::9]:5070;transport=tls;x=a%3Bb" {
		t.Errorf("edited: %s", got)
	}
}

// TestEqual holds RFC 3261 19.1.4's own examples and ours.
func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp", true},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
		{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5", true},
		{"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com", "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
		{"sip:alice@atlanta.com?subject=project%20x&priority=urgent", "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
		{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
		{"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
		{"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
		{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
		{"sip:a@h", "sips:a@h", false},
		{"sip:a@[2001:DB8::1]", "sip:a@[2001:db8:0::1]", true},
		{"tel:+1-555-1234", "tel:+15551234", true},
		{"tel:+1555;ext=1", "tel:+1555;ext=2", false},
	} {
		a, err := ParseURI(c.a)
		b, err2 := ParseURI(c.b)
		if err != nil || err2 != nil {
			t.Fatal(c.a, err, c.b, err2)
		}
		if a.Equal(b) != c.want || b.Equal(a) != c.want {
			t.Errorf("%s and %s: want %v", c.a, c.b, c.want)
		}
	}
}

func TestNameAddr(t *testing.T) {
	a, err := ParseNameAddr(`"A \"x\", b" <sip:a@h;lr>;Tag=1 ; +sip.instance="<urn:uuid:0>"`)
	if err != nil {
		t.Fatal(err)
	}
	tag, _ := a.Param("tag")
	id, _ := a.Param("+SIP.instance")
	if a.Display != `A "x", b` || tag != "1" || id != "<urn:uuid:0>" || a.URI.Params != ";lr" {
		t.Errorf("read %q %q %q %+v", a.Display, tag, id, a.URI)
	}
	a.URI.Host = "new"
	a = a.WithParam("tag", "2").WithoutParam("+sip.instance").WithParam("expires", "60")
	if got := a.String(); got != `"A \"x\", b" <sip:a@new;lr>;tag=2;expires=60` {
		t.Errorf("edited: %s", got)
	}
	bare, err := ParseNameAddr("sip:a@h;tag=1")
	if v, _ := bare.Param("tag"); err != nil || v != "1" || bare.URI.Params != "" {
		t.Errorf("bare: %+v, %v", bare, err)
	}
	if bare.Display = "B"; bare.String() != `"B" <sip:a@h>;tag=1` {
		t.Errorf("bare, edited: %s", bare)
	}
	for _, s := range []string{"", "*", "<sip:a@h", `"a <sip:a@h>`, "a, b <sip:a@h>", "<sip:a@h>x", "sip:a@h?x=y", "<sip:a@h>;=1", "<>"} {
		if a, err := ParseNameAddr(s); err == nil {
			t.Errorf("%q: read as %+v", s, a)
		}
	}
}

func TestVia(t *testing.T) {
	v, err := ParseVia(" SIP / 2.0 / TLS  [2001:db8::1] : 5061 ; Branch = z9 ; rport;received=::1 ")
	branch, _ := v.Param("branch")
	_, rport := v.Param("RPORT")
	received, _ := v.Param("received")
	if err != nil || v.Transport != "TLS" || v.Host != "2001:db8::1" || v.Port != 5061 || branch != "z9" || !rport || received != "::1" {
		t.Errorf("read %+v, %v", v, err)
	}
	v = v.WithParam("rport", "7").WithParam("received", "10.0.0.1")
	if got := v.String(); got != "SIP/2.0/TLS [2001:db8::1]:5061 ; Branch = z9 ;rport=7;received=10.0.0.1" {
		t.Errorf("edited: %s", got)
	}
}

func TestSplit(t *testing.T) {
	got := Split(` a , "b, \", c" <d,e> ;f,, <g,"h>,"`)
	if want := []string{"a", `"b, \", c" <d,e> ;f`, `<g,"h>`, `"`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTokenUser(t *testing.T) {
	if owner, tok, ok := ParseTokenUser(TokenUser('e', "Ab-_9")); owner != 'e' || tok != "Ab-_9" || !ok {
		t.Errorf("got %c %q %v", owner, tok, ok)
	}
	for _, s := range []string{"", "e1.", "x1.abc", "e2.abc", "e1.a b", "e1.a@b", "e1." + strings.Repeat("a", 300), "alice"} {
		if _, _, ok := ParseTokenUser(s); ok {
			t.Errorf("%q passes for a token", s)
		}
	}
}

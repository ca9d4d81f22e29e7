package sip

import (
	"strings"
	"testing"
)

// wire turns a readable message into one with CRLF line ends.
func wire(s string) []byte {
	return []byte(strings.ReplaceAll(strings.TrimPrefix(s, "\n"), "\n", "\r\n"))
}

const invite = `
INVITE sip:+15551234@ucm.example.com;user=phone SIP/2.0
Via: SIP/2.0/TLS 192.0.2.7:5061;branch=z9hG4bK1;rport
Route: <sip:e1.abc@10.0.0.1:5061;transport=tls;lr>, <sip:b.example.com;lr>
Max-Forwards: 70
From: "Alice, A." <sip:alice@example.com>;TAG=f1
To: <sip:+15551234@example.com>
Call-ID: c1@192.0.2.7
CSeq: 101 INVITE
Contact: <sip:alice@192.0.2.7:5061;transport=tls>;+u.sip!devicename.ccm.cisco.com="CSFALICE"
k: replaces
X-Own:  spaced	 
Content-Type: application/sdp
Content-Length: 4

v=0
`

func mustParse(t testing.TB, b []byte) *Message {
	t.Helper()
	m, f := Parse(b)
	if f != nil {
		t.Fatalf("Parse: %v\n%s", f, b)
	}
	return m
}

func TestRead(t *testing.T) {
	m := mustParse(t, wire(invite))
	n, method := m.CSeq()
	for _, c := range []struct{ what, got, want string }{
		{"method", m.Method(), "INVITE"},
		{"uri", m.URI(), "sip:+15551234@ucm.example.com;user=phone"},
		{"branch", m.Branch(), "z9hG4bK1"},
		{"from tag", m.FromTag(), "f1"},
		{"to tag", m.ToTag(), ""},
		{"call-id", m.CallID(), "c1@192.0.2.7"},
		{"cseq method", method, "INVITE"},
		{"supported", m.Get("Supported"), "replaces"},
		{"own", m.Get("x-own"), "spaced"},
		{"routes", strings.Join(m.Values("Route"), "|"), "<sip:e1.abc@10.0.0.1:5061;transport=tls;lr>|<sip:b.example.com;lr>"},
		{"body", string(m.Body()), "v=0\r"},
		{"bytes", string(m.Bytes()), string(wire(invite)[:len(wire(invite))-1])},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
		}
	}
	if n != 101 || m.MaxForwards() != 70 || !m.Request() {
		t.Errorf("CSeq %d, Max-Forwards %d", n, m.MaxForwards())
	}
}

func TestEdit(t *testing.T) {
	m := mustParse(t, wire(invite))
	c := m.Clone()
	if got := c.PopFirst("Route"); got != "<sip:e1.abc@10.0.0.1:5061;transport=tls;lr>" {
		t.Errorf("popped %q", got)
	}
	c.SetMaxForwards(69)
	c.Prepend("Via", "SIP/2.0/TLS 10.0.0.1:7001;branch=z9hG4bK2")
	c.Prepend("Record-Route", "<sip:e1.x@10.0.0.1;lr>")
	c.Set("Supported", "replaces,path\r\nEvil: 1")
	c.SetURI("sip:a@b\r\nEvil: 1")
	c.Remove("X-OWN")
	c.SetBody("application/sdp", []byte("v=0\r\no=-\r\n"))
	want := wire(`
INVITE sip:a@b%0D%0AEvil:%201 SIP/2.0
Via: SIP/2.0/TLS 10.0.0.1:7001;branch=z9hG4bK2
Via: SIP/2.0/TLS 192.0.2.7:5061;branch=z9hG4bK1;rport
Record-Route: <sip:e1.x@10.0.0.1;lr>
Route: <sip:b.example.com;lr>
Max-Forwards: 69
From: "Alice, A." <sip:alice@example.com>;TAG=f1
To: <sip:+15551234@example.com>
Call-ID: c1@192.0.2.7
CSeq: 101 INVITE
Contact: <sip:alice@192.0.2.7:5061;transport=tls>;+u.sip!devicename.ccm.cisco.com="CSFALICE"
Supported: replaces,path  Evil: 1
Content-Type: application/sdp
Content-Length: 10

v=0
o=-
`)
	if got := string(c.Bytes()); got != string(want) {
		t.Errorf("edited:\n%s\nwant:\n%s", got, want)
	}
	if got := string(m.Bytes()); got != string(wire(invite)[:len(got)]) {
		t.Errorf("the original changed:\n%s", got)
	}
}

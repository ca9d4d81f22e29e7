package sip

import (
	"bytes"
	"strings"
	"testing"
)

// plainRequest is what the gate's table changes one line of.
const plainRequest = `
OPTIONS sip:b@example.com SIP/2.0
Via: SIP/2.0/TLS a.example.com;branch=z9hG4bK1
Max-Forwards: 70
From: <sip:a@example.com>;tag=1
To: <sip:b@example.com>
Call-ID: c
CSeq: 1 OPTIONS
Content-Length: 2

hi`

func TestGate(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		status         int // 0: let in
		says           string
	}{
		{"as it is", "", "", 0, ""},
		{"no Via", "Via:", "X-Via:", 400, "Missing Via"},
		{"no From", "From:", "X:", 400, "Missing From"},
		{"no To", "To:", "X:", 400, "Missing To"},
		{"no Call-ID", "Call-ID:", "X:", 400, "Missing Call-ID"},
		{"no CSeq", "CSeq:", "X:", 400, "Missing CSeq"},
		{"no Max-Forwards", "Max-Forwards: 70\n", "", 0, ""},
		{"no Content-Length", "Content-Length: 2\n", "", 0, ""},
		{"two From", "To:", "f: <sip:x@example.com>\nTo:", 400, "Duplicate From"},
		{"two To", "Call-ID:", "TO: <sip:x@example.com>\nCall-ID:", 400, "Duplicate To"},
		{"two Call-ID", "CSeq:", "i: c\nCSeq:", 400, "Duplicate Call-ID"},
		{"two CSeq", "CSeq:", "cseq : 1 OPTIONS\nCSeq:", 400, "Duplicate CSeq"},
		{"two Max-Forwards", "From:", "max-forwards: 70\nFrom:", 400, "Duplicate Max-Forwards"},
		{"two Content-Length", "From:", "l: 2\nFrom:", 400, "Duplicate Content-Length"},
		{"two folded Content-Length", "From:", "Content-Length:\n 2\nFrom:", 400, "Duplicate Content-Length"},
		{"two Content-Type", "From:", "c: a/b\nContent-Type: a/c\nFrom:", 400, "Duplicate Content-Type"},
		{"two Refer-To", "From:", "r: <sip:x>\nRefer-To: <sip:y>\nFrom:", 400, "Duplicate Refer-To"},
		{"length too great", "Length: 2", "Length: 3", 400, "Content-Length Exceeds"},
		{"length signed", "Length: 2", "Length: +2", 400, "Malformed Content-Length"},
		{"length list", "Length: 2", "Length: 2, 2", 400, "Malformed Content-Length"},
		{"length hex", "Length: 2", "Length: 0x2", 400, "Malformed Content-Length"},
		{"length huge", "Length: 2", "Length: 99999999999999999999", 400, "Malformed Content-Length"},
		{"length empty", "Length: 2", "Length:", 400, "Malformed Content-Length"},
		{"CSeq method", "1 OPTIONS", "1 INVITE", 400, "CSeq Method Mismatch"},
		{"CSeq method's case", "1 OPTIONS", "1 options", 400, "CSeq Method Mismatch"},
		{"CSeq spaces", "1 OPTIONS", "1 \t OPTIONS", 0, ""},
		{"CSeq joined", "1 OPTIONS", "1OPTIONS", 400, "Malformed CSeq"},
		{"CSeq large", "1 OPTIONS", "2147483648 OPTIONS", 400, "Malformed CSeq"},
		{"CSeq largest", "1 OPTIONS", "2147483647 OPTIONS", 0, ""},
		{"Max-Forwards 0 is the proxy's", "70", "0", 0, ""},
		{"Max-Forwards negative", "70", "-1", 400, "Malformed Max-Forwards"},
		{"Max-Forwards large", "70", "256", 400, "Malformed Max-Forwards"},
		{"version 3", "SIP/2.0\nVia", "SIP/3.0\nVia", 505, "Version"},
		{"version in lower case", "SIP/2.0\nVia", "sip/2.0\nVia", 0, ""},
		{"no version", " SIP/2.0\nVia", "\nVia", 400, "Request"},
		{"HTTP", "OPTIONS sip:b@example.com SIP/2.0", "GET / HTTP/1.1", 400, "Request Line"},
		{"method", "OPTIONS sip", "OPT(IONS sip", 400, "Malformed Method"},
		{"long method", "OPTIONS sip", strings.Repeat("A", 65) + " sip", 400, "Malformed Method"},
		{"URI scheme", "sip:b@", "http://", 416, "Scheme"},
		{"URI without scheme", "sip:b@", "", 400, "Request-URI"},
		{"URI with headers", "sip:b@example.com", "sip:b@example.com?Route=x", 400, "Request-URI"},
		{"URI in brackets", "sip:b@example.com S", "<sip:b@example.com> S", 400, "Request-URI"},
		{"URI with two spaces", "OPTIONS sip", "OPTIONS  sip", 400, "Request-URI"},
		{"URI without host", "sip:b@example.com S", "sip:b@ S", 400, "Request-URI"},
		{"URI without user", "sip:b@", "sip:@", 400, "Request-URI"},
		{"URI with two hosts", "sip:b@example.com S", "sip:b@c@example.com S", 400, "Request-URI"},
		{"URI with port 0", "example.com S", "example.com:0 S", 400, "Request-URI"},
		{"URI with port 65536", "example.com S", "example.com:65536 S", 400, "Request-URI"},
		{"URI with two transports", "example.com S", "example.com;transport=tls;Transport=udp S", 400, "Request-URI"},
		{"URI with a broken escape", "sip:b@", "sip:%4@", 400, "Request-URI"},
		{"URI long", "sip:b@", "sip:" + strings.Repeat("b", 5000) + "@", 414, "Too Long"},
		{"sips", "sip:b@", "sips:b@", 0, ""},
		{"tel", "sip:b@example.com", "tel:+15551234;phone-context=example.com", 0, ""},
		{"urn", "sip:b@example.com", "urn:service:sos", 0, ""},
		{"IPv6", "b@example.com S", "b@[2001:db8::1]:5061 S", 0, ""},
		{"IPv6 without brackets", "b@example.com S", "b@2001:db8::1 S", 400, "Request-URI"},
		{"Via's port", "a.example.com;", "a.example.com:99999;", 400, "Malformed Via"},
		{"Via's host", "a.example.com;", ";", 400, "Malformed Via"},
		{"Via's parameter", ";branch", ";;branch", 400, "Malformed Via"},
		{"Via's version", "Via: SIP/2.0", "Via: SIP/1.0", 400, "Malformed Via"},
		{"Via empty", "Via: SIP/2.0/TLS a.example.com;branch=z9hG4bK1", "Via:", 400, "Malformed Via"},
		{"Via list", "bK1", "bK1 , SIP/2.0/UDP b;branch=2", 0, ""},
		{"From list", "tag=1", "tag=1, <sip:x@example.com>", 400, "Malformed From"},
		{"From's quote", "From: <", `From: "a <`, 400, "Malformed From"},
		{"From's bracket", "<sip:a@example.com>", "<sip:a@example.com", 400, "Malformed From"},
		{"From's text behind", "tag=1", "tag=1 x", 400, "Malformed From"},
		{"From's quoted comma", "From: <", `From: "A, \"B\" <x>" <`, 0, ""},
		{"From's UTF-8", "From: <", "From: Zoë <", 0, ""},
		{"To without URI", "<sip:b@example.com>\nCall", "b\nCall", 400, "Malformed To"},
		{"Call-ID with a space", "Call-ID: c", "Call-ID: c d", 400, "Malformed Call-ID"},
		{"Call-ID empty", "Call-ID: c", "Call-ID:", 400, "Malformed Call-ID"},
		{"Route not an address", "From:", "Route: sip:x;lr\nFrom:", 400, "Malformed Route"},
		{"Route list", "From:", `Route: "a,b" <sip:x,y@z;lr>,<sip:y;lr>` + "\nFrom:", 0, ""},
		{"Route with an empty element", "From:", "Route: <sip:x;lr>,,<sip:y;lr>\nFrom:", 400, "Malformed Route"},
		{"NUL", "Call-ID: c", "Call-ID: c\x00", 400, "Control Character In Call-ID"},
		{"NUL in an unknown field", "From:", "X-Own: a\x00b\nFrom:", 400, "Control Character In Header"},
		{"escaped NUL in a name", "From: <", "From: \"\\\x00\" <", 0, ""},
		{"escaped NUL elsewhere", "From:", "X: \"\\\x00\"\nFrom:", 400, "Control Character"},
		{"bare CR", "From:", "X: a\rb\nFrom:", 400, "Control Character"},
		{"tab", "Call-ID: c", "Call-ID:\tc\t", 0, ""},
		{"no colon", "From:", "Nonsense\nFrom:", 400, "Malformed Header Name"},
		{"no name", "From:", ": x\nFrom:", 400, "Malformed Header Name"},
		{"name with a slash", "From:", "a/b: x\nFrom:", 400, "Malformed Header Name"},
		{"long name", "From:", strings.Repeat("a", 256) + ": x\nFrom:", 513, ""},
		{"many fields", "From:", strings.Repeat("X: y\n", MaxFields) + "From:", 513, ""},
		{"large header", "From:", "X: " + strings.Repeat("y", 1<<16) + "\nFrom:", 513, ""},
		{"folded start line", "Via:", " x\nVia:", 400, "Malformed"},
		{"space before colon", "From:", "From \t :", 0, ""},
		{"folded", "From: ", "From:\n\t", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := wire(strings.Replace(strings.TrimPrefix(plainRequest, "\n"), c.old, c.new, 1))
			m, f := Parse(b)
			if c.status == 0 {
				if f != nil {
					t.Fatalf("refused: %v", f)
				}
				again(t, m.Bytes())
				if string(m.Body()) != "hi" || m.FromTag() != "1" || !m.Has("Content-Length") {
					t.Errorf("read as\n%s", m.Bytes())
				}
				return
			}
			if f == nil || f.Status != c.status || !strings.Contains(f.Reason, c.says) {
				t.Fatalf("got %v, want %d with %q", f, c.status, c.says)
			}
		})
	}
}

// TestBareLineFeed: line ends other than CRLF are refused wherever they stand.
func TestBareLineFeed(t *testing.T) {
	whole := wire(plainRequest)
	head := bytes.Index(whole, []byte("\r\n\r\n")) + 4
	for i := 0; i < head; i++ {
		if whole[i] != '\r' {
			continue
		}
		if m, f := Parse(append(bytes.Clone(whole[:i]), whole[i+1:]...)); f == nil {
			t.Errorf("let in without the CR at %d:\n%q", i, m.Bytes())
		}
	}
}

func TestFaultCanBeAnswered(t *testing.T) {
	b := wire(strings.Replace(plainRequest, "From:", "From: <sip:evil@x>\nBad Header\nX: \x01\nFrom:", 1))
	_, f := Parse(b)
	if f == nil || f.Msg == nil {
		t.Fatalf("fault %v", f)
	}
	got := string(f.Msg.ReplyTag(f.Status, f.Reason, "t").Bytes())
	want := string(wire(`
SIP/2.0 400 Malformed Header Line
Via: SIP/2.0/TLS a.example.com;branch=z9hG4bK1
From: <sip:evil@x>
To: <sip:b@example.com>;tag=t
Call-ID: c
CSeq: 1 OPTIONS
Content-Length: 0

`))
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, s := range []string{
		"SIP/2.0 200 OK\nVia: x\n\n", "ACK sip:a@b SIP/2.0\nVia: x\n\n", "GET / HTTP/1.1\nVia: x\n\n", "\x16\x03\x01", "",
	} {
		if _, f := Parse(wire(s)); f == nil || f.Msg != nil {
			t.Errorf("%q: %v", s, f)
		}
	}
}

func TestFrame(t *testing.T) {
	one := wire(plainRequest)
	for _, c := range []struct {
		name   string
		in     []byte
		n      int
		status int
	}{
		{"nothing", nil, 0, 0},
		{"half a line", one[:20], 0, 0},
		{"header only", one[:len(one)-2], 0, 0},
		{"whole", one, len(one), 0},
		{"two", append(bytes.Clone(one), one...), len(one), 0},
		{"empty lines first", append([]byte("\r\n\r\n"), one...), len(one) + 4, 0},
		{"no length", bytes.Replace(one, []byte("Content-Length"), []byte("X"), 1), 0, 400},
		{"two lengths", bytes.Replace(one, []byte("To:"), []byte("l:\r\n 2\r\nTo:"), 1), 0, 400},
		{"folded length", bytes.Replace(one, []byte("Length: 2"), []byte("Length :\r\n\t2"), 1), len(one) + 3, 0},
		{"bare line feed", bytes.Replace(one, []byte("\r\nTo"), []byte("\nTo"), 1), 0, 400},
		{"body beyond the limit", bytes.Replace(one, []byte("Length: 2"), []byte("Length: 5000"), 1), 0, 513},
		{"header beyond the limit", bytes.Repeat([]byte("X: y\r\n"), 1000), 0, 513},
	} {
		n, err := Frame(c.in, 4096)
		status := 0
		if f, ok := err.(*Fault); ok {
			status = f.Status
		}
		if n != c.n || status != c.status {
			t.Errorf("%s: %d, %v; want %d, %d", c.name, n, err, c.n, c.status)
		}
	}
}

func TestSkipKeepalive(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		ping bool
	}{
		{"", 0, false}, {"\r", 0, false}, {"\r\n", 0, false}, {"\r\n\r", 0, false},
		{"\r\n\r\n", 4, true}, {"\r\n\r\n\r\n", 4, true}, {"\r\n\r\n\r\n\r\n", 8, true},
		{"\r\nOPTIONS", 2, false}, {"\r\n\r\nOPTIONS", 4, true}, {"OPTIONS", 0, false},
	} {
		if n, ping := SkipKeepalive([]byte(c.in)); n != c.n || ping != c.ping {
			t.Errorf("%q: %d, %v", c.in, n, ping)
		}
	}
}

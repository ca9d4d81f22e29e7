package sip

import (
	"strings"
	"testing"
)

func TestUnregisters(t *testing.T) {
	for _, c := range []struct {
		rows string
		want bool
	}{
		{"Contact: *\nExpires: 0\n", true},
		{"Contact: <sip:a@192.0.2.1>\nExpires: 0\n", true},
		{"Contact: <sip:a@192.0.2.1>;expires=0\nExpires: 3600\n", true},
		{"Contact: <sip:a@192.0.2.1>;expires=60\nExpires: 0\n", false},
		{"Contact: <sip:a@192.0.2.1>;expires=0, <sip:a@192.0.2.2>\n", false},
		{"Contact: <sip:a@192.0.2.1>\n", false},
		{"Expires: 0\n", false},
	} {
		text := "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1\nMax-Forwards: 70\nFrom: <sip:a@example.com>;tag=1\n" +
			"To: <sip:a@example.com>\nCall-ID: 1\nCSeq: 1 REGISTER\n" + c.rows + "Content-Length: 0\n\n"
		m, f := Parse([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
		if f != nil {
			t.Fatal(f)
		}
		if got := Unregisters(m); got != c.want {
			t.Errorf("%q: got %t", c.rows, got)
		}
	}
}

package signaling

import (
	"net/netip"
	"strings"
	"testing"

	"sallyport/appliance/sip"
)

// FuzzStamp writes where a request came from into any Via that can be read:
// host, port, transport and the other parameters stay, and what the sender
// claims of itself goes.
func FuzzStamp(f *testing.F) {
	f.Add("SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bKx;rport;received=1.2.3.4", "192.0.2.9:4000", true)
	f.Add(`SIP / 2.0 / UDP [2001:db8::1] ; x=";received=a" ; RPORT = 7 ;branch=y`, "[2001:db8::9]:4000", false)
	f.Fuzz(func(t *testing.T, via, source string, port bool) {
		before, err := sip.ParseVia(via)
		from, err2 := netip.ParseAddrPort(source)
		if err != nil || err2 != nil {
			return
		}
		m := sip.NewRequest("OPTIONS", "sip:example.com")
		stamp(m, unstamped(via), from, port)
		text := m.Get("Via")
		after, err := sip.ParseVia(text)
		if err != nil {
			t.Fatalf("%q became %q: %v", via, text, err)
		}
		if after.Transport != before.Transport || after.Host != before.Host || after.Port != before.Port {
			t.Errorf("%q became %q", via, text)
		}
		b1, _ := before.Param("branch")
		b2, _ := after.Param("branch")
		received, _ := after.Param("received")
		_, hasPort := after.Param("rport")
		if b1 != b2 || received != from.Addr().Unmap().WithZone("").String() || hasPort != port {
			t.Errorf("%q from %v became %q", via, from, text)
		}
		n := 0
		for p, rest := "", after.Params; rest != ""; {
			p, rest = cutParam(rest[1:])
			name, _, _ := strings.Cut(p, "=")
			if strings.EqualFold(strings.TrimSpace(name), "received") {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%q has %d received", text, n)
		}
	})
}

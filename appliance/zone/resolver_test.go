package zone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const records = `
example.net.            300 IN NAPTR 20 0 "s" "SIP+D2T" "" _sip._tcp.example.net.
example.net.            300 IN NAPTR 10 0 "s" "SIPS+D2T" "" _sips._tcp.example.net.
_sips._tcp.example.net. 300 IN SRV 20 0 5071 b.example.net.
_sips._tcp.example.net. 300 IN SRV 10 0 5061 a.example.net.
_sip._tcp.example.net.  300 IN SRV 10 0 5060 a.example.net.
a.example.net.          300 IN A 192.0.2.1
a.example.net.          300 IN AAAA 2001:db8::1
b.example.net.          300 IN A 192.0.2.2
plain.example.net.      300 IN A 192.0.2.3
srv.example.net.        300 IN A 192.0.2.9
_sip._udp.srv.example.net. 300 IN SRV 1 0 5070 a.example.net.
never.example.net.      300 IN A 192.0.2.9
_sips._tcp.never.example.net. 300 IN SRV 0 0 0 .
4.3.2.1.e164.arpa.      300 IN NAPTR 10 10 "u" "E2U+email" "!^.*$!mailto:x@example.net!" .
4.3.2.1.e164.arpa.      300 IN NAPTR 10 20 "u" "E2U+sip" "!^\\+1(.*)$!sip:\\1@example.net!" .
5.e164.arpa.            300 IN NAPTR 10 20 "u" "E2U+sip" "!^.*$!http://example.net/!" .
`

// nameServer answers from a text of records; asked counts the questions.
func nameServer(t *testing.T, text string, asked *atomic.Int32) netip.AddrPort {
	t.Helper()
	zone := map[string][]dns.RR{}
	names := map[string]bool{}
	for line := range strings.Lines(text) {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		if rr != nil {
			key := strings.ToLower(rr.Header().Name)
			names[key] = true
			key += dns.TypeToString[rr.Header().Rrtype]
			zone[key] = append(zone[key], rr)
		}
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		asked.Add(1)
		m := new(dns.Msg).SetReply(q)
		name := strings.ToLower(q.Question[0].Name)
		m.Answer = zone[name+dns.TypeToString[q.Question[0].Qtype]]
		if !names[name] {
			m.Rcode = dns.RcodeNameError
		}
		w.WriteMsg(m)
	})}
	done := make(chan struct{})
	go func() { defer close(done); s.ActivateAndServe() }()
	t.Cleanup(func() { s.Shutdown(); <-done })
	return pc.LocalAddr().(*net.UDPAddr).AddrPort()
}

func TestLocate(t *testing.T) {
	var asked atomic.Int32
	now := time.Unix(1_000_000, 0)
	r := NewResolver(func() time.Time { return now })
	r.SetServers([]netip.AddrPort{nameServer(t, records, &asked)})
	for _, c := range []struct {
		name string
		wish Wish
		want string
	}{
		{"NAPTR says the order, SRV the ports", Wish{Host: "example.net"}, "TLS 192.0.2.1:5061, TLS [2001:db8::1]:5061, TLS 192.0.2.2:5071, TCP 192.0.2.1:5060, TCP [2001:db8::1]:5060"},
		{"a transport that was said", Wish{Host: "example.net", Transport: "TCP"}, "TCP 192.0.2.1:5060, TCP [2001:db8::1]:5060"},
		{"sips is TLS only", Wish{Host: "example.net", Secure: true, Most: 1}, "TLS 192.0.2.1:5061"},
		{"no NAPTR", Wish{Host: "srv.example.net"}, "UDP 192.0.2.1:5070, UDP [2001:db8::1]:5070"},
		{"a port needs no SRV", Wish{Host: "b.example.net", Port: 5099, Default: "TCP"}, "TCP 192.0.2.2:5099"},
		{"an address needs nothing", Wish{Host: "[2001:db8::7]", Transport: "UDP"}, "UDP [2001:db8::7]:5060"},
		{"addresses are not asked for", Wish{Host: "plain.example.net"}, "error"},
		{"unless they will do", Wish{Host: "plain.example.net", Address: true}, "TLS 192.0.2.3:5061"},
		{"a service that is not offered", Wish{Host: "never.example.net", Transport: "TLS"}, ""},
		{"a name that is not there", Wish{Host: "nobody.example.net", Address: true}, "error"},
	} {
		got, err := r.Locate(context.Background(), c.wish)
		var words []string
		for _, s := range got {
			words = append(words, s.Network+" "+s.Addr.String())
		}
		text := strings.Join(words, ", ")
		if err != nil {
			text = "error"
			if !errors.Is(err, ErrNoRecord) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if text != c.want {
			t.Errorf("%s: got %q, want %q", c.name, text, c.want)
		}
	}
	before := asked.Load()
	r.Locate(context.Background(), Wish{Host: "example.net"})
	if asked.Load() != before {
		t.Error("asked again within the time to live")
	}
	now = now.Add(301 * time.Second)
	r.Locate(context.Background(), Wish{Host: "example.net"})
	if asked.Load() == before {
		t.Error("not asked again after the time to live")
	}
}

func TestENUM(t *testing.T) {
	var asked atomic.Int32
	r := NewResolver(time.Now)
	r.SetServers([]netip.AddrPort{nameServer(t, records, &asked)})
	for alias, want := range map[string]string{
		"+1-234@example.com": "sip:234@example.net", "sip:1234": "sip:234@example.net",
		"5": "", "alice@example.com": "", "99": "", strings.Repeat("1", 30): "",
	} {
		if got, err := r.ENUM(context.Background(), alias, "e164.arpa"); got != want || (err != nil) != (want == "") {
			t.Errorf("%s: got %q, %v; want %q", alias, got, err, want)
		}
	}
}

// A server that does not answer costs its time, and the next is asked; names
// without end do not fill the memory.
func TestResolverBounds(t *testing.T) {
	var asked atomic.Int32
	dead, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	r := NewResolver(time.Now)
	r.SetServers([]netip.AddrPort{dead.LocalAddr().(*net.UDPAddr).AddrPort(), nameServer(t, records, &asked)})
	if got, err := r.Locate(context.Background(), Wish{Host: "b.example.net", Port: 1}); err != nil || len(got) != 1 {
		t.Error(got, err)
	}
	for i := range maxCached + 100 {
		r.cache.put(question{fmt.Sprint(i), dns.TypeA}, nil, time.Hour)
	}
	if n := len(r.cache.known); n > maxCached {
		t.Errorf("%d answers are kept", n)
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add("!^.*$!sip:info@example.com!i", "+1234")
	f.Add(`!^\+1(.*)$!sip:\1@x!`, "+1234")
	f.Fuzz(func(t *testing.T, sub, number string) {
		if uri, err := rewrite(sub, number); err == nil && !strings.HasPrefix(strings.ToLower(uri), "sip") {
			t.Errorf("%q is no SIP address", uri)
		}
	})
}

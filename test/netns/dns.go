package netns

import (
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// StartDNS answers A queries for a few names on port 53 of an address of the
// space, and says that no other name exists.
func (s *Space) StartDNS(addr string, names map[string]string) {
	s.net.t.Helper()
	var pc net.PacketConn
	err := s.Inside(func() (err error) {
		pc, err = net.ListenPacket("udp", addr+":53")
		return err
	})
	if err != nil {
		s.net.t.Fatalf("dns: %v", err)
	}
	server := &dns.Server{PacketConn: pc, ReadTimeout: time.Second, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		w.WriteMsg(answer(q, names))
	})}
	done := make(chan struct{})
	go func() {
		server.ActivateAndServe()
		close(done)
	}()
	s.net.t.Cleanup(func() {
		pc.Close()
		<-done
	})
}

func answer(q *dns.Msg, names map[string]string) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	if len(q.Question) != 1 {
		return m.SetRcode(q, dns.RcodeFormatError)
	}
	asked := q.Question[0]
	ip, known := names[strings.ToLower(strings.TrimSuffix(asked.Name, "."))]
	if !known {
		return m.SetRcode(q, dns.RcodeNameError)
	}
	if asked.Qtype == dns.TypeA {
		h := dns.RR_Header{Name: asked.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}
		m.Answer = append(m.Answer, &dns.A{Hdr: h, A: net.ParseIP(ip)})
	}
	return m
}

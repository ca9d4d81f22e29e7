package signaling

import (
	"fmt"
	"net/netip"
	"testing"

	"sallyport/appliance/sip"
)

// nullConn keeps what it is sent.
type nullConn struct {
	id   uint64
	sent [][]byte
}

func (c *nullConn) ID() uint64            { return c.id }
func (c *nullConn) Network() string       { return "TLS" }
func (c *nullConn) Reliable() bool        { return true }
func (c *nullConn) Local() netip.AddrPort { return netip.AddrPort{} }
func (c *nullConn) Remote() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 9}), 40000)
}
func (c *nullConn) Zone() string { return "outside" }
func (c *nullConn) Send(b []byte) error {
	c.sent = append(c.sent, append([]byte(nil), b...))
	return nil
}

const benchHead = "Max-Forwards: 70\r\nFrom: \"Alice\" <sip:alice@example.com>;tag=a1b2c3d4e5\r\nTo: <sip:alice@example.com>\r\n" +
	"Call-ID: 8a7b6c5d-%d@192.0.2.9\r\nCSeq: 101 %s\r\nUser-Agent: Jabber/14.1\r\nSupported: replaces,join,sdp-anat,norefersub,resource-priority,extended-refer,X-cisco-callinfo\r\n" +
	"Contact: <sip:6f2c1a@192.0.2.9:40000;transport=tls>;+sip.instance=\"<urn:uuid:00000000-0000-0000-0000-0050568a1b2c>\";+u.sip!devicename.ccm.cisco.com=\"CSFALICE\";+u.sip!model.ccm.cisco.com=\"503\";video\r\n" +
	"Expires: 3600\r\nAllow: ACK,BYE,CANCEL,INFO,INVITE,NOTIFY,OPTIONS,REFER,REGISTER,UPDATE,SUBSCRIBE\r\nContent-Length: 0\r\n\r\n"

// benchProxy forwards everything over far with what a role would do to it.
func benchProxy(far *nullConn) *Proxy {
	return New(Config{Handler: func(r *Request) {
		m := r.Msg.Clone()
		m.Add("Path", "<sip:e1.0123456789abcdef0123456789abcdef0123456789abcdef@edge.example.com:5061;transport=tls;lr;ob>")
		r.Forward(Branch{Msg: m, Conn: far, Via: "edge.example.com:7001", OnResponse: func(resp *sip.Message) { resp.Remove("Path") }})
	}})
}

func benchMessage(b *testing.B, method string, n int) *sip.Message {
	m, f := sip.Parse([]byte(fmt.Sprintf("%s sip:example.com SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.9:40000;branch=z9hG4bK%d\r\n"+benchHead, method, n, n, method)))
	if f != nil {
		b.Fatal(f)
	}
	return m
}

// answers makes the far end's responses to all that it was sent.
func answers(b *testing.B, far *nullConn, status int) (all []*sip.Message) {
	for _, raw := range far.sent {
		req, f := sip.Parse(raw)
		if f != nil {
			b.Fatal(f)
		}
		if req.Method() == "ACK" {
			continue
		}
		m, f := sip.Parse(req.ReplyTag(status, "OK", "far").Bytes())
		if f != nil {
			b.Fatal(f)
		}
		all = append(all, m)
	}
	return all
}

const batchOf = 4096

// requests makes a batch of different requests.
func requests(b *testing.B, method string, first int) (all []*sip.Message) {
	for n := range batchOf {
		all = append(all, benchMessage(b, method, first+n))
	}
	return all
}

func receive(p *Proxy, c Conn, all []*sip.Message) {
	for _, m := range all {
		p.Receive(c, m, "")
	}
}

// BenchmarkRegister is a REGISTER and its 200 through the proxy, without
// sockets; parsing and making the messages is not counted.
func BenchmarkRegister(b *testing.B) {
	near, far := &nullConn{id: 1}, &nullConn{id: 2}
	p := benchProxy(far)
	b.ReportAllocs()
	for n := 0; n < b.N; n += batchOf {
		b.StopTimer()
		far.sent, near.sent = far.sent[:0], near.sent[:0]
		reqs := requests(b, "REGISTER", n)
		b.StartTimer()
		receive(p, near, reqs)
		b.StopTimer()
		oks := answers(b, far, 200)
		b.StartTimer()
		receive(p, far, oks)
	}
}

// BenchmarkInvite is an INVITE, 180 and 486 with both ACKs.
func BenchmarkInvite(b *testing.B) {
	near, far := &nullConn{id: 1}, &nullConn{id: 2}
	p := benchProxy(far)
	b.ReportAllocs()
	for n := 0; n < b.N; n += batchOf {
		b.StopTimer()
		far.sent, near.sent = far.sent[:0], near.sent[:0]
		reqs, acks := requests(b, "INVITE", n), requests(b, "ACK", n)
		b.StartTimer()
		receive(p, near, reqs)
		b.StopTimer()
		ringing, busy := answers(b, far, 180), answers(b, far, 486)
		b.StartTimer()
		receive(p, far, ringing)
		receive(p, far, busy)
		receive(p, near, acks)
	}
}

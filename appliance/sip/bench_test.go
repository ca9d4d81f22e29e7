package sip

import (
	"strings"
	"testing"
)

const benchRegister = `
REGISTER sip:ucm1.example.com SIP/2.0
Via: SIP/2.0/TLS 198.51.100.23:51893;branch=z9hG4bK00004823;rport
Route: <sip:e1.AbCdEf0123456789AbCdEf0123456789AbCdEf0123456789@edge.example.com:5061;transport=tls;lr>
From: <sip:5001@ucm1.example.com>;tag=4cb0a1d2e3f400025c7b6c9d-1f2e3d4c
To: <sip:5001@ucm1.example.com>
Call-ID: 4cb0a1d2-e3f40002-5c7b6c9d-0a1b2c3d@198.51.100.23
Max-Forwards: 70
Date: Sun, 22 Nov 2026 16:51:31 GMT
CSeq: 4823 REGISTER
User-Agent: Cisco-CSF/14.1
Contact: <sip:a7c2d8e1-5566-7788-9900-aabbccddeeff@198.51.100.23:51893;transport=tls>;+sip.instance="<urn:uuid:00000000-0000-0000-0000-4cb0a1d2e3f4>";+u.sip!devicename.ccm.cisco.com="CSFALICE";+u.sip!model.ccm.cisco.com="503";video;bfcp;reg-id=1
Supported: replaces,join,sdp-anat,norefersub,resource-priority,extended-refer,X-cisco-callinfo,X-cisco-serviceuri,X-cisco-escapecodes,X-cisco-service-control,X-cisco-srtp-fallback,X-cisco-monrec,X-cisco-config,X-cisco-sis-9.2.0,X-cisco-xsi-8.5.1,path,outbound
Authorization: Digest username="alice",realm="ccmsipline",uri="sip:ucm1.example.com",response="0123456789abcdef0123456789abcdef",nonce="QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=",algorithm=MD5
Expires: 3600
Content-Length: 0

`

func benchInvite() []byte {
	sdp := strings.Repeat("a=rtpmap:96 opus/48000/2 and more text\r\n", 27)
	return append(wire(`
INVITE sip:5002@ucm1.example.com;user=phone SIP/2.0
Via: SIP/2.0/TLS 198.51.100.23:51893;branch=z9hG4bK00004824;rport
Route: <sip:e1.AbCdEf0123456789AbCdEf0123456789AbCdEf0123456789@edge.example.com:5061;transport=tls;lr>
Max-Forwards: 70
From: "Alice Example" <sip:5001@ucm1.example.com>;tag=4cb0a1d2e3f400035c7b6c9d-1f2e3d4c
To: <sip:5002@ucm1.example.com>
Call-ID: 4cb0a1d2-e3f40003-5c7b6c9d-0a1b2c3d@198.51.100.23
Date: Sun, 22 Nov 2026 16:51:31 GMT
CSeq: 101 INVITE
User-Agent: Cisco-CSF/14.1
Contact: <sip:a7c2d8e1-5566-7788-9900-aabbccddeeff@198.51.100.23:51893;transport=tls>;+u.sip!devicename.ccm.cisco.com="CSFALICE"
Expires: 180
Accept: application/sdp
Allow: ACK,BYE,CANCEL,INVITE,NOTIFY,OPTIONS,REFER,REGISTER,UPDATE,SUBSCRIBE,INFO
Remote-Party-ID: "Alice Example" <sip:5001@ucm1.example.com>;party=calling;id-type=subscriber;privacy=off;screen=yes
Supported: replaces,join,sdp-anat,norefersub,resource-priority,extended-refer,X-cisco-callinfo
Allow-Events: kpml,dialog
Content-Type: application/sdp
Content-Disposition: session;handling=optional
Content-Length: 1080

`), sdp[:1080]...)
}

func benchParse(b *testing.B, msg []byte) {
	b.ReportAllocs()
	b.SetBytes(int64(len(msg)))
	for b.Loop() {
		if _, f := Parse(msg); f != nil {
			b.Fatal(f)
		}
	}
}

func benchProxy(b *testing.B, msg []byte) {
	b.ReportAllocs()
	b.SetBytes(int64(len(msg)))
	out := make([]byte, 0, 8192)
	for b.Loop() {
		if _, err := Frame(msg, 32768); err != nil {
			b.Fatal(err)
		}
		m, f := Parse(msg)
		if f != nil {
			b.Fatal(f)
		}
		c := m.Clone()
		c.PopFirst("Route")
		c.SetMaxForwards(c.MaxForwards() - 1)
		c.Prepend("Record-Route", "<sip:e1.0123456789abcdefghijklmnopqrstuvwxyz0123456789@10.0.0.1:7001;transport=tls;lr>")
		c.Prepend("Via", "SIP/2.0/TLS 10.0.0.1:7001;branch=z9hG4bKe1f2a3b4c5d6e7f8")
		out = c.AppendTo(out[:0])
	}
	_ = out
}

func BenchmarkParseRegister(b *testing.B) { benchParse(b, wire(benchRegister)) }
func BenchmarkParseInvite(b *testing.B)   { benchParse(b, benchInvite()) }
func BenchmarkProxyRegister(b *testing.B) { benchProxy(b, wire(benchRegister)) }
func BenchmarkProxyInvite(b *testing.B)   { benchProxy(b, benchInvite()) }

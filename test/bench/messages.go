package main

import (
	"bytes"
	"fmt"
	"strings"
)

// nonce is in every challenge, and every phone answers it.
const nonce = "6b2a0e8c4d5f7a9b1c3d5e7f9a0b2c4d"

// What phones say: about 1.25 kB for a REGISTER, 1.2 kB and a body of 1.1 kB
// for an INVITE, with the headers that desk phones send. Marks are filled in
// once per client (upper case) or once per message (braces).
const registerText = `REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/TLS VIA;branch=z9hG4bK{N}
From: <sip:USER@example.com>;tag=00562b043615{N}
To: <sip:USER@example.com>
Call-ID: 00562b04-36150011-INDEX@192.168.1.10
Max-Forwards: 70
Date: Thu, 01 Jan 2026 10:00:00 GMT
CSeq: {C} REGISTER
User-Agent: Cisco-CP8861/14.2.1
Contact: <sip:CONTACT@VIA;transport=tls>;+sip.instance="<urn:uuid:00000000-0000-0000-0000-INDEX>";+u.sip!devicename.ccm.cisco.com="SEPINDEX";+u.sip!model.ccm.cisco.com="683"
Supported: replaces,join,sdp-anat,norefersub,resource-priority,extended-refer,X-cisco-callinfo,X-cisco-serviceuri,X-cisco-escapecodes,X-cisco-service-control,X-cisco-srtp-fallback,X-cisco-monrec,X-cisco-config,X-cisco-sis-9.0.0,X-cisco-xsi-8.5.1
Reason: SIP;cause=200;text="cisco-alarm:25 Name=SEPINDEX ActiveLoad=sip8861.14-2-1 InactiveLoad=sip8861.14-0-1 Last=initialized"
Authorization: {A}
Expires: 3600
Content-Length: 0

`

const inviteText = `INVITE sip:2001@example.com;user=phone SIP/2.0
Via: SIP/2.0/TLS VIA;branch=z9hG4bK{N}
From: "User INDEX" <sip:USER@example.com>;tag=00562b043615{N}
To: <sip:2001@example.com;user=phone>
Call-ID: 00562b04-{N}@192.168.1.10
Max-Forwards: 70
Date: Thu, 01 Jan 2026 10:00:00 GMT
CSeq: 101 INVITE
User-Agent: Cisco-CP8861/14.2.1
Contact: <sip:CONTACT@VIA;transport=tls>;+u.sip!devicename.ccm.cisco.com="SEPINDEX"
Expires: 180
Accept: application/sdp
Allow: ACK,BYE,CANCEL,INVITE,NOTIFY,OPTIONS,REFER,REGISTER,UPDATE,SUBSCRIBE,INFO
Supported: replaces,join,sdp-anat,norefersub,resource-priority,extended-refer,X-cisco-callinfo,X-cisco-serviceuri,X-cisco-escapecodes,X-cisco-service-control,X-cisco-srtp-fallback,X-cisco-monrec,X-cisco-config,X-cisco-sis-9.0.0,X-cisco-xsi-8.5.1
Allow-Events: kpml,dialog
Call-Info: <urn:x-cisco-remotecc:callinfo>; security= NotAuthenticated; orientation= to; gci= 1-1234; isVoip; call-instance= 1
Content-Type: TYPE
Content-Disposition: session;handling=optional
Content-Length: LENGTH

`

const ackText = `ACK sip:{T} SIP/2.0
Via: SIP/2.0/TLS VIA;branch=z9hG4bKa{N}
From: "User INDEX" <sip:USER@example.com>;tag=00562b043615{N}
To: <sip:2001@example.com;user=phone>;tag=far
Call-ID: 00562b04-{N}@192.168.1.10
{R}Max-Forwards: 70
Date: Thu, 01 Jan 2026 10:00:00 GMT
CSeq: 101 ACK
User-Agent: Cisco-CP8861/14.2.1
Content-Length: 0

`

const byeText = `BYE sip:{T} SIP/2.0
Via: SIP/2.0/TLS VIA;branch=z9hG4bKb{N}
From: "User INDEX" <sip:USER@example.com>;tag=00562b043615{N}
To: <sip:2001@example.com;user=phone>;tag=far
Call-ID: 00562b04-{N}@192.168.1.10
{R}Max-Forwards: 70
Date: Thu, 01 Jan 2026 10:00:00 GMT
CSeq: 102 BYE
User-Agent: Cisco-CP8861/14.2.1
Reason: Q.850;cause=16
RTP-RxStat: Dur=10,Pkt=500,Oct=86000,LatePkt=0,LostPkt=0,AvgJit=0,VQMetrics="CCR=0.0000"
Content-Length: 0

`

// offerSDP is what a phone offers: audio with SRTP keys.
const offerSDP = `v=0
o=Cisco-SIPUA 12345 0 IN IP4 192.168.1.10
s=SIP Call
b=AS:4064
t=0 0
m=audio 24586 RTP/SAVP 114 9 124 0 8 116 18 101
c=IN IP4 192.168.1.10
b=TIAS:64000
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj
a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj
a=crypto:3 AEAD_AES_128_GCM inline:MTIzNDU2Nzg5MGFiY2RlZjEyMzQ1Njc4OTBhYg==
a=rtpmap:114 opus/48000/2
a=fmtp:114 maxplaybackrate=16000;sprop-maxcapturerate=16000;maxaveragebitrate=64000;stereo=0;sprop-stereo=0;usedtx=0
a=rtpmap:9 G722/8000
a=rtpmap:124 ISAC/16000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:116 iLBC/8000
a=fmtp:116 mode=20
a=rtpmap:18 G729/8000
a=fmtp:18 annexb=yes
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=sendrecv
`

// answerSDP is what the far end takes of it.
var answerSDP = crlf(`v=0
o=CiscoSystemsCCM-SIP 2345 1 IN IP4 127.20.1.2
s=SIP Call
c=IN IP4 127.20.1.2
t=0 0
m=audio 30000 RTP/SAVP 0 101
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=sendrecv
`)

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// texts are one client's messages, all but what changes with each.
type texts struct{ register, call, mediaCall, ack, bye template }

func textsFor(n int, via string) texts {
	index := fmt.Sprintf("%012d", n)
	own := strings.NewReplacer("USER", userOf(n), "VIA", via, "INDEX", index, "CONTACT", "2c8e0f24-"+index)
	invite := func(kind, body string) template {
		t := strings.NewReplacer("TYPE", kind, "LENGTH", fmt.Sprint(len(body))).Replace(own.Replace(crlf(inviteText)))
		return newTemplate(t + body)
	}
	sdp := crlf(offerSDP)
	return texts{
		register:  newTemplate(own.Replace(crlf(registerText))),
		call:      invite("application/octet-stream", sdp),
		mediaCall: invite("application/sdp", sdp),
		ack:       newTemplate(own.Replace(crlf(ackText))),
		bye:       newTemplate(own.Replace(crlf(byeText))),
	}
}

func userOf(n int) string { return fmt.Sprintf("user%05d", n) }

// template is a text cut at its marks.
type template struct {
	parts [][]byte
	marks []byte // N number, C sequence, T target, R routes, A credentials
}

func newTemplate(s string) template {
	var t template
	for {
		i := strings.IndexByte(s, '{')
		if i < 0 {
			t.parts = append(t.parts, []byte(s))
			return t
		}
		t.parts = append(t.parts, []byte(s[:i]))
		t.marks = append(t.marks, s[i+1])
		s = s[i+3:]
	}
}

// fill appends the text with its marks filled in.
func (t template) fill(dst []byte, fill func(dst []byte, mark byte) []byte) []byte {
	for i, p := range t.parts {
		dst = append(dst, p...)
		if i < len(t.marks) {
			dst = fill(dst, t.marks[i])
		}
	}
	return dst
}

// field is the value of a header's first row in a response, nil if it is not
// there.
func field(b []byte, name string) []byte {
	i := bytes.Index(b, []byte("\r\n"+name+": "))
	if i < 0 {
		return nil
	}
	b = b[i+len(name)+4:]
	return b[:bytes.IndexByte(b, '\r')]
}

// fields are all values of a header, row by row.
func fields(b []byte, name string) (all [][]byte) {
	for {
		i := bytes.Index(b, []byte("\r\n"+name+": "))
		if i < 0 {
			return all
		}
		v := b[i+len(name)+4:]
		n := bytes.IndexByte(v, '\r')
		all, b = append(all, v[:n]), v[n:]
	}
}

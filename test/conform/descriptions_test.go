package conform_test

import (
	"fmt"
	"strings"

	"sallyport/test/lab"
)

const (
	fallback   = "X-cisco-srtp-fallback"
	cryptoLine = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5"
	sdpHead    = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
	sdpAudio   = "m=audio 4000 RTP/SAVP 0 101\r\n" + cryptoLine + "\r\na=rtpmap:101 telephone-event/8000\r\n"
)

// descriptions are what a session description may hold, beyond a line of audio.
func descriptions() []scenario {
	return []scenario{
		{"offer-without-keys-fallback", "4568 5", "an offer of plain RTP is refused though phone and registrar agreed on X-cisco-srtp-fallback", func(p *play) {
			p.register(func(m *lab.Message) { m.Set("Supported", "path, outbound, "+fallback) })
			p.send(describe(p.request("INVITE", p.to("bob")), sdpHead+"m=audio 4000 RTP/AVP 0\r\n"))
			p.atPhone(488)
			p.quiet()
		}},
		{"keys-lost-in-a-call", "4568 5", "a re-INVITE of the phone without keys is refused, and the call goes on", func(p *play) {
			d := dialAbout(p, sdpHead+sdpAudio)
			m := p.send(describe(d.fromPhone("INVITE"), sdpHead+"m=audio 4000 RTP/AVP 0\r\n"))
			p.send(ackOf(m, p.atPhone(488)))
			d.toFar("BYE")
		}},
		{"offer-video-and-sharing", "3264 5", "audio, two videos, BFCP and an unknown line pass in their order, each attribute kept", func(p *play) {
			h := offered(p, sdpHead+sdpAudio+
				"m=video 4002 RTP/SAVP 97\r\n"+cryptoLine+"\r\nb=TIAS:2000000\r\na=content:main\r\na=rtcp-fb:* nack pli\r\n"+
				"m=video 4004 RTP/SAVP 97\r\n"+cryptoLine+"\r\na=content:slides\r\na=label:7\r\n"+
				"m=application 4006 UDP/BFCP *\r\na=floorctrl:c-s\r\na=confid:1\r\na=setup:actpass\r\n"+
				"m=hologram 9 QUIC/Q 1\r\na=depth:3\r\n")
			p.same("lines", kinds(h), "audio video video application hologram")
			for _, kept := range []string{"b=TIAS:2000000", "a=content:main", "a=rtcp-fb:* nack pli", "a=content:slides", "a=label:7", "a=floorctrl:c-s", "a=confid:1", "a=depth:3"} {
				p.has("the offer inside", string(h.Body), kept+"\r\n")
			}
			p.lacks("the offer inside", string(h.Body), "192.0.2.9")
			p.refuse(h)
		}},
		{"offer-encrypted-ix", "3264 5", "a line of encrypted RTP that is no medium known here passes, or is switched off in place", func(p *play) {
			h := offered(p, sdpHead+sdpAudio+"m=application 4008 UDP/UDT/IX *\r\na=ixmap:0 ping\r\na=ixmap:2 xccp\r\n")
			p.same("lines", kinds(h), "audio application")
			p.has("the offer inside", string(h.Body), "a=ixmap:2 xccp\r\n")
			p.refuse(h)
		}},
		{"fax-in-a-call", "3264 8", "a re-INVITE from audio to T.38 and back", func(p *play) {
			d := dialAbout(p, sdpHead+sdpAudio)
			for _, body := range []string{
				"m=audio 0 RTP/SAVP 0\r\nm=image 4010 udptl t38\r\na=T38FaxVersion:0\r\na=T38FaxRateManagement:transferredTCF\r\n",
				strings.Replace(sdpAudio, "4000", "4012", 1) + "m=image 0 udptl t38\r\n",
			} {
				p.send(describe(d.fromPhone("INVITE"), strings.Replace(sdpHead, "- 1 1", "- 1 2", 1)+body))
				h := p.atFar("INVITE")
				p.same("lines", kinds(h), "audio image")
				p.has("the far end", string(h.Body), "m=image ")
				p.answerBody(h, answerTo(h))
				p.has("the phone", string(p.atPhone(200).Body), "udptl t38")
				ack := d.fromPhone("ACK")
				d.phoneSeq--
				ack.Set("CSeq", fmt.Sprint(d.phoneSeq, " ACK"))
				p.send(ack)
				p.atFar("ACK")
			}
			d.toFar("BYE")
		}},
		{"codec-changed-in-a-call", "3264 8.3.2", "a re-INVITE of the far end with other codecs", func(p *play) {
			d := dialAbout(p, sdpHead+sdpAudio)
			m := describe(d.fromFar("INVITE"), "v=0\r\no=- 1 2 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\nm=audio 5000 RTP/AVP 114 101\r\na=rtpmap:114 opus/48000/2\r\na=fmtp:114 maxplaybackrate=16000\r\na=rtpmap:101 telephone-event/8000\r\n")
			p.sendOn(p.rig.out, m)
			got := p.atPhone("INVITE")
			for _, kept := range []string{"RTP/SAVP 114 101\r\n", "a=rtpmap:114 opus/48000/2\r\n", "a=fmtp:114 maxplaybackrate=16000\r\n", "a=crypto:"} {
				p.has("the phone's offer", string(got.Body), kept)
			}
			p.lacks("the phone's offer", string(got.Body), "127.0.0.9")
			p.reply(got, 488, "Not Acceptable Here")
			p.atPhone("ACK")
			p.sendOn(p.rig.out, ackOf(m, p.atFarPast(488, "100").Message))
			d.toFar("BYE")
		}},
		{"offer-very-long", "3264 5", "an offer of 12 kB with three hundred attributes", func(p *play) {
			var more strings.Builder
			for i := range 300 {
				fmt.Fprintf(&more, "a=fmtp:%d x-what-nobody-knows=%030d\r\n", i%128, i)
			}
			h := offered(p, sdpHead+sdpAudio+more.String())
			p.has("the offer inside", string(h.Body), more.String())
			p.refuse(h)
		}},
		{"offer-in-the-ack", "3264 5", "no offer in the INVITE: the far end's offer gets keys, the phone answers in its ACK", func(p *play) {
			p.register()
			m := p.send(p.request("INVITE", p.to("bob")))
			h := p.atFar("INVITE")
			p.answerBody(h, "v=0\r\no=- 1 1 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n")
			r := p.atPhone(200)
			p.has("the phone's offer", string(r.Body), "a=crypto:")
			d := newDialog(p, h, m, r)
			ack := d.fromPhone("ACK")
			ack.Set("CSeq", "1 ACK")
			p.send(describe(ack, sdpHead+"m=audio 4000 RTP/SAVP 0\r\n"+keyOf(r)))
			p.has("the far end's answer", string(p.atFar("ACK").Body), "m=audio ")
			d.phoneSeq = 1
			d.toFar("BYE")
		}},
		{"gruu-as-contact", "5627 4.4", "a phone whose Contact is its GRUU is called by that, along its route", func(p *play) {
			p.register()
			gruu := "sip:" + p.user + "@" + p.domain + ";gr=urn:uuid:f81d4fae"
			m := p.request("INVITE", p.to("bob"))
			m.Set("Contact", "<"+gruu+">")
			p.send(m)
			h := p.atFar("INVITE")
			p.has("the far end", h.Get("Contact"), ";gr=urn:uuid:f81d4fae")
			p.answer(h, 200, "OK")
			d := newDialog(p, h, m, p.atPhone(200))
			ack := d.fromPhone("ACK")
			ack.Set("CSeq", "1 ACK")
			p.send(ack)
			p.atFar("ACK")
			p.same("Request-URI at the phone", d.toPhone("BYE").URI(), gruu)
		}},
		{"redirect-to-another", "3261 8.1.3.4", "nobody follows a 302 on the phone's behalf, and where it leads the phone may call", func(p *play) {
			p.register()
			p.send(p.request("INVITE", p.to("bob")))
			p.answer(p.atFar("INVITE"), 302, "Moved Temporarily", "Contact", "<sip:carol@"+p.domain+">;q=0.8", "Diversion", "<sip:bob@"+p.domain+">;reason=unconditional")
			p.atFar("ACK")
			r := p.atPhone(302)
			p.quiet()
			p.send(p.request("INVITE", uriOf(r.Get("Contact"))))
			h := p.atFar("INVITE")
			p.same("Request-URI at the far end", h.URI(), "sip:carol@"+p.domain)
			p.refuse(h)
		}},
	}
}

// describe gives a request a description.
func describe(m *lab.Message, body string) *lab.Message {
	m.Add("Content-Type", "application/sdp")
	m.Body = []byte(body)
	return m
}

// offered is what the far end gets of a phone's offer.
func offered(p *play, body string) heard {
	p.Helper()
	p.register()
	p.send(describe(p.request("INVITE", p.to("bob")), body))
	return p.atFar("INVITE")
}

// dialAbout is a call that was offered a description.
func dialAbout(p *play, body string) *dialog {
	p.Helper()
	p.register()
	m := p.send(describe(p.request("INVITE", p.to("bob")), body))
	h := p.atFar("INVITE")
	p.answerBody(h, answerTo(h))
	d := newDialog(p, h, m, p.atPhone(200))
	ack := d.fromPhone("ACK")
	ack.Set("CSeq", "1 ACK")
	p.send(ack)
	p.atFar("ACK")
	d.phoneSeq = 1
	return d
}

// answerTo takes each line of an offer as it is, without keys.
func answerTo(h heard) string {
	b := "v=0\r\no=- 9 9 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\n"
	for line := range strings.Lines(string(h.Body)) {
		if f := strings.Fields(line); strings.HasPrefix(line, "m=") {
			if f[1] != "0" {
				f[1] = "5000"
			}
			b += strings.Join(f, " ") + "\r\n"
		}
	}
	return b
}

func (p *play) answerBody(h heard, body string) {
	p.Helper()
	r := describe(h.Reply(200, "OK", "z"+p.id), body)
	for _, f := range h.Fields {
		if f.Name == "Record-Route" {
			r.Add(f.Name, f.Value)
		}
	}
	r.Add("Contact", fmt.Sprintf("<sip:callee@%s;transport=tcp>", p.rig.far.addr))
	if err := h.back(r.Bytes()); err != nil {
		p.Fatal(err)
	}
}

// kinds are the media of a description's lines.
func kinds(h heard) string {
	var all []string
	for line := range strings.Lines(string(h.Body)) {
		if rest, ok := strings.CutPrefix(line, "m="); ok {
			all = append(all, strings.Fields(rest)[0])
		}
	}
	return strings.Join(all, " ")
}

// keyOf is the phone's own key for the first suite that it was offered.
func keyOf(offer *lab.Message) string {
	_, rest, _ := strings.Cut(string(offer.Body), "a=crypto:")
	f := strings.Fields(rest)
	lengths := map[string]string{"AEAD_AES_256_GCM": strings.Repeat("QUFB", 14) + "QUE=", "AEAD_AES_128_GCM": strings.Repeat("QUFB", 9) + "QQ=="}
	key, gcm := lengths[f[1]]
	if !gcm {
		key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5"
	}
	return "a=crypto:" + f[0] + " " + f[1] + " inline:" + key + "\r\n"
}

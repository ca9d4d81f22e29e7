package core

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"sallyport/appliance/media"
	"sallyport/appliance/rtp"
	"sallyport/appliance/sdp"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// recordOffer is what core offers a recorder: two labelled lines that it only
// sends on (RFC 7866 7.1), with keys of its own if the recorder is reached by TLS.
type recordOffer struct {
	ports   [2]netip.AddrPort // near end, far end
	formats []string
	codecs  []string
	secure  bool
	keys    [2]map[sdp.Suite][]byte
}

// labels of the two lines: the remote user is the near end.
func labels() [2]string { return [2]string{"1", "2"} }

// recordable reports whether a line is audio that core can read.
func (l mediaLine) recordable() bool {
	return l.On() && l.Class == sdp.RTP && l.M.Type == "audio"
}

func newRecordOffer(f *media.Fork, l mediaLine, secure bool, rand io.Reader) (recordOffer, error) {
	o := recordOffer{formats: l.M.Formats, codecs: l.codecs, secure: secure}
	o.ports[0], o.ports[1] = f.Local()
	for i := range o.keys {
		o.keys[i] = map[sdp.Suite][]byte{}
		for _, s := range sdp.Suites() {
			key, salt := s.Lengths()
			o.keys[i][s] = make([]byte, key+salt)
			if _, err := io.ReadFull(rand, o.keys[i][s]); err != nil {
				return o, fmt.Errorf("media key: %w", err)
			}
		}
	}
	return o, nil
}

// sdp writes the offer.
func (o recordOffer) sdp() string {
	var b strings.Builder
	at := o.ports[0].Addr()
	family := "IP4"
	if at.Is6() {
		family = "IP6"
	}
	fmt.Fprintf(&b, "v=0\r\no=- 1 1 IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n", family, at, family, at)
	for i, label := range labels() {
		proto := "RTP/AVP"
		if o.secure {
			proto = "RTP/SAVP"
		}
		fmt.Fprintf(&b, "m=audio %d %s %s\r\n", o.ports[i].Port(), proto, strings.Join(o.formats, " "))
		for _, c := range o.codecs {
			b.WriteString("a=" + c + "\r\n")
		}
		for n, s := range sdp.Suites() {
			if o.secure {
				b.WriteString("a=crypto:" + sdp.Crypto{Tag: n + 1, Suite: s, Keys: []sdp.Key{{Master: o.keys[i][s]}}}.Line() + "\r\n")
			}
		}
		b.WriteString("a=label:" + label + "\r\na=sendonly\r\n")
	}
	return b.String()
}

// body is the offer and the metadata in one (RFC 7866 9.1).
func (o recordOffer) body(call signaling.Call, id string) (contentType string, body []byte) {
	boundary := "recording-" + id
	var b bytes.Buffer
	fmt.Fprintf(&b, "--%s\r\nContent-Type: application/sdp\r\n\r\n%s\r\n", boundary, o.sdp())
	fmt.Fprintf(&b, "--%s\r\nContent-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session\r\n\r\n%s\r\n", boundary, metadata(call, id))
	fmt.Fprintf(&b, "--%s--\r\n", boundary)
	return `multipart/mixed;boundary="` + boundary + `"`, b.Bytes()
}

// metadata tells who speaks on which line (RFC 7865).
func metadata(call signaling.Call, id string) string {
	near, far := call.To, call.From
	if call.Direction == "inward" {
		near, far = far, near
	}
	ids := func(what string) string {
		return base64.StdEncoding.EncodeToString([]byte((what + id)[:min(16, len(what)+len(id))]))
	}
	since := call.Since.UTC().Format(time.RFC3339)
	session, people, streams := ids("call"), [2]string{ids("near"), ids("far")}, [2]string{ids("say"), ids("hear")}
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\r\n" + `<recording xmlns="urn:ietf:params:xml:ns:recording:1">` + "\r\n<datamode>complete</datamode>\r\n")
	fmt.Fprintf(&b, "<session session_id=%q><start-time>%s</start-time></session>\r\n", session, since)
	for i, aor := range [2]string{near, far} {
		fmt.Fprintf(&b, "<participant participant_id=%q><nameID aor=\"%s\"/></participant>\r\n", people[i], escape("sip:"+aor))
	}
	for i, label := range labels() {
		fmt.Fprintf(&b, "<stream stream_id=%q session_id=%q><label>%s</label></stream>\r\n", streams[i], session, label)
	}
	for i := range people {
		fmt.Fprintf(&b, "<participantsessionassoc participant_id=%q session_id=%q><associate-time>%s</associate-time></participantsessionassoc>\r\n", people[i], session, since)
		fmt.Fprintf(&b, "<participantstreamassoc participant_id=%q><send>%s</send><recv>%s</recv></participantstreamassoc>\r\n", people[i], streams[i], streams[1-i])
	}
	b.WriteString("</recording>\r\n")
	return b.String()
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

// answered reads where the recorder takes each side.
func (o recordOffer) answered(resp *sip.Message) (near, far media.ForkTo, err error) {
	body, err := sdp.Parse(resp.Body())
	if err != nil {
		return near, far, fmt.Errorf("the recorder's answer cannot be read: %w", err)
	}
	if len(body.Media) != 2 {
		return near, far, fmt.Errorf("the recorder answers %d lines of 2", len(body.Media))
	}
	to := [2]*media.ForkTo{&near, &far}
	for i, s := range body.Media {
		l := media.ReadLine(body, i)
		if !l.On() || l.Class != sdp.RTP || sdp.IsSecure(l.M.Proto) != o.secure {
			return near, far, fmt.Errorf("the recorder does not take line %d as it was offered", i+1)
		}
		to[i].Addr = l.At[0]
		if !o.secure {
			continue
		}
		chosen := s.Crypto()
		if len(chosen) != 1 || o.keys[i][chosen[0].Suite] == nil {
			return near, far, fmt.Errorf("the recorder answers line %d without a suite that was offered", i+1)
		}
		to[i].Keys = rtp.Keys{Suite: string(chosen[0].Suite), Keys: []rtp.Key{{Master: o.keys[i][chosen[0].Suite]}}}
	}
	return near, far, nil
}

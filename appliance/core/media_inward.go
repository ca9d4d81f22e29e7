package core

import (
	"sallyport/appliance/call"
	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// mediaLine is what core remembers of one m-line: the keys it carries too.
type mediaLine struct {
	media.Line
	crypto  sdp.Crypto   // the first crypto line that we can take part in; no keys = none
	keys    []sdp.Crypto // all of those
	through bool         // we passed them on as they are
	offered bool         // we passed it on with our own keys in it
	channel media.Channel
	codecs  []string // a=rtpmap and a=fmtp of RTP audio, for who records it
}

// keyed reports whether the line can be SRTP.
func (l mediaLine) keyed() bool { return len(l.crypto.Keys) > 0 }

// readLines reads every m-line; what cannot be relayed is switched off.
func readLines(b *sdp.Body) ([]mediaLine, error) {
	lines := make([]mediaLine, len(b.Media))
	for i, s := range b.Media {
		l := mediaLine{Line: media.ReadLine(b, i)}
		if l.M.Port != 0 && l.Conn.Missing {
			return nil, &media.Refused{Status: 400, Reason: "Bad session description: no c= line"}
		}
		if !l.On() && !l.Foreign() {
			l.M.Port = 0
		}
		for _, c := range s.Crypto() {
			if c.Usable() && l.Class == sdp.RTP {
				l.keys = append(l.keys, c)
			}
		}
		if len(l.keys) > 0 {
			l.crypto = l.keys[0]
		}
		if l.On() && l.M.Type == "audio" {
			l.codecs = codecsOf(s)
		}
		lines[i] = l
	}
	return lines, nil
}

// maxCodecs is far above what phones offer.
const maxCodecs = 32

// codecsOf keeps how a section spells its formats.
func codecsOf(s *sdp.Section) (all []string) {
	for _, name := range [...]string{"rtpmap", "fmtp"} {
		for _, v := range s.Attrs(name) {
			if len(all) < maxCodecs {
				all = append(all, name+":"+v)
			}
		}
	}
	return all
}

// Inward takes a client's description as edge passed it on: SRTP ends here,
// and the inside gets RTP or SRTP of our own keys.
func (c *mediaCall) Inward(kind media.Kind, b *sdp.Body) error {
	if c.noGCM(media.ClientSide) {
		b.StripGCM()
	}
	lines, err := c.readClient(b)
	if err != nil {
		return err
	}
	if err := c.Check(media.ClientSide, kind, lines); err != nil {
		return err
	}
	c.passInward(kind, b, lines)
	opened, err := c.openStreams(lines, c.insideV6)
	if err != nil {
		return err
	}
	if err := c.toInside(kind, b, lines); err != nil {
		c.Close(opened)
		return err
	}
	return c.Take(media.ClientSide, kind, lines, opened, c.set)
}

// readClient reads the lines with their channels, and wants keys where a
// stream is SRTP on the client's side, as all RTP is unless fall-back was agreed.
func (c *mediaCall) readClient(b *sdp.Body) ([]mediaLine, error) {
	lines, err := readLines(b)
	if err != nil {
		return nil, err
	}
	bare, keyed := false, false
	for i, s := range b.Media {
		l := &lines[i]
		if v, ok := s.Attr(media.Attribute); ok {
			if l.channel, err = media.ParseChannel(v); err != nil {
				return nil, &media.Refused{Status: 500, Reason: "Media: " + err.Error()}
			}
		}
		unkeyed := l.On() && l.Class == sdp.RTP && !l.keyed()
		bare, keyed = bare || unkeyed, keyed || l.On() && !unkeyed
		if unkeyed {
			l.M.Port = 0
		}
	}
	b.RemoveAttr(media.Attribute)
	if bare && !keyed {
		return nil, &media.Refused{Status: 488, Reason: "Media from outside needs SRTP with a suite that core speaks"}
	}
	return lines, nil
}

// toInside rewrites a client's description for the UC side.
func (c *mediaCall) toInside(kind media.Kind, b *sdp.Body, lines []mediaLine) error {
	usual := c.cfg.Relay.Plan().Inner.Pick(c.insideV6(mediaLine{}))
	pass := make([]media.Pass, len(lines))
	for i := range lines {
		st := c.Streams[i]
		if st == nil || !lines[i].On() {
			c.answerOff(kind, media.ClientSide, b.Media[i], i)
			continue
		}
		rtp, rtcp := st.Local()
		pass[i] = media.Pass{On: true, Addr: rtp.Addr(), Port: int(rtp.Port()), RTCP: int(rtcp.Port())}
		if lines[i].Class != sdp.RTP {
			continue
		}
		var err error
		if kind == media.Offer {
			err = c.offerInside(b.Media[i], i, &lines[i])
		} else {
			err = c.answerInside(b.Media[i], i, &lines[i])
		}
		if err != nil {
			return err
		}
	}
	media.Readdress(b, call.Plain(lines), pass, usual, c.Began)
	return nil
}

// offerInside offers RTP, SRTP, or RTP with keys in it, as the policy says.
func (c *mediaCall) offerInside(s *sdp.Section, i int, l *mediaLine) error {
	secure := c.Policy.Inside == media.On || c.Policy.Inside == media.Auto && c.Policy.InsideTLS
	l.offered = secure || c.Policy.Inside == media.BestEffort
	s.SetProto(sdp.Plain(l.M.Proto))
	if secure {
		s.SetProto(sdp.Secure(sdp.Plain(l.M.Proto)))
	}
	switch {
	case !l.offered:
		s.Remove("crypto")
		return nil
	case l.through:
		passKeys(s, l.keys)
		return nil
	}
	return c.offerKeys(s, i, media.UCSide)
}

// answerInside answers the inside's offer in its own transport, with keys if it had some.
func (c *mediaCall) answerInside(s *sdp.Section, i int, answer *mediaLine) error {
	offer, _ := c.Exchange.Offered(media.ClientSide)
	l := call.At(offer, i)
	s.SetProto(l.M.Proto)
	switch {
	case !c.insideSecure(l, media.UCSide):
		s.Remove("crypto")
		return nil
	case l.through && answer.keyed():
		return passAnswer(s, l, answer)
	}
	return c.answerKeys(s, i, media.UCSide, l.crypto)
}

// answerOff gives a refused line the transport of its offer, because some
// phones compare even there.
func (c *mediaCall) answerOff(kind media.Kind, from media.Side, s *sdp.Section, i int) {
	offer, _ := c.Exchange.Offered(from)
	if l := call.At(offer, i); kind == media.Answer && l.Class == sdp.RTP && s.M().Class() == sdp.RTP {
		s.SetProto(l.M.Proto)
	}
}

package core

import (
	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// mediaLine is what core remembers of one m-line: the keys it carries too.
type mediaLine struct {
	media.Line
	crypto  sdp.Crypto // the first crypto line that we can take part in; no keys = none
	offered bool       // we passed it on with our own keys in it
	channel media.Channel
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
			if c.Usable() && !l.keyed() && l.Class == sdp.RTP {
				l.crypto = c
			}
		}
		lines[i] = l
	}
	return lines, nil
}

// inward takes a client's description as edge passed it on: SRTP ends here,
// and the inside gets RTP or SRTP of our own keys.
func (c *mediaCall) inward(cfg *MediaConfig, kind media.Kind, b *sdp.Body) error {
	lines, err := c.readClient(b)
	if err != nil {
		return err
	}
	if err := c.check(media.ClientSide, kind, lines); err != nil {
		return err
	}
	opened, err := c.open(cfg, lines, c.insideV6)
	if err != nil {
		return err
	}
	if err := c.toInside(cfg, kind, b, lines); err != nil {
		c.close(opened)
		return err
	}
	return c.take(media.ClientSide, kind, lines, opened)
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
		unkeyed := l.On() && l.Class == sdp.RTP && !l.keyed() && !c.Policy.Fallback
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
func (c *mediaCall) toInside(cfg *MediaConfig, kind media.Kind, b *sdp.Body, lines []mediaLine) error {
	usual := cfg.Relay.Plan().Inner.Pick(c.insideV6(mediaLine{}))
	pass := make([]media.Pass, len(lines))
	for i := range lines {
		st := c.streams[i]
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
			err = c.offerInside(cfg, b.Media[i], i, &lines[i])
		} else {
			err = c.answerInside(cfg, b.Media[i], i)
		}
		if err != nil {
			return err
		}
	}
	media.Readdress(b, plainLines(lines), pass, usual, c.began)
	return nil
}

// offerInside offers RTP, SRTP, or RTP with keys in it, as the policy says.
func (c *mediaCall) offerInside(cfg *MediaConfig, s *sdp.Section, i int, l *mediaLine) error {
	secure := c.Policy.Inside == media.On || c.Policy.Inside == media.Auto && c.Policy.InsideTLS
	l.offered = secure || c.Policy.Inside == media.BestEffort
	s.SetProto(sdp.Plain(l.M.Proto))
	if secure {
		s.SetProto(sdp.Secure(sdp.Plain(l.M.Proto)))
	}
	if !l.offered {
		s.Remove("crypto")
		return nil
	}
	return c.offerKeys(cfg, s, i, media.UCSide)
}

// answerInside answers the inside's offer in its own transport, with keys if it had some.
func (c *mediaCall) answerInside(cfg *MediaConfig, s *sdp.Section, i int) error {
	offer, _ := c.exchange.Offered(media.ClientSide)
	l := lineAt(offer, i)
	s.SetProto(l.M.Proto)
	if !c.insideSecure(l, media.UCSide) {
		s.Remove("crypto")
		return nil
	}
	return c.answerKeys(cfg, s, i, media.UCSide, l.crypto)
}

// answerOff gives a refused line the transport of its offer, because some
// phones compare even there.
func (c *mediaCall) answerOff(kind media.Kind, from media.Side, s *sdp.Section, i int) {
	offer, _ := c.exchange.Offered(from)
	if l := lineAt(offer, i); kind == media.Answer && l.Class == sdp.RTP && s.M().Class() == sdp.RTP {
		s.SetProto(l.M.Proto)
	}
}

func lineAt(lines []mediaLine, i int) mediaLine {
	if i < len(lines) {
		return lines[i]
	}
	return mediaLine{}
}

func plainLines(lines []mediaLine) []media.Line {
	all := make([]media.Line, len(lines))
	for i, l := range lines {
		all[i] = l.Line
	}
	return all
}

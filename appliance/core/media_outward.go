package core

import (
	"sallyport/appliance/call"
	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// Outward takes the UC side's description: the client gets SRTP of our own
// keys, by the link.
func (c *mediaCall) Outward(kind media.Kind, b *sdp.Body) error {
	inside := b.Addresses()
	b.RemoveAttr(media.Attribute) // the inside has no say on the link
	b.StripPaths()
	if c.noGCM(media.UCSide) {
		b.StripGCM()
	}
	lines, err := readLines(b)
	if err != nil {
		return err
	}
	if err := c.readInside(kind, b, lines); err != nil {
		return err
	}
	if err := c.Check(media.UCSide, kind, lines); err != nil {
		return err
	}
	c.passOutward(kind, b, lines)
	opened, err := c.openStreams(lines, func(l mediaLine) bool { return l.Conn.Addr.Is6() })
	if err != nil {
		return err
	}
	own, err := c.toLink(kind, b, lines)
	if err != nil {
		c.Close(opened)
		return err
	}
	b.Scrub(media.Without(b.Hidden(inside), own))
	return c.Take(media.UCSide, kind, lines, opened, c.set)
}

// readInside holds the inside's lines against the policy of its hop.
func (c *mediaCall) readInside(kind media.Kind, b *sdp.Body, lines []mediaLine) error {
	media.StripKeying(b, call.Plain(lines))
	for _, l := range lines {
		if !l.On() || l.Class != sdp.RTP || l.keyed() {
			continue
		}
		switch {
		case sdp.IsSecure(l.M.Proto):
			return &media.Refused{Status: 488, Reason: "The inside's " + kind.String() + " is SRTP without a suite that core speaks"}
		case c.Policy.Inside == media.On:
			return &media.Refused{Status: 488, Reason: "The inside's " + kind.String() + " is RTP, but its zone demands SRTP"}
		}
	}
	return nil
}

// toLink rewrites the UC side's description for edge and reports the
// addresses that it names.
func (c *mediaCall) toLink(kind media.Kind, b *sdp.Body, lines []mediaLine) ([]media.Pass, error) {
	usual := c.cfg.Relay.Plan().Inner.Pick(false)
	pass := make([]media.Pass, len(lines))
	for i, l := range lines {
		st := c.Streams[i]
		if st == nil || !l.On() {
			c.answerOff(kind, media.UCSide, b.Media[i], i)
			continue
		}
		rtp, rtcp := st.LinkLocal()
		pass[i] = media.Pass{On: true, Addr: rtp.Addr(), Port: int(rtp.Port()), RTCP: int(rtcp.Port())}
		b.Media[i].Set(media.Attribute, st.Channel().Value())
		if l.Class != sdp.RTP {
			continue
		}
		var err error
		if kind == media.Offer {
			lines[i].offered = true
			b.Media[i].SetProto(sdp.Secure(l.M.Proto))
			if l.through {
				passKeys(b.Media[i], l.keys)
			} else {
				err = c.offerKeys(b.Media[i], i, media.ClientSide)
			}
		} else {
			err = c.answerClient(b.Media[i], i, &lines[i])
		}
		if err != nil {
			return nil, err
		}
	}
	media.Readdress(b, call.Plain(lines), pass, usual, c.Began)
	return append(pass, media.Pass{Addr: usual}), nil
}

// answerClient answers the client's offer in its own transport, by the suite
// that it put first among those that we speak.
func (c *mediaCall) answerClient(s *sdp.Section, i int, answer *mediaLine) error {
	offer, _ := c.Exchange.Offered(media.UCSide)
	l := call.At(offer, i)
	s.SetProto(l.M.Proto)
	switch {
	case !l.keyed():
		s.Remove("crypto") // fall-back was agreed, else the offer had been refused
		return nil
	case l.through && answer.keyed():
		return passAnswer(s, l, answer)
	}
	return c.answerKeys(s, i, media.ClientSide, l.crypto)
}

package core

import (
	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// outward takes the UC side's description: the client gets SRTP of our own
// keys, by the link.
func (c *mediaCall) outward(cfg *MediaConfig, kind media.Kind, b *sdp.Body) error {
	inside := b.Addresses()
	b.RemoveAttr(media.Attribute) // the inside has no say on the link
	b.StripPaths()
	lines, err := readLines(b)
	if err != nil {
		return err
	}
	if err := c.readInside(kind, b, lines); err != nil {
		return err
	}
	if err := c.check(media.UCSide, kind, lines); err != nil {
		return err
	}
	opened, err := c.open(cfg, lines, func(l mediaLine) bool { return l.Conn.Addr.Is6() })
	if err != nil {
		return err
	}
	own, err := c.toLink(cfg, kind, b, lines)
	if err != nil {
		c.close(opened)
		return err
	}
	b.Scrub(media.Without(inside, own))
	return c.take(media.UCSide, kind, lines, opened)
}

// readInside holds the inside's lines against the policy of its hop.
func (c *mediaCall) readInside(kind media.Kind, b *sdp.Body, lines []mediaLine) error {
	media.StripKeying(b, plainLines(lines))
	for _, l := range lines {
		if !l.On() || l.Class != sdp.RTP || l.keyed() {
			continue
		}
		switch {
		case sdp.IsSecure(l.M.Proto):
			return &media.Refused{Status: 488, Reason: "The inside's " + kind.String() + " is SRTP without a suite that core speaks"}
		case c.Policy.Inside == media.On && !c.Policy.Fallback:
			return &media.Refused{Status: 488, Reason: "The inside's " + kind.String() + " is RTP, but its zone demands SRTP"}
		}
	}
	return nil
}

// toLink rewrites the UC side's description for edge and reports the
// addresses that it names.
func (c *mediaCall) toLink(cfg *MediaConfig, kind media.Kind, b *sdp.Body, lines []mediaLine) ([]media.Pass, error) {
	usual := cfg.Relay.Plan().Inner.Pick(false)
	pass := make([]media.Pass, len(lines))
	for i, l := range lines {
		st := c.streams[i]
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
			err = c.offerKeys(cfg, b.Media[i], i, media.ClientSide)
		} else {
			err = c.answerClient(cfg, b.Media[i], i)
		}
		if err != nil {
			return nil, err
		}
	}
	media.Readdress(b, plainLines(lines), pass, usual, c.began)
	return append(pass, media.Pass{Addr: usual}), nil
}

// answerClient answers the client's offer in its own transport, by the suite
// that it put first among those that we speak.
func (c *mediaCall) answerClient(cfg *MediaConfig, s *sdp.Section, i int) error {
	offer, _ := c.exchange.Offered(media.UCSide)
	l := lineAt(offer, i)
	s.SetProto(l.M.Proto)
	if !l.keyed() {
		s.Remove("crypto") // fall-back was agreed, else the offer had been refused
		return nil
	}
	return c.answerKeys(cfg, s, i, media.ClientSide, l.crypto)
}

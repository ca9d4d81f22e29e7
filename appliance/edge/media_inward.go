package edge

import (
	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// inward takes a client's description: it wants keys of every RTP stream,
// remembers where the client says it is, and sends core to the link.
func (c *mediaCall) inward(r *media.Relay, kind media.Kind, b *sdp.Body) error {
	b.RemoveAttr(media.Attribute) // a client has no say on the link
	b.StripPaths()
	lines, err := c.readClient(kind, b)
	if err != nil {
		return err
	}
	if err := c.check(media.ClientSide, kind, lines); err != nil {
		return err
	}
	opened, err := c.open(lines, func(l media.Line) bool { return c.clientV6(l) })
	if err != nil {
		return err
	}
	if kind == media.Offer {
		c.exchange.Offer(media.ClientSide, lines)
	} else if !c.exchange.Answer(media.ClientSide, lines) {
		c.close(opened)
		return &media.Refused{Status: 488, Reason: "Answer without an offer"}
	}
	c.toLink(r, b, lines)
	c.settle(kind)
	return nil
}

// readClient reads the lines and switches off what cannot or may not pass.
func (c *mediaCall) readClient(kind media.Kind, b *sdp.Body) ([]media.Line, error) {
	lines := make([]media.Line, len(b.Media))
	bare, keyed := false, false
	for i := range b.Media {
		l := media.ReadLine(b, i)
		if l.M.Port != 0 && l.Conn.Missing {
			return nil, &media.Refused{Status: 400, Reason: "Bad session description: no c= line"}
		}
		unkeyed := l.M.Port != 0 && !l.Foreign() &&
			(l.Class == sdp.DTLS || l.Class == sdp.RTP && !l.Keyed && !c.Fallback)
		bare, keyed = bare || unkeyed, keyed || l.On() && !unkeyed
		if unkeyed || !l.On() && !l.Foreign() {
			l.M.Port = 0
		}
		lines[i] = l
	}
	media.StripKeying(b, lines)
	if bare && !keyed {
		return nil, &media.Refused{Status: 488, Reason: "Media from outside needs SRTP: the " + kind.String() + " has no a=crypto"}
	}
	return lines, nil
}

// clientV6 is the family that the client uses on a line.
func (c *mediaCall) clientV6(l media.Line) bool {
	switch {
	case l.Conn.Addr.IsValid() && !l.Conn.Held:
		return l.Conn.Addr.Is6()
	case c.Client.IsValid():
		return c.Client.Addr().Unmap().Is6()
	}
	return false
}

// check holds a description against what came before it.
func (c *mediaCall) check(from media.Side, kind media.Kind, lines []media.Line) error {
	var err error
	if kind == media.Answer {
		if offer, ok := c.exchange.Offered(from); ok {
			err = sdp.CheckAnswer(media.MLines(offer), media.MLines(lines))
		}
	} else if before, ok := c.exchange.Holds(from); ok && c.exchange.Settled() {
		err = sdp.CheckReoffer(media.MLines(before), media.MLines(lines))
	}
	if err != nil {
		return &media.Refused{Status: 488, Reason: err.Error()}
	}
	return nil
}

// open gives every relayed line its stream. If one cannot be had, those that
// were opened for this description are closed again.
func (c *mediaCall) open(lines []media.Line, v6 func(media.Line) bool) (opened []int, err error) {
	for i, l := range lines {
		if !l.On() || c.streams[i] != nil {
			continue
		}
		st, err := c.sess.OpenEdge(i, v6(l))
		if err != nil {
			c.close(opened)
			return nil, media.NoRoom(err)
		}
		c.streams[i] = st
		opened = append(opened, i)
	}
	return opened, nil
}

func (c *mediaCall) close(indexes []int) {
	for _, i := range indexes {
		if st := c.streams[i]; st != nil {
			st.Close()
			delete(c.streams, i)
		}
	}
}

// toLink rewrites a client's description for core.
func (c *mediaCall) toLink(r *media.Relay, b *sdp.Body, lines []media.Line) {
	plan := r.Plan()
	at := plan.Inner.Pick(false)
	pass := make([]media.Pass, len(lines))
	for i, l := range lines {
		if st := c.streams[i]; st != nil && l.On() {
			pass[i] = media.Pass{On: true, Addr: at, Port: plan.LinkRTP, RTCP: plan.LinkRTCP}
			b.Media[i].Set(media.Attribute, st.Channel().Value())
		}
	}
	media.Readdress(b, lines, pass, at, c.began)
}

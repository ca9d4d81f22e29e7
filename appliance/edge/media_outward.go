package edge

import (
	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// outward takes core's description: it adopts core's channels and tells the
// client edge's own ports. Keys pass through unread.
func (c *mediaCall) outward(r *media.Relay, kind media.Kind, b *sdp.Body) error {
	inside := b.Addresses()
	b.StripPaths()
	lines, channels := readCore(b)
	b.RemoveAttr(media.Attribute)
	if err := c.check(media.UCSide, kind, lines); err != nil {
		return err
	}
	opened, err := c.open(lines, func(media.Line) bool { return c.usualV6() })
	if err != nil {
		return err
	}
	if kind == media.Offer {
		c.exchange.Offer(media.UCSide, lines)
	} else if !c.exchange.Answer(media.UCSide, lines) {
		c.close(opened)
		return &media.Refused{Status: 488, Reason: "Answer without an offer"}
	}
	for i, st := range c.streams {
		if i < len(channels) && channels[i].Valid() {
			st.Adopt(channels[i])
		}
	}
	own := c.toClient(r, b, lines)
	b.Scrub(media.Without(inside, own))
	c.settle(kind)
	return nil
}

// readCore reads the lines and the channels that core told.
func readCore(b *sdp.Body) ([]media.Line, []media.Channel) {
	lines := make([]media.Line, len(b.Media))
	channels := make([]media.Channel, len(b.Media))
	for i, s := range b.Media {
		lines[i] = media.ReadLine(b, i)
		if !lines[i].On() && !lines[i].Foreign() {
			lines[i].M.Port = 0
		}
		if v, ok := s.Attr(media.Attribute); ok {
			channels[i], _ = media.ParseChannel(v) // without one ours stands, and our next description says so
		}
	}
	return lines, channels
}

// usualV6 is the family for streams that core begins: the client's, as far as known.
func (c *mediaCall) usualV6() bool {
	for _, st := range c.streams {
		return st.V6()
	}
	return c.clientV6(media.Line{})
}

// toClient rewrites core's description for the client and reports the
// addresses that it names.
func (c *mediaCall) toClient(r *media.Relay, b *sdp.Body, lines []media.Line) []media.Pass {
	plan := r.Plan()
	usual := plan.Advertised(plan.Client.Pick(c.usualV6()))
	pass := make([]media.Pass, len(lines))
	for i, l := range lines {
		if st := c.streams[i]; st != nil && l.On() {
			rtp, rtcp := st.Local()
			pass[i] = media.Pass{On: true, Addr: rtp.Addr(), Port: int(rtp.Port()), RTCP: int(rtcp.Port())}
		}
	}
	media.Readdress(b, lines, pass, usual, c.began)
	return append(pass, media.Pass{Addr: usual})
}

// settle makes what the descriptions say real: once there is an answer, or
// for the first offer as far as it goes.
func (c *mediaCall) settle(kind media.Kind) {
	if kind == media.Offer && c.exchange.Settled() {
		return
	}
	client, _ := c.exchange.Holds(media.ClientSide)
	uc, _ := c.exchange.Holds(media.UCSide)
	for i, st := range c.streams {
		st.Set(c.want(media.At(client, i), media.At(uc, i)))
	}
	if kind == media.Answer {
		offer, _ := c.exchange.Holds(c.exchange.Offerer())
		for i := range c.streams {
			if !media.At(offer, i).On() {
				c.close([]int{i})
			}
		}
	}
}

// want is what a stream's two lines ask of edge. Before there is an answer
// neither side owes media.
func (c *mediaCall) want(client, uc media.Line) media.EdgeWant {
	w := media.EdgeWant{
		Type:     client.M.Type,
		Signaled: client.At,
		Host:     c.Client.Addr().Unmap(),
		Muxed:    client.Muxed && uc.Muxed,
		Held:     client.Conn.Held,
		Rates:    client.Rates,
	}
	if w.Type == "" {
		w.Type, w.Rates = uc.M.Type, uc.Rates
	}
	if c.exchange.Settled() && client.On() && uc.On() {
		w.Sends = client.Dir.Sends() && uc.Dir.Receives()
		w.Receives = uc.Dir.Sends() && client.Dir.Receives()
	}
	return w
}

// closeUnused closes streams that only a refused offer wanted.
func (c *mediaCall) closeUnused() {
	client, _ := c.exchange.Holds(media.ClientSide)
	uc, _ := c.exchange.Holds(media.UCSide)
	for i := range c.streams {
		if !media.At(client, i).On() && !media.At(uc, i).On() {
			c.close([]int{i})
		}
	}
}

package edge

import (
	"slices"

	"sallyport/appliance/call"
	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// Outward takes core's description: it adopts core's channels and tells the
// client edge's own ports. Keys pass through unread.
func (c *mediaCall) Outward(kind media.Kind, b *sdp.Body) error {
	inside := b.Addresses()
	b.StripPaths()
	lines, channels := readCore(b)
	b.RemoveAttr(media.Attribute)
	c.keepPassed(b, lines)
	if err := c.Check(media.UCSide, kind, lines); err != nil {
		return err
	}
	opened, err := c.openStreams(lines, func(media.Line) bool { return c.usualV6() })
	if err != nil {
		return err
	}
	for i, st := range c.Streams {
		if i < len(channels) && channels[i].Valid() {
			st.Adopt(channels[i])
		}
	}
	own := c.toClient(b, lines)
	b.Scrub(media.Without(b.Hidden(inside), own))
	c.addRelay(b, lines)
	return c.Take(media.UCSide, kind, lines, opened, c.set)
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
	for _, st := range c.Streams {
		return st.V6()
	}
	return c.clientV6(media.Line{})
}

// toClient rewrites core's description for the client and reports the
// addresses that it names.
func (c *mediaCall) toClient(b *sdp.Body, lines []media.Line) []media.Pass {
	plan := c.relay.Plan()
	usual := plan.Advertised(plan.Client.Pick(c.usualV6()))
	pass := make([]media.Pass, len(lines))
	for i, l := range lines {
		if st := c.Streams[i]; st != nil && l.On() {
			rtp, rtcp := st.Local()
			pass[i] = media.Pass{On: true, Addr: rtp.Addr(), Port: int(rtp.Port()), RTCP: int(rtcp.Port())}
		}
	}
	media.Readdress(b, lines, pass, usual, c.Began)
	return append(pass, media.Pass{Addr: usual})
}

// keepPassed passes the ICE that core let pass.
func (c *mediaCall) keepPassed(b *sdp.Body, lines []media.Line) {
	before, _ := c.Exchange.Last(media.ClientSide)
	why := ""
	for i := range lines {
		l := &lines[i]
		if !l.On() {
			l.ICE = sdp.ICE{}
		}
		if !l.ICE.On() && call.At(before, i).ICE.On() {
			why = "core passed no ICE of the far end; see there"
		}
	}
	b.StripICE(func(i int) bool { return lines[i].ICE.On() })
	if why != "" {
		c.Session.Relay(why)
	}
}

// addRelay lists our own ports behind the far client's candidates. They are the
// default destination, which an agent wants to find among the candidates (RFC
// 8839 4.2.5), and the path that is left when there is no other.
func (c *mediaCall) addRelay(b *sdp.Body, lines []media.Line) {
	for i, l := range lines {
		st := c.Streams[i]
		if st == nil || !l.On() || !l.ICE.On() {
			continue
		}
		rtp, rtcp := st.Local()
		both := slices.ContainsFunc(b.Media[i].Candidates(), func(c sdp.Candidate) bool { return c.Component == 2 })
		b.Media[i].AddRelay(1, rtp)
		if both {
			b.Media[i].AddRelay(2, rtcp)
		}
	}
}

// set makes what the two lines of a stream say real.
func (c *mediaCall) set(_ int, st *media.EdgeStream, client, uc media.Line) error {
	st.Set(c.want(client, uc))
	return nil
}

// want is what a stream's two lines ask of edge.
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
	w.Agents = c.Exchange.Settled() && client.ICE.On() && uc.ICE.On()
	w.Sends, w.Receives = c.Flows(client, uc)
	return w
}

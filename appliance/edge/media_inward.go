package edge

import (
	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// Inward takes a client's description: it wants keys of every RTP stream,
// remembers where the client says it is, and sends core to the link.
func (c *mediaCall) Inward(kind media.Kind, b *sdp.Body) error {
	b.RemoveAttr(media.Attribute) // a client has no say on the link
	b.StripPaths()
	lines, err := c.readClient(kind, b)
	if err != nil {
		return err
	}
	c.keepAgents(b, lines)
	if err := c.Check(media.ClientSide, kind, lines); err != nil {
		return err
	}
	opened, err := c.openStreams(lines, c.clientV6)
	if err != nil {
		return err
	}
	c.toLink(b, lines)
	return c.Take(media.ClientSide, kind, lines, opened, c.set)
}

// maxRelayed bounds the streams of a call that a client may have relayed; the
// others are refused. Phones use six at most: voice, video, slides and their
// controls. Each takes two ports of those that all calls share.
const maxRelayed = 8

// readClient reads the lines and switches off what cannot or may not pass.
func (c *mediaCall) readClient(kind media.Kind, b *sdp.Body) ([]media.Line, error) {
	lines := make([]media.Line, len(b.Media))
	bare, keyed := false, false
	relayed := 0
	for i := range b.Media {
		l := media.ReadLine(b, i)
		if l.M.Port != 0 && l.Conn.Missing {
			return nil, &media.Refused{Status: 400, Reason: "Bad session description: no c= line"}
		}
		unkeyed := l.M.Port != 0 && !l.Foreign() &&
			(l.Class == sdp.DTLS || l.Class == sdp.RTP && !l.Keyed)
		bare, keyed = bare || unkeyed, keyed || l.On() && !unkeyed
		if unkeyed || !l.On() && !l.Foreign() {
			l.M.Port = 0
		}
		if l.On() {
			if relayed++; relayed > maxRelayed {
				l.M.Port = 0
			}
		}
		lines[i] = l
	}
	media.StripKeying(b, lines)
	if bare && !keyed {
		return nil, &media.Refused{Status: 488, Reason: "Media from outside needs SRTP: the " + kind.String() + " has no a=crypto"}
	}
	return lines, nil
}

// keepAgents lets ICE pass where the keys of SRTP can pass with it; whether they
// do is core's to say. The rest loses it.
func (c *mediaCall) keepAgents(b *sdp.Body, lines []media.Line) {
	why := ""
	for i := range lines {
		l := &lines[i]
		if l.NoICE != "" {
			why = "the client is not let find a direct path: " + l.NoICE
		}
		if !l.On() || l.Class != sdp.RTP || !l.Keyed {
			l.ICE = sdp.ICE{}
		}
		if l.ICE.On() {
			c.onAgent(l.ICE)
		}
		if st := c.Streams[i]; st != nil {
			b.Media[i].DropRemote(st.Local())
		}
	}
	b.StripICE(func(i int) bool { return lines[i].ICE.On() })
	c.Session.Relay(why)
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

// openStreams gives every relayed line its stream.
func (c *mediaCall) openStreams(lines []media.Line, v6 func(media.Line) bool) (opened []int, err error) {
	return c.Open(lines, func(i int, l media.Line) (*media.EdgeStream, error) {
		st, err := c.Session.OpenEdge(i, v6(l))
		if err != nil {
			return nil, media.NoRoom(err)
		}
		return st, nil
	})
}

// toLink rewrites a client's description for core.
func (c *mediaCall) toLink(b *sdp.Body, lines []media.Line) {
	plan := c.relay.Plan()
	at := plan.Inner.Pick(false)
	pass := make([]media.Pass, len(lines))
	for i, l := range lines {
		if st := c.Streams[i]; st != nil && l.On() {
			pass[i] = media.Pass{On: true, Addr: at, Port: plan.LinkRTP, RTCP: plan.LinkRTCP}
			b.Media[i].Set(media.Attribute, st.Channel().Value())
		}
	}
	media.Readdress(b, lines, pass, at, c.Began)
}

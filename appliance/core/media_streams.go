package core

import (
	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// openStreams gives every relayed line its stream, on the channel that edge told if
// it told one.
func (c *mediaCall) openStreams(lines []mediaLine, v6 func(mediaLine) bool) (opened []int, err error) {
	for i, l := range lines {
		if st := c.Streams[i]; st != nil && l.channel.Valid() {
			st.Adopt(l.channel)
		}
	}
	return c.Open(lines, func(i int, l mediaLine) (*media.CoreStream, error) {
		rtp, rtcp, ok := c.cfg.EdgeMedia(c.Peer)
		if !ok {
			return nil, &media.Refused{Status: 503, Reason: "Media: the link to edge is down"}
		}
		st, err := c.Session.OpenCore(i, l.channel, rtp, rtcp, v6(l))
		if err != nil {
			return nil, media.NoRoom(err)
		}
		return st, nil
	})
}

// insideV6 is the family for an inside leg that the client begins: that of
// what the inside said before, else that of its signalling.
func (c *mediaCall) insideV6(mediaLine) bool {
	for _, st := range c.Streams {
		return st.V6()
	}
	lines, _ := c.Exchange.Last(media.UCSide)
	for _, l := range lines {
		if l.On() && l.Conn.Addr.IsValid() {
			return l.Conn.Addr.Is6()
		}
	}
	return c.Policy.InsideV6
}

// set makes what the two lines of a stream say real.
func (c *mediaCall) set(i int, st *media.CoreStream, client, uc mediaLine) error {
	return st.Set(c.want(i, client, uc))
}

// want is what a stream's two lines ask of core.
func (c *mediaCall) want(i int, client, uc mediaLine) media.CoreWant {
	known := client
	if !client.On() {
		known = uc
	}
	w := media.CoreWant{
		Type:         known.M.Type,
		Rates:        known.Rates,
		Opaque:       known.Class != sdp.RTP,
		Inside:       uc.At,
		InsideMuxed:  c.muxed(client, uc),
		OutsideMuxed: c.muxed(client, uc),
		Held:         uc.Conn.Held,
	}
	w.EndToEnd = c.endToEnd(client, uc)
	w.Opaque = w.Opaque || w.EndToEnd != ""
	if w.EndToEnd != "" && client.ICE.On() && uc.ICE.On() {
		w.Check = media.Check{User: uc.ICE.Ufrag + ":" + client.ICE.Ufrag, Password: uc.ICE.Pwd}
	}
	c.clientKeys(&w, i, client)
	c.insideKeys(&w, i, client, uc)
	w.Sends, w.Receives = c.Flows(client, uc)
	return w
}

// muxed: a=rtcp-mux passes from side to side, so both have it or none.
func (c *mediaCall) muxed(client, uc mediaLine) bool {
	return c.Exchange.Settled() && client.Muxed && uc.Muxed
}

func (c *mediaCall) clientKeys(w *media.CoreWant, i int, client mediaLine) {
	if w.Opaque || !client.keyed() {
		return
	}
	w.FromClient = keysOf(client.crypto)
	w.ToClient = c.ownKeys(i, media.ClientSide, client.crypto.Suite)
}

// insideKeys sets the inside's SRTP, if both sides of that leg told keys.
func (c *mediaCall) insideKeys(w *media.CoreWant, i int, client, uc mediaLine) {
	by := media.UCSide
	if c.Exchange.Settled() {
		by = c.Exchange.Offerer()
	}
	if w.Opaque || !c.insideSecure(uc, by) || by == media.ClientSide && !client.offered {
		return
	}
	w.FromInside = keysOf(uc.crypto)
	w.ToInside = c.ownKeys(i, media.UCSide, uc.crypto.Suite)
}

package core

import (
	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// check holds a description against what came before it.
func (c *mediaCall) check(from media.Side, kind media.Kind, lines []mediaLine) error {
	var err error
	if kind == media.Answer {
		offer, ok := c.exchange.Offered(from)
		if !ok {
			return &media.Refused{Status: 488, Reason: "Answer without an offer"}
		}
		err = sdp.CheckAnswer(mLines(offer), mLines(lines))
	} else if before, ok := c.exchange.Holds(from); ok && c.exchange.Settled() {
		err = sdp.CheckReoffer(mLines(before), mLines(lines))
	}
	if err != nil {
		return &media.Refused{Status: 488, Reason: err.Error()}
	}
	return nil
}

func mLines(lines []mediaLine) []sdp.MLine { return media.MLines(plainLines(lines)) }

// open gives every relayed line its stream, on the channel that edge told if
// it told one. If one cannot be had, those that were opened for this
// description are closed again.
func (c *mediaCall) open(cfg *MediaConfig, lines []mediaLine, v6 func(mediaLine) bool) (opened []int, err error) {
	for i, l := range lines {
		if st := c.streams[i]; st != nil {
			if l.channel.Valid() {
				st.Adopt(l.channel)
			}
			continue
		}
		if !l.On() {
			continue
		}
		if err := c.openOne(cfg, i, l.channel, v6(l)); err != nil {
			c.close(opened)
			return nil, err
		}
		opened = append(opened, i)
	}
	return opened, nil
}

func (c *mediaCall) openOne(cfg *MediaConfig, i int, ch media.Channel, v6 bool) error {
	rtp, rtcp, ok := cfg.EdgeMedia(c.Peer)
	if !ok {
		return &media.Refused{Status: 503, Reason: "Media: the link to edge is down"}
	}
	st, err := c.sess.OpenCore(i, ch, rtp, rtcp, v6)
	if err != nil {
		return media.NoRoom(err)
	}
	c.streams[i] = st
	return nil
}

// insideV6 is the family for an inside leg that the client begins: that of
// what the inside said before, else IPv4.
func (c *mediaCall) insideV6(mediaLine) bool {
	for _, st := range c.streams {
		return st.V6()
	}
	lines, _ := c.exchange.Last(media.UCSide)
	for _, l := range lines {
		if l.On() && l.Conn.Addr.IsValid() {
			return l.Conn.Addr.Is6()
		}
	}
	return false
}

func (c *mediaCall) close(indexes []int) {
	for _, i := range indexes {
		if st := c.streams[i]; st != nil {
			st.Close()
			delete(c.streams, i)
		}
	}
}

// take files the description and makes what is settled real.
func (c *mediaCall) take(from media.Side, kind media.Kind, lines []mediaLine, opened []int) error {
	if kind == media.Offer {
		c.exchange.Offer(from, lines)
		if c.exchange.Settled() {
			return nil
		}
	} else {
		c.exchange.Answer(from, lines)
	}
	if err := c.settle(kind); err != nil {
		c.close(opened)
		return media.NoRoom(err)
	}
	return nil
}

// settle makes what the descriptions say real: once there is an answer, or
// for the first offer as far as it goes.
func (c *mediaCall) settle(kind media.Kind) error {
	client, _ := c.exchange.Holds(media.ClientSide)
	uc, _ := c.exchange.Holds(media.UCSide)
	for i, st := range c.streams {
		if err := st.Set(c.want(i, lineAt(client, i), lineAt(uc, i))); err != nil {
			return err
		}
	}
	if kind == media.Answer {
		offer, _ := c.exchange.Holds(c.exchange.Offerer())
		for i := range c.streams {
			if !lineAt(offer, i).On() {
				c.close([]int{i})
			}
		}
	}
	return nil
}

// want is what a stream's two lines ask of core. Before there is an answer
// neither side owes media.
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
	c.clientKeys(&w, i, client)
	c.insideKeys(&w, i, client, uc)
	if c.exchange.Settled() && client.On() && uc.On() {
		w.Sends = client.Dir.Sends() && uc.Dir.Receives()
		w.Receives = uc.Dir.Sends() && client.Dir.Receives()
	}
	return w
}

// muxed: a=rtcp-mux passes from side to side, so both have it or none.
func (c *mediaCall) muxed(client, uc mediaLine) bool {
	return c.exchange.Settled() && client.Muxed && uc.Muxed
}

func (c *mediaCall) clientKeys(w *media.CoreWant, i int, client mediaLine) {
	switch {
	case w.Opaque:
	case client.keyed():
		w.FromClient = keysOf(client.crypto)
		w.ToClient = c.ownKeys(i, media.ClientSide, client.crypto.Suite)
	case client.On() && c.Policy.Fallback:
		w.Plain = true
	}
}

// insideKeys sets the inside's SRTP, if both sides of that leg told keys.
func (c *mediaCall) insideKeys(w *media.CoreWant, i int, client, uc mediaLine) {
	by := media.UCSide
	if c.exchange.Settled() {
		by = c.exchange.Offerer()
	}
	if w.Opaque || !c.insideSecure(uc, by) || by == media.ClientSide && !client.offered {
		return
	}
	w.FromInside = keysOf(uc.crypto)
	w.ToInside = c.ownKeys(i, media.UCSide, uc.crypto.Suite)
}

// closeUnused closes streams that only a refused offer wanted.
func (c *mediaCall) closeUnused() {
	client, _ := c.exchange.Holds(media.ClientSide)
	uc, _ := c.exchange.Holds(media.UCSide)
	for i := range c.streams {
		if !lineAt(client, i).On() && !lineAt(uc, i).On() {
			c.close([]int{i})
		}
	}
}

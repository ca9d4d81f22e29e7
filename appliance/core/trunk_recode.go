package core

import (
	"sallyport/appliance/call"
	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// recode rewrites one side's description for the other: core's own ports, and
// encryption as the other side's zone wants it.
func (c *trunkCall) recode(from media.Side, kind media.Kind, b *sdp.Body, lines []mediaLine) error {
	if err := readable(kind, lines); err != nil {
		return err
	}
	b.StripPaths()
	b.StripICE(func(int) bool { return false })
	media.StripKeying(b, call.Plain(lines))
	if c.ends[from].noGCM {
		dropGCM(lines)
	}
	opened, err := c.Open(lines, func(i int, _ mediaLine) (*media.BridgeStream, error) {
		st, err := c.Session.OpenBridge(i, [2]bool{c.ends[media.ClientSide].v6, c.ends[media.UCSide].v6})
		if err != nil {
			return nil, media.NoRoom(err)
		}
		return st, nil
	})
	if err != nil {
		return err
	}
	if err := c.toOther(from.Other(), kind, b, lines); err != nil {
		c.Close(opened)
		return err
	}
	return c.Take(from, kind, lines, opened, func(i int, st *media.BridgeStream, client, uc mediaLine) error {
		return st.Set(c.want(i, client, uc))
	})
}

// readable refuses SRTP that core could not open.
func readable(kind media.Kind, lines []mediaLine) error {
	for _, l := range lines {
		if l.On() && l.Class == sdp.RTP && sdp.IsSecure(l.M.Proto) && !l.keyed() {
			return &media.Refused{Status: 488, Reason: "The " + kind.String() + " is SRTP without a suite that core speaks"}
		}
	}
	return nil
}

// dropGCM forgets the keys of suites that a zone does not bear.
func dropGCM(lines []mediaLine) {
	for i := range lines {
		var kept []sdp.Crypto
		for _, k := range lines[i].keys {
			if !k.Suite.GCM() {
				kept = append(kept, k)
			}
		}
		lines[i].keys, lines[i].crypto = kept, sdp.Crypto{}
		if len(kept) > 0 {
			lines[i].crypto = kept[0]
		}
	}
}

// toOther puts our ports and keys into a description for a side.
func (c *trunkCall) toOther(to media.Side, kind media.Kind, b *sdp.Body, lines []mediaLine) error {
	usual := c.relay.Plan().Inner.Pick(c.ends[to].v6)
	pass := make([]media.Pass, len(lines))
	for i := range lines {
		st := c.Streams[i]
		if st == nil || !lines[i].On() {
			continue
		}
		rtp, rtcp := st.Local(to)
		pass[i] = media.Pass{On: true, Addr: rtp.Addr(), Port: int(rtp.Port()), RTCP: int(rtcp.Port())}
		if lines[i].Class != sdp.RTP {
			continue
		}
		var err error
		if kind == media.Offer {
			err = c.offerTo(to, b.Media[i], i, &lines[i])
		} else {
			err = c.answerTo(to, b.Media[i], i, lines[i])
		}
		if err != nil {
			return err
		}
	}
	media.Readdress(b, call.Plain(lines), pass, usual, c.Began)
	return nil
}

// offerTo offers a line to a side as its zone wants it. A zone without a mode
// gets what its system spoke last, or else what the offer is, without keys that
// could be read on the way.
func (c *trunkCall) offerTo(to media.Side, s *sdp.Section, i int, l *mediaLine) error {
	like := *l
	if !c.ends[to].tls {
		like = mediaLine{}
	}
	if last, ok := c.Exchange.Holds(to); ok && call.At(last, i).On() {
		like = call.At(last, i)
	}
	mode := c.ends[to].mode
	secure := mode == media.On || mode == media.Auto && sdp.IsSecure(like.M.Proto)
	l.offered = secure || mode == media.BestEffort || mode == media.Auto && like.keyed()
	s.SetProto(sdp.Plain(l.M.Proto))
	if secure {
		s.SetProto(sdp.Secure(sdp.Plain(l.M.Proto)))
	}
	if !l.offered {
		s.Remove("crypto")
		return nil
	}
	return c.offer(s, i, to, c.ends[to].noGCM)
}

// answerTo answers a side's offered line in its own transport.
func (c *trunkCall) answerTo(to media.Side, s *sdp.Section, i int, answer mediaLine) error {
	all, _ := c.Exchange.Offered(to.Other())
	l := call.At(all, i)
	if c.ends[to.Other()].mode == media.On && !answer.keyed() {
		return &media.Refused{Status: 488, Reason: "Zone " + c.ends[to.Other()].zone + " demands SRTP"}
	}
	s.SetProto(l.M.Proto)
	if !c.ends[to].answersKeys(l) {
		s.Remove("crypto")
		return nil
	}
	return c.answerKeys(s, i, to, l.crypto)
}

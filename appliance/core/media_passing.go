package core

import (
	"cmp"
	"slices"

	"sallyport/appliance/call"
	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// Two clients outside may send their media straight to each other. Then each
// gets the other's ICE candidates and the other's very keys of SRTP, and what
// still comes by here passes as it is. The keys of an offer pass whenever the
// policy lets them and it has ICE, since nobody knows yet who will answer; ICE
// passes outward only if it is that of a client that is outside too.

// passInward decides what of a client's description goes on as it is.
func (c *mediaCall) passInward(kind media.Kind, b *sdp.Body, lines []mediaLine) {
	offer, _ := c.Exchange.Offered(media.ClientSide)
	why := c.Policy.Relayed
	agents, wanted := false, kind == media.Offer
	for i := range lines {
		l := &lines[i]
		agents = agents || l.ICE.On()
		wanted = wanted || call.At(offer, i).ICE.On()
		pass := c.Policy.Passthrough && l.On() && l.keyed() && l.ICE.On()
		switch {
		case kind == media.Offer:
			l.through = pass && c.bearable(l, media.UCSide)
			pass = l.through
		case pass && !call.At(offer, i).ICE.On():
			pass, why = false, "the far end has no ICE, or is not a client outside"
		}
		if pass {
			c.agents.note(l.ICE, c.Session.ID)
		} else {
			l.ICE = sdp.ICE{}
		}
	}
	b.StripICE(func(i int) bool { return lines[i].ICE.On() })
	if c.Policy.Passthrough && !agents {
		why = "the client has no ICE"
	}
	if wanted && (agents || c.Policy.Passthrough) {
		c.Session.Relay(why)
	}
}

// passOutward decides what of the inside's description goes on as it is.
func (c *mediaCall) passOutward(kind media.Kind, b *sdp.Body, lines []mediaLine) {
	offer, _ := c.Exchange.Offered(media.UCSide)
	why, agents := "", false
	for i := range lines {
		l := &lines[i]
		agents = agents || l.ICE.On()
		if kind == media.Answer && !call.At(offer, i).ICE.On() {
			l.ICE = sdp.ICE{}
			continue
		}
		pass := c.Policy.Passthrough && l.On() && l.keyed() && c.agents.outside(l.ICE, c.Session.ID)
		if kind == media.Offer {
			l.through = pass && c.bearable(l, media.ClientSide)
			pass = l.through
		}
		if !pass && l.On() && l.Class == sdp.RTP {
			why = cmp.Or(c.Policy.Relayed, "the far end has no ICE, or is not a client outside")
		}
		if !pass {
			l.ICE = sdp.ICE{}
		}
	}
	b.StripICE(func(i int) bool { return lines[i].ICE.On() })
	if (c.Policy.Passthrough || agents) && why != "" {
		c.Session.Relay(why)
	}
}

// bearable keeps the keys that the zone on a side bears, and reports whether
// there are any.
func (c *mediaCall) bearable(l *mediaLine, side media.Side) bool {
	if c.noGCM(side) {
		l.keys = slices.DeleteFunc(l.keys, func(k sdp.Crypto) bool { return k.Suite.GCM() })
	}
	return len(l.keys) > 0
}

// passKeys leaves the crypto lines that we can read, byte for byte.
func passKeys(s *sdp.Section, keys []sdp.Crypto) {
	s.KeepCrypto(func(c sdp.Crypto) bool {
		return slices.ContainsFunc(keys, func(k sdp.Crypto) bool { return k.Tag == c.Tag && k.Suite == c.Suite })
	})
}

// passAnswer leaves the answer's one key, if it is for a suite of the offer.
func passAnswer(s *sdp.Section, offer mediaLine, answer *mediaLine) error {
	for _, k := range offer.keys {
		if k.Tag == answer.crypto.Tag && k.Suite == answer.crypto.Suite {
			answer.through = true
			passKeys(s, []sdp.Crypto{answer.crypto})
			return nil
		}
	}
	return &media.Refused{Status: 488, Reason: "The answer has keys for a suite that was not offered"}
}

// endToEnd is the suite that two lines agreed on by each other's own keys, "" if
// core stands between them.
func (c *mediaCall) endToEnd(client, uc mediaLine) string {
	if !c.Exchange.Settled() || !client.through || !uc.through {
		return ""
	}
	if c.Exchange.Offerer() == media.ClientSide {
		return string(uc.crypto.Suite)
	}
	return string(client.crypto.Suite)
}

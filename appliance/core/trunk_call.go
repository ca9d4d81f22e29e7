package core

import (
	"crypto/rand"
	"time"

	"sallyport/appliance/call"
	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// A trunkEnd is what one side of a call between two inside systems bears.
type trunkEnd struct {
	zone  string // as the operator knows it
	mode  media.Encryption
	noGCM bool
	v6    bool
	tls   bool // keys may travel in its signalling
}

// trunkPolicy is what is known of such a call before its first description: the
// caller is its client side.
type trunkPolicy struct {
	ends   [2]trunkEnd
	caller string // tag of From
}

// trunkMedia rewrites the descriptions of calls between zones whose modes differ.
type trunkMedia struct{ *call.Media[*trunkCall] }

// trunkCall is one of them. While every description fits both zones, media goes
// between the two systems; from the first that does not it goes by core.
type trunkCall struct {
	call.Talk[mediaLine, *media.BridgeStream]
	trunkPolicy
	keyring
	relay  *media.Relay
	relays bool
}

func newTrunkMedia(cfg MediaConfig) trunkMedia {
	return trunkMedia{call.NewMedia(call.Config{Relay: cfg.Relay, Log: cfg.Log, Clock: cfg.Clock}, func(since time.Time) *trunkCall {
		return &trunkCall{Talk: call.NewTalk[mediaLine, *media.BridgeStream](since), keyring: newKeyring(rand.Reader), relay: cfg.Relay}
	})}
}

// Inward implements call.Party: the caller's description.
func (c *trunkCall) Inward(kind media.Kind, b *sdp.Body) error {
	return c.pass(media.ClientSide, kind, b)
}

// Outward implements call.Party: that of the called side.
func (c *trunkCall) Outward(kind media.Kind, b *sdp.Body) error {
	return c.pass(media.UCSide, kind, b)
}

func (c *trunkCall) pass(from media.Side, kind media.Kind, b *sdp.Body) error {
	b.RemoveAttr(media.Attribute)
	lines, err := readLines(b)
	if err != nil {
		return err
	}
	if why := c.ends[from].unfit(lines); why != "" {
		return &media.Refused{Status: 488, Reason: why}
	}
	if err := c.Check(from, kind, lines); err != nil {
		return err
	}
	if kind == media.Offer && !c.relays {
		c.relays = c.ends[from.Other()].recodes(c.ends[from], lines)
	}
	if c.relays {
		return c.recode(from, kind, b, lines)
	}
	if why := c.ends[from.Other()].unfit(lines); why != "" {
		return &media.Refused{Status: 488, Reason: why}
	}
	if c.ends[from.Other()].mode == media.Off {
		b.RemoveAttr("crypto")
	}
	return c.Take(from, kind, lines, nil, nil)
}

// unfit tells why lines cannot be a side's, or cannot go there as they are.
func (e trunkEnd) unfit(lines []mediaLine) string {
	for _, l := range lines {
		switch {
		case !l.On() || l.Class != sdp.RTP:
		case e.mode == media.On && !sdp.IsSecure(l.M.Proto):
			return "Zone " + e.zone + " demands SRTP"
		case e.mode == media.Off && sdp.IsSecure(l.M.Proto):
			return "Zone " + e.zone + " takes no SRTP"
		}
	}
	return ""
}

// recodes tells whether an offer of one side has to be put in other terms for
// this one, since it would be refused there, or encrypted less than it could be.
func (e trunkEnd) recodes(from trunkEnd, lines []mediaLine) bool {
	for _, l := range lines {
		if !l.On() || l.Class != sdp.RTP {
			continue
		}
		secure := sdp.IsSecure(l.M.Proto)
		switch {
		case e.mode == media.On && !secure, e.mode == media.Off && secure,
			e.mode == media.BestEffort && !secure && !l.keyed(),
			e.mode == media.BestEffort && secure && from.mode == media.On,
			e.mode == media.Auto && secure && from.mode == media.On && !e.tls:
			return true
		}
	}
	return false
}

// want is what a stream's two lines ask of core.
func (c *trunkCall) want(i int, client, uc mediaLine) media.BridgeWant {
	known := client
	if !client.On() {
		known = uc
	}
	w := media.BridgeWant{Type: known.M.Type, Rates: known.Rates, Opaque: known.Class != sdp.RTP}
	for side, l := range []mediaLine{media.ClientSide: client, media.UCSide: uc} {
		e := &w.Ends[side]
		e.At, e.Held = l.At, l.Conn.Held
		e.Muxed = c.Exchange.Settled() && client.Muxed && uc.Muxed
		if !w.Opaque && c.srtp(media.Side(side), client, uc) {
			e.From, e.To = keysOf(l.crypto), c.ownKeys(i, media.Side(side), l.crypto.Suite)
		}
	}
	w.Ends[media.ClientSide].Sends, w.Ends[media.UCSide].Sends = c.Flows(client, uc)
	return w
}

// srtp reports whether a side's leg is SRTP: its own offer had keys, or it
// answered ours with some.
func (c *trunkCall) srtp(side media.Side, client, uc mediaLine) bool {
	own, other := client, uc
	if side == media.UCSide {
		own, other = uc, client
	}
	if !c.Exchange.Settled() || c.Exchange.Offerer() == side {
		return c.ends[side].answersKeys(own)
	}
	return own.keyed() && other.offered
}

// answersKeys tells whether a side's offered line is answered with keys.
func (e trunkEnd) answersKeys(l mediaLine) bool {
	return l.keyed() && (sdp.IsSecure(l.M.Proto) || e.mode != media.Off)
}

// fits holds a description against sides that take it as it is.
func fits(body []byte, ends []trunkEnd) error {
	b, err := sdp.Parse(body)
	if err != nil {
		return &media.Refused{Status: 488, Reason: "Bad session description"}
	}
	lines := make([]mediaLine, len(b.Media))
	for i := range lines {
		lines[i].Line = media.ReadLine(b, i)
	}
	for _, e := range ends {
		if why := e.unfit(lines); why != "" {
			return &media.Refused{Status: 488, Reason: why}
		}
	}
	return nil
}

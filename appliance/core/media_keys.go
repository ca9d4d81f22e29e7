package core

import (
	"fmt"
	"io"

	"sallyport/appliance/media"
	"sallyport/appliance/rtp"
	"sallyport/appliance/sdp"
)

// ownKey names one of our master keys. Each is drawn once per session, so
// that every fork of a call and every later offer tells the same.
type ownKey struct {
	stream int
	side   media.Side
	suite  sdp.Suite
}

// A keyring holds our own keys of one call.
type keyring struct {
	rand io.Reader
	own  []ownMaster
}

// ownMaster is one of them. A call has one or a few: a list of them is smaller
// than a map.
type ownMaster struct {
	ownKey
	master []byte
}

func newKeyring(rand io.Reader) keyring { return keyring{rand: rand} }

// drawn is one of our keys, nil if it was not told yet.
func (r *keyring) drawn(k ownKey) []byte {
	for _, have := range r.own {
		if have.ownKey == k {
			return have.master
		}
	}
	return nil
}

// master finds or draws one of our keys.
func (r *keyring) master(k ownKey) ([]byte, error) {
	if have := r.drawn(k); have != nil {
		return have, nil
	}
	key, salt := k.suite.Lengths()
	fresh := make([]byte, key+salt)
	if _, err := io.ReadFull(r.rand, fresh); err != nil {
		return nil, fmt.Errorf("media key: %w", err)
	}
	r.own = append(r.own, ownMaster{k, fresh})
	return fresh, nil
}

// offer puts every suite that we speak, and the side bears, into an offer.
func (r *keyring) offer(s *sdp.Section, i int, side media.Side, noGCM bool) error {
	var values []string
	for _, suite := range sdp.Suites() {
		if suite.GCM() && noGCM {
			continue
		}
		master, err := r.master(ownKey{i, side, suite})
		if err != nil {
			return err
		}
		values = append(values, sdp.Crypto{Tag: len(values) + 1, Suite: suite, Keys: []sdp.Key{{Master: master}}}.Line())
	}
	s.Replace("crypto", values)
	return nil
}

// answerKeys accepts one crypto line of an offer.
func (r *keyring) answerKeys(s *sdp.Section, i int, side media.Side, offer sdp.Crypto) error {
	master, err := r.master(ownKey{i, side, offer.Suite})
	if err != nil {
		return err
	}
	s.Replace("crypto", []string{sdp.Crypto{Tag: offer.Tag, Suite: offer.Suite, Keys: []sdp.Key{{Master: master}}}.Line()})
	return nil
}

// ownKeys is what we protect with towards a side; unset if that key was never told.
func (r *keyring) ownKeys(i int, side media.Side, suite sdp.Suite) rtp.Keys {
	master := r.drawn(ownKey{i, side, suite})
	if master == nil {
		return rtp.Keys{}
	}
	return rtp.Keys{Suite: string(suite), Keys: []rtp.Key{{Master: master}}}
}

// noGCM tells whether the zone on a side bears no GCM suites.
func (c *mediaCall) noGCM(side media.Side) bool {
	if side == media.ClientSide {
		return c.Policy.NoGCMClient
	}
	return c.Policy.NoGCMInside
}

// offerKeys puts our keys for a side into an offer.
func (c *mediaCall) offerKeys(s *sdp.Section, i int, side media.Side) error {
	return c.offer(s, i, side, c.noGCM(side))
}

// insideSecure reports whether the inside leg of a line is SRTP. by is the
// side whose offer the line belongs to: the inside's own, or an answer to ours.
func (c *mediaCall) insideSecure(l mediaLine, by media.Side) bool {
	switch {
	case !l.keyed():
		return false
	case by == media.UCSide:
		return sdp.IsSecure(l.M.Proto) || c.Policy.Inside != media.Off
	}
	return true
}

// keysOf is what a line's sender protects with.
func keysOf(c sdp.Crypto) rtp.Keys {
	k := rtp.Keys{Suite: string(c.Suite)}
	for _, one := range c.Keys {
		k.Keys = append(k.Keys, rtp.Key{Master: one.Master, MKI: one.MKI})
	}
	return k
}

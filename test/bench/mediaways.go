package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sallyport/appliance/media"
)

// suites are those measured, with the names they go by.
func suites() []struct{ name, suite string } {
	return []struct{ name, suite string }{{"CM", "AES_CM_128_HMAC_SHA1_80"}, {"GCM", "AEAD_AES_128_GCM"}}
}

// mediaWays pairs each way of ours with rtpengine doing the same: edge passes
// packets on, so it stands beside RTP to RTP; core stands beside SRTP to RTP.
func mediaWays(w *world, b *book) ([]*way, error) {
	ours, err := ownWays(w)
	if err != nil {
		return nil, err
	}
	binary, err := findRTPEngine()
	if errors.Is(err, errMissing) {
		b.skip(err.Error())
		return ours, nil
	}
	if err != nil {
		return nil, err
	}
	theirs := []*way{engineWay(w, binary, "RTP", "")}
	for _, s := range suites() {
		theirs = append(theirs, engineWay(w, binary, s.name, s.suite))
	}
	var all []*way
	for i := range ours {
		all = append(all, ours[i], theirs[i])
	}
	return all, nil
}

// ownWays run through both of our relays: SRTP at the phone, SRTP in frames on
// the link, RTP inside. The one that is measured has the first processor for
// itself, its peer lives on the load's.
func ownWays(w *world) ([]*way, error) {
	outer, err := startPair(w, 0, subjectCPU, generatorCPU)
	if err != nil {
		return nil, err
	}
	inner, err := startPair(w, 1, generatorCPU, subjectCPU)
	if err != nil {
		return nil, err
	}
	cm := suites()[0]
	ways := []*way{outer.way("edge "+cm.name, cm.suite, outer.edge)}
	for _, s := range suites() {
		ways = append(ways, inner.way("core "+s.name, s.suite, inner.core))
	}
	return ways, nil
}

// pair is both relays of one site.
type pair struct {
	w          *world
	edge, core *relay
	calls      uint64
}

func startPair(w *world, site, edgeCPU, coreCPU int) (*pair, error) {
	edge, err := startRelay(w, "edge", site, edgeCPU)
	if err != nil {
		return nil, err
	}
	core, err := startRelay(w, "core", site, coreCPU)
	return &pair{w: w, edge: edge, core: core}, err
}

// way is a set of calls through the pair that stays for all rounds.
func (p *pair) way(subject, suite string, of *relay) *way {
	y := &way{subject: subject, proc: of.process}
	y.open = func(context.Context) error {
		if y.streams != nil {
			return nil
		}
		var err error
		if y.streams, err = newStreams(phoneAddr, ucAddr); err != nil {
			return err
		}
		p.w.later(y.streams.close)
		for i := range calls {
			if err := p.call(y.streams, suite, i); err != nil {
				return err
			}
		}
		return nil
	}
	return y
}

// call sets one call up through both relays, as signalling would.
func (p *pair) call(s *streams, suite string, call int) error {
	p.calls++
	keys, crypto := keysFor(suite, call)
	offer := s.phone.description("RTP/SAVP", crypto)
	var err error
	for _, r := range []*relay{p.edge, p.core} {
		if offer, err = r.pass(p.calls, true, media.Offer, offer); err != nil {
			return err
		}
	}
	answer := s.uc.description("RTP/AVP", "")
	for _, r := range []*relay{p.core, p.edge} {
		if answer, err = r.pass(p.calls, false, media.Answer, answer); err != nil {
			return err
		}
	}
	return s.join(offer, answer, keys)
}

// join tells both ends what came of offer and answer.
func (s *streams) join(offer, answer string, keys *keySet) error {
	toUC, _, err := readDescription(offer)
	if err != nil {
		return err
	}
	toPhone, theirs, err := readDescription(answer)
	if err != nil {
		return err
	}
	if err := s.uc.add(toUC, nil, nil); err != nil {
		return err
	}
	return s.phone.add(toPhone, keys, theirs)
}

// engineWay is the same calls through rtpengine, started anew for each round
// and after each that failed: where a socket once held more than it reads at a
// time it falls silent for the rest of a call.
func engineWay(w *world, binary, name, suite string) *way {
	y := &way{subject: "rtpengine " + name}
	var last *rtpengine
	y.close = func() {
		if last != nil {
			last.stop()
		}
		if y.streams != nil {
			y.streams.close()
		}
		last, y.streams = nil, nil
	}
	y.open = func(ctx context.Context) (err error) {
		if last != nil {
			return nil
		}
		if last, err = startRTPEngine(ctx, w, binary); err != nil {
			return err
		}
		y.proc = last.process
		if y.streams, err = newStreams(phoneAddr, ucAddr); err != nil {
			return err
		}
		for i := range calls {
			if err := last.call(y.streams, fmt.Sprintf("%s-%d", name, i), suite, i); err != nil {
				return err
			}
		}
		return nil
	}
	return y
}

func (e *rtpengine) call(s *streams, id, suite string, call int) error {
	var keys *keySet
	profile, crypto := "RTP/AVP", ""
	if suite != "" {
		profile = "RTP/SAVP"
		keys, crypto = keysFor(suite, call)
	}
	offer, err := e.pass("offer", id, s.phone.description(profile, crypto), map[string]any{"transport-protocol": "RTP/AVP"})
	if err != nil {
		return err
	}
	answer, err := e.pass("answer", id, s.uc.description("RTP/AVP", ""), nil)
	if err != nil {
		return err
	}
	if suite != "" && !strings.Contains(answer, "a=crypto:") {
		return fmt.Errorf("rtpengine answers without keys: %q", answer)
	}
	return s.join(offer, answer, keys)
}

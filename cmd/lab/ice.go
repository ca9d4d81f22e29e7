package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sallyport/appliance/xapi"
	"sallyport/test/lab"
	"sallyport/test/pair"
)

// iceLines have core pass ICE between clients outside, over TLS with call control.
var iceLines = []string{
	"xConfiguration Zones Zone 1 TraversalClient SIP Media ICEPassThrough Support: On",
	"xConfiguration Zones Zone 2 Neighbor SIP Media ICEPassThrough Support: On",
	"xConfiguration Zones Zone 2 Neighbor SIP Transport: TLS",
	"xConfiguration Zones Zone 2 Neighbor SIP Port: 5061",
	"xConfiguration Zones Zone 2 Neighbor SIP TLS Verify Mode: On",
}

// icePassthrough has two phones outside find a path of their own: each hears the
// other from the other's own address, and edge's relay of calls carries nothing any
// more. Then that path is cut, and they hear each other by edge. Two phones whose
// firewalls let their media reach nobody but edge find one by addresses that edge's
// TURN server lends them, over UDP and over TCP.
func (r *round) icePassthrough(ctx context.Context) (string, error) {
	net, release, err := pair.FreeNet() // call control over TLS, unlike the rest of the round
	if err != nil {
		return "", err
	}
	defer release()
	p, err := pair.New(ctx, pair.Config{Net: net, Path: lab.PathOutbound, Core: iceLines, Edge: pair.TURNLines()})
	if err != nil {
		return "", err
	}
	defer p.Close()
	direct, err := iceDirect(ctx, p)
	if err != nil {
		return direct, err
	}
	lent, err := iceLent(ctx, p)
	return direct + "; " + lent, err
}

// iceCall has two phones outside with ICE, changed as told, register and talk.
func iceCall(ctx context.Context, p *pair.Pair, change [2]func(*lab.PhoneConfig)) (near, far *lab.Call, end func(), err error) {
	var phones []*lab.Phone
	end = func() {
		for _, phone := range phones {
			phone.Unregister(ctx)
			phone.Close()
		}
	}
	for i, tone := range []float64{aliceTone, bobTone} {
		phone, err := p.Phone([]string{"alice", "bob"}[i], tone, func(c *lab.PhoneConfig) { c.ICE = true }, change[i])
		if err != nil {
			return nil, nil, end, err
		}
		phones = append(phones, phone)
		if err := errors.Join(phone.Start(ctx), phone.Register(ctx)); err != nil {
			return nil, nil, end, err
		}
	}
	if near, err = phones[0].Call(ctx, "bob"); err == nil {
		far, err = incoming(ctx, phones[1])
	}
	return near, far, end, err
}

func iceDirect(ctx context.Context, p *pair.Pair) (string, error) {
	asIs := func(*lab.PhoneConfig) {}
	near, far, end, err := iceCall(ctx, p, [2]func(*lab.PhoneConfig){asIs, asIs})
	defer end()
	if err != nil {
		return "", err
	}
	begin := time.Now()
	if err := bothHearBy(ctx, p, near, far, "direct"); err != nil {
		return "before the cut:", err
	}
	direct := fmt.Sprintf("bob hears alice from %s and she him from %s after %s", far.Stats().LastSource, near.Stats().LastSource, time.Since(begin).Round(time.Millisecond))
	if err := idle(ctx, p, near, far, "direct"); err != nil {
		return direct, err
	}
	before, err := relayed(ctx, p)
	if err != nil {
		return direct, err
	}
	near.CutPaths(p.NotEdge)
	begin = time.Now()
	if err := bothHearBy(ctx, p, near, far, "relay"); err != nil {
		return direct + "; after the cut:", err
	}
	detail := fmt.Sprintf("%s; edge relays nothing more; that path cut, both hear each other by edge after %s", direct, time.Since(begin).Round(time.Millisecond))
	if after, err := relayed(ctx, p); err != nil || after == before {
		return detail, fmt.Errorf("edge's counters do not show it (%v)", err)
	}
	return detail, near.Hangup(ctx)
}

// iceLent has media go by addresses that edge's TURN server lends.
func iceLent(ctx context.Context, p *pair.Pair) (string, error) {
	behind := func(network string) func(*lab.PhoneConfig) {
		return func(c *lab.PhoneConfig) {
			c.Wall = p.NotEdge
			p.WithTURN(network)(c)
		}
	}
	near, far, end, err := iceCall(ctx, p, [2]func(*lab.PhoneConfig){behind("udp"), behind("tcp")})
	defer end()
	if err != nil {
		return "with TURN:", err
	}
	begin := time.Now()
	if err := bothHearBy(ctx, p, near, far, "turn"); err != nil {
		return "with TURN:", err
	}
	detail := fmt.Sprintf("walled in, both hear each other by TURN after %s", time.Since(begin).Round(time.Millisecond))
	if err := idle(ctx, p, near, far, "turn"); err != nil {
		return detail, err
	}
	return detail, near.Hangup(ctx)
}

// idle holds that edge's relay of calls carries nothing while both ends hear each
// other along another path.
func idle(ctx context.Context, p *pair.Pair, near, far *lab.Call, path string) error {
	before, err := relayed(ctx, p)
	if err != nil {
		return err
	}
	if err := bothHearBy(ctx, p, near, far, path); err != nil {
		return err
	}
	if after, err := relayed(ctx, p); err != nil || after != before {
		return fmt.Errorf("edge relayed %d packets while media took the path %s (%v)", after-before, path, err)
	}
	return nil
}

// bothHearBy waits until both ends of a call hear each other along a path, see
// pair.Paths.
func bothHearBy(ctx context.Context, p *pair.Pair, near, far *lab.Call, path string) error {
	for _, end := range []struct {
		who  string
		call *lab.Call
		tone float64
	}{{"alice", near, bobTone}, {"bob", far, aliceTone}} {
		for {
			heard, err := end.call.AwaitMedia(ctx, end.tone, enough)
			to, from := p.Paths(end.call)
			if err == nil && to == path && from == path {
				break
			}
			if err != nil {
				return fmt.Errorf("%s hears %s from %s and sends %s to %s: %w", end.who, from, heard.LastSource, to, end.call.Path(), err)
			}
		}
	}
	return nil
}

// relayed is how many packets of calls edge has taken in.
func relayed(ctx context.Context, p *pair.Pair) (n int, err error) {
	calls, err := p.Edge.Status(ctx, "Calls")
	if err != nil {
		return 0, err
	}
	calls.Walk(func(path string, leaf *xapi.Node) {
		if strings.HasSuffix(path, "Received") {
			got, _ := strconv.Atoi(leaf.Value)
			n += got
		}
	})
	if n == 0 {
		return 0, errors.New("edge knows of no call's media")
	}
	return n, nil
}

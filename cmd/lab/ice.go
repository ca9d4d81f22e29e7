package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
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
// other from the other's own address, and edge's relay carries nothing any more.
// Then that path is cut, and they hear each other by edge.
func (r *round) icePassthrough(ctx context.Context) (string, error) {
	net, release, err := pair.FreeNet() // call control over TLS, unlike the rest of the round
	if err != nil {
		return "", err
	}
	defer release()
	p, err := pair.New(ctx, pair.Config{Net: net, Path: lab.PathOutbound, Core: iceLines})
	if err != nil {
		return "", err
	}
	defer p.Close()
	var phones []*lab.Phone
	for i, tone := range []float64{aliceTone, bobTone} {
		phone, err := p.Phone([]string{"alice", "bob"}[i], tone, func(c *lab.PhoneConfig) { c.ICE = true })
		if err != nil {
			return "", err
		}
		defer phone.Close()
		if err := errors.Join(phone.Start(ctx), phone.Register(ctx)); err != nil {
			return "", err
		}
		phones = append(phones, phone)
	}
	near, err := phones[0].Call(ctx, "bob")
	if err != nil {
		return "", err
	}
	far, err := incoming(ctx, phones[1])
	if err != nil {
		return "", err
	}
	begin := time.Now()
	if err := bothHearBy(ctx, near, far, p.Outer, false); err != nil {
		return "before the cut:", err
	}
	direct := fmt.Sprintf("bob hears alice from %s and she him from %s after %s", far.Stats().LastSource, near.Stats().LastSource, time.Since(begin).Round(time.Millisecond))
	before, err := relayed(ctx, p)
	if err != nil {
		return direct, err
	}
	if err := bothHearBy(ctx, near, far, p.Outer, false); err != nil {
		return direct, err
	}
	if after, err := relayed(ctx, p); err != nil || after != before {
		return direct, fmt.Errorf("edge relayed %d packets while media was direct (%v)", after-before, err)
	}
	near.CutPaths(func(a netip.AddrPort) bool { return a.Addr() != p.Outer })
	begin = time.Now()
	if err := bothHearBy(ctx, near, far, p.Outer, true); err != nil {
		return direct + "; after the cut:", err
	}
	detail := fmt.Sprintf("%s; edge relays nothing more; that path cut, both hear each other by edge after %s", direct, time.Since(begin).Round(time.Millisecond))
	if after, err := relayed(ctx, p); err != nil || after == before {
		return detail, fmt.Errorf("edge's counters do not show it (%v)", err)
	}
	return detail, near.Hangup(ctx)
}

// bothHearBy waits until both ends of a call hear each other along a path: by edge,
// or from anywhere else.
func bothHearBy(ctx context.Context, near, far *lab.Call, edge netip.Addr, relay bool) error {
	for _, end := range []struct {
		who  string
		call *lab.Call
		tone float64
	}{{"alice", near, bobTone}, {"bob", far, aliceTone}} {
		for {
			heard, err := end.call.AwaitMedia(ctx, end.tone, enough)
			from, to := heard.LastSource, end.call.Path()
			if err == nil && (from.Addr() == edge) == relay && (to.Addr() == edge) == relay {
				break
			}
			if err != nil {
				return fmt.Errorf("%s hears from %s and sends to %s: %w", end.who, from, to, err)
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

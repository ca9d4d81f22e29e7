package pair

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"sallyport/test/lab"
)

// Place is a network that a phone may roam to: "office", inside and straight at
// call control; "outside", before edge; "lte", before edge as well, reached from
// another network outside.
func (p *Pair) Place(name string) (lab.Place, error) {
	p.phones++
	switch name {
	case "office":
		return lab.Place{Server: netip.AddrPortFrom(netip.MustParseAddr(p.Registrar()), 5060), Transport: "TCP",
			Local: netip.MustParseAddr(p.at(fmt.Sprint("2.", 100+p.phones%100)))}, nil
	case "outside", "lte":
		return lab.Place{Server: netip.AddrPortFrom(p.Outer, 5061), ServerName: EdgeName, Transport: "TLS",
			Local: p.Client(p.phones), Suites: lab.AllSuites(), Same: name == "lte"}, nil
	}
	return lab.Place{}, fmt.Errorf("there is no network %s", name)
}

// Move takes a phone in a call to another network, where it registers and
// sends a re-INVITE, and tells how long after that network was there each end
// heard the other for the first time: there is the far end's, back the phone's,
// by its new address only. Nothing is sent by the old path meanwhile, nor before
// the re-INVITE was answered.
func (p *Pair) Move(ctx context.Context, phone *lab.Phone, near, far *lab.Call, place string) (there, back time.Duration, err error) {
	near.Mute(true)
	if err := phone.Leave(ctx, false); err != nil {
		return 0, 0, err
	}
	to, err := p.Place(place)
	if err != nil {
		return 0, 0, err
	}
	begin := time.Now()
	if err := phone.Arrive(ctx, to); err != nil {
		return 0, 0, err
	}
	arrived := time.Now() // until then the old address could still be heard by
	if err := near.Renegotiate(ctx, "INVITE", ""); err != nil {
		return 0, 0, err
	}
	speaks := time.Now() // what is heard before was still under way from the old network
	near.Mute(false)
	heard, err := firstHeard(ctx, [2]*lab.Call{far, near}, [2]time.Time{speaks, arrived})
	if err != nil {
		return 0, 0, err
	}
	return heard[0].Sub(begin), heard[1].Sub(begin), nil
}

// firstHeard waits for the first packet that each call gets after its moment.
func firstHeard(ctx context.Context, calls [2]*lab.Call, after [2]time.Time) (heard [2]time.Time, err error) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		missing := false
		for i, c := range calls {
			if last := c.Stats().LastPacket; heard[i].IsZero() && last.After(after[i]) {
				heard[i] = last
			}
			missing = missing || heard[i].IsZero()
		}
		if !missing {
			return heard, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return heard, errors.New("nothing is heard")
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sallyport/test/lab"
	"sallyport/test/pair"
)

// roaming moves a client that agreed on session persistency with call control,
// in a call: to another network outside, into the office, and out again. Its far
// end is asked after each move whether it hears the client, and how long it did
// not; a request that came while the client was away must have reached it.
func (r *round) roaming(ctx context.Context) (string, error) {
	// Call control of this kind is another than the rest of the round has.
	net, release, err := pair.FreeNet()
	if err != nil {
		return "", err
	}
	defer release()
	p, err := pair.New(ctx, pair.Config{Net: net, World: func(w *lab.WorldConfig) {
		w.Registrar = func(c *lab.RegistrarConfig) { c.Persist = true }
	}})
	if err != nil {
		return "", err
	}
	defer p.Close()
	alice, err := p.Phone("alice", aliceTone, func(c *lab.PhoneConfig) { c.Persist = true })
	if err != nil {
		return "", err
	}
	defer alice.Close()
	if err := errors.Join(alice.Start(ctx), alice.Register(ctx)); err != nil {
		return "", err
	}
	near, err := alice.Call(ctx, "carol")
	if err != nil {
		return "", err
	}
	far := <-p.World.Carol.Incoming()
	if _, err := far.AwaitMedia(ctx, aliceTone, enough); err != nil {
		return "before any move:", err
	}
	detail := ""
	for _, place := range []string{"lte", "office", "outside"} {
		gap, err := move(ctx, p, alice, near, far, place)
		if err != nil {
			return detail, fmt.Errorf("to %s: %w", place, err)
		}
		detail += fmt.Sprintf("to %s: carol hears alice again %s after the new path was up; ", place, gap.Round(time.Millisecond))
	}
	if err := away(ctx, p, alice, near, far); err != nil {
		return detail, err
	}
	return detail + "what carol sent meanwhile arrived", near.Hangup(ctx)
}

// move takes a phone to another network and tells how long its far end heard
// nothing from when the new network was there. Nothing is sent by the old path
// meanwhile.
func move(ctx context.Context, p *pair.Pair, phone *lab.Phone, near, far *lab.Call, place string) (time.Duration, error) {
	near.Mute(true)
	if err := phone.Leave(ctx, false); err != nil {
		return 0, err
	}
	to, err := p.Place(place)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := phone.Arrive(ctx, to); err != nil {
		return 0, err
	}
	if !to.Same {
		if err := near.Renegotiate(ctx, "INVITE", ""); err != nil {
			return 0, err
		}
	}
	near.Mute(false)
	gap, err := heardAgain(ctx, far, begin)
	if err != nil {
		return 0, err
	}
	if _, err := far.AwaitMedia(ctx, aliceTone, enough); err != nil {
		return gap, fmt.Errorf("carol hears: %w", err)
	}
	_, err = near.AwaitMedia(ctx, lab.CarolTone, enough)
	return gap, err
}

// heardAgain waits for the first packet after begin.
func heardAgain(ctx context.Context, far *lab.Call, begin time.Time) (time.Duration, error) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if last := far.Stats().LastPacket; last.After(begin) {
			return last.Sub(begin), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, errors.New("nothing is heard")
		}
	}
}

// away has the far end hold the call while the phone is between two networks:
// the request waits at edge.
func away(ctx context.Context, p *pair.Pair, phone *lab.Phone, near, far *lab.Call) error {
	if err := phone.Leave(ctx, false); err != nil {
		return err
	}
	held := make(chan error, 1)
	go func() { held <- far.Hold(ctx) }()
	to, err := p.Place("lte")
	if err == nil {
		err = phone.Arrive(ctx, to)
	}
	if err := errors.Join(err, <-held); err != nil {
		return fmt.Errorf("carol's hold while alice was away: %w", err)
	}
	if !near.OnHold() {
		return errors.New("alice does not know that carol holds the call")
	}
	return far.Resume(ctx)
}

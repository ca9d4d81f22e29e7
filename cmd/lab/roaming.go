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
		there, back, err := move(ctx, p, alice, near, far, place)
		if err != nil {
			return detail, fmt.Errorf("to %s: %w", place, err)
		}
		detail += fmt.Sprintf("to %s: carol hears alice again %s and alice carol %s after the new path was up; ", place, there.Round(time.Millisecond), back.Round(time.Millisecond))
	}
	if err := away(ctx, p, alice, near, far); err != nil {
		return detail, err
	}
	return detail + "what carol sent meanwhile arrived", near.Hangup(ctx)
}

// move takes a phone to another network, has both ends hear each other again,
// and tells after how long they did.
func move(ctx context.Context, p *pair.Pair, phone *lab.Phone, near, far *lab.Call, place string) (there, back time.Duration, err error) {
	if there, back, err = p.Move(ctx, phone, near, far, place); err != nil {
		return there, back, err
	}
	if _, err := far.AwaitMedia(ctx, aliceTone, enough); err != nil {
		return there, back, fmt.Errorf("carol hears: %w", err)
	}
	_, err = near.AwaitMedia(ctx, lab.CarolTone, enough)
	return there, back, err
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

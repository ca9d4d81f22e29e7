package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"sallyport/test/lab"
	nodes "sallyport/test/pair"
)

// mediaGap names what mediaGaps measures.
const mediaGap = "media gap"

// gapBudget is the aim for a client that changes its network in a call.
const gapBudget = 500 * time.Millisecond

const gapTone = 440

// networks are those that the client goes to, in order, beginning outside.
func networks() []string { return []string{"lte", "office", "outside"} }

// mediaGaps has a phone change its network in a call, again and again.
func mediaGaps(ctx context.Context, opt options, b *book) error {
	if !opt.only.MatchString(mediaGap) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	net, release, err := nodes.FreeNet()
	if err != nil {
		return err
	}
	defer release()
	p, err := nodes.New(ctx, nodes.Config{Net: net, World: func(w *lab.WorldConfig) {
		w.Registrar = func(c *lab.RegistrarConfig) { c.Persist = true }
	}})
	if err != nil {
		return err
	}
	defer p.Close()
	phone, err := p.Phone("alice", gapTone, func(c *lab.PhoneConfig) { c.Persist = true })
	if err != nil {
		return err
	}
	defer phone.Close()
	near, far, err := talk(ctx, p, phone)
	if err != nil {
		return fmt.Errorf("%s: %w", mediaGap, err)
	}
	for round := range opt.rounds {
		for _, place := range networks() {
			there, back, err := p.Move(ctx, phone, near, far, place)
			if err != nil {
				return fmt.Errorf("%s: to %s: %w", mediaGap, place, err)
			}
			b.add(mediaGap, place, result{cost: float64(max(there, back))})
			fmt.Printf("round %d  %-22s %-11s there %s  back %s\n", round+1, mediaGap, place, there.Round(time.Millisecond), back.Round(time.Millisecond))
		}
	}
	return near.Hangup(ctx)
}

// talk sets up a call between the phone and carol inside.
func talk(ctx context.Context, p *nodes.Pair, phone *lab.Phone) (near, far *lab.Call, err error) {
	if err := phone.Start(ctx); err != nil {
		return nil, nil, err
	}
	if err := phone.Register(ctx); err != nil {
		return nil, nil, err
	}
	if near, err = phone.Call(ctx, "carol"); err != nil {
		return nil, nil, err
	}
	select {
	case far = <-p.World.Carol.Incoming():
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	_, err = far.AwaitMedia(ctx, gapTone, 10)
	return near, far, err
}

// gaps writes the section.
func (b *book) gaps(w *bytes.Buffer) {
	if len(b.results[mediaGap]) == 0 {
		return
	}
	fmt.Fprintf(w, "\n## Media gap of a client that changes its network: median (range)\n\n| to | gap after the new path was up | moves | aim | |\n|---|---|---|---|---|\n")
	for _, place := range networks() {
		if c := b.cost(mediaGap, place); c.n > 0 {
			fmt.Fprintf(w, "| %s | %.0f (%.0f–%.0f) ms | %d | ≤ %d ms | %s |\n", place, c.mid/1e6, c.low/1e6, c.top/1e6, c.n,
				gapBudget/time.Millisecond, yes(c.mid <= float64(gapBudget)))
		}
	}
}

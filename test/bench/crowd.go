package main

import (
	"context"
	"fmt"
	"time"
)

// crowds measures what many registered phones cost that say next to nothing:
// memory for each, and with -long the processor time of 10,000 of them that
// refresh in turn, 87 a second.
func crowds(ctx context.Context, w *world, opt options, b *book, subjects []*subject) error {
	for _, s := range subjects {
		if s.name == "bare relay" {
			continue // it has no registrations
		}
		r, err := s.crowd(ctx, w, 2000, 0, opt)
		if err != nil {
			return err
		}
		b.add("idle registrations", s.name, r)
		fmt.Printf("         %-22s %-11s %.1f kB each\n", "idle registrations", s.name, r.cost/1e3)
	}
	if !opt.long {
		return nil
	}
	for round := range 3 {
		for _, s := range turn(subjects, round) {
			r, err := s.crowd(ctx, w, 10_000, 87, opt)
			if err != nil {
				return err
			}
			b.add("REGISTER sparse", s.name, r)
			fmt.Printf("round %d  %-22s %-11s %s\n", round+1, "REGISTER sparse", s.name, r)
		}
	}
	return nil
}

// crowd connects n phones and measures memory for each, or, with a rate, the
// cost of their refreshes.
func (s *subject) crowd(ctx context.Context, w *world, n, rate int, opt options) (result, error) {
	pause(ctx, 2*time.Second) // what the last load left behind goes
	before := memory(s.proc.pids())
	var err error
	if s.fleet, err = connect(ctx, s.addr, n, w.clientTLS()); err != nil {
		return result{}, fmt.Errorf("%s: %w", s.name, err)
	}
	defer s.fleet.close()
	if rate > 0 {
		sc := scenario{job: register, rate: rate}
		opt.window = 8 * time.Second
		return s.run(ctx, sc, opt), nil
	}
	pause(ctx, 3*time.Second)
	return result{cost: float64(memory(s.proc.pids())-before) / float64(n)}, ctx.Err()
}

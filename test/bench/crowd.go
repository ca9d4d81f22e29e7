package main

import (
	"context"
	"fmt"
	"time"
)

// crowds measures what a registered phone costs in memory that says nothing:
// 2,000 of them, before anything else has left its garbage.
func crowds(ctx context.Context, w *world, opt options, b *book, subjects []*subject) error {
	for _, s := range subjects {
		if s.name == "bare relay" {
			continue // it has no registrations
		}
		r, err := s.crowd(ctx, w, 2000)
		if err != nil {
			return err
		}
		b.add("idle registrations", s.name, r)
		fmt.Printf("         %-22s %-11s %.1f kB each\n", "idle registrations", s.name, r.cost/1e3)
	}
	return nil
}

// crowd connects n phones and measures the memory of each.
func (s *subject) crowd(ctx context.Context, w *world, n int) (result, error) {
	f, err := connect(ctx, s.addr, 1, w.clientTLS()) // the link and what comes with it
	if err != nil {
		return result{}, fmt.Errorf("%s: %w", s.name, err)
	}
	f.close()
	pause(ctx, time.Second)
	before := memory(s.proc.pids())
	if f, err = connect(ctx, s.addr, n, w.clientTLS()); err != nil {
		return result{}, fmt.Errorf("%s: %w", s.name, err)
	}
	defer f.close()
	pause(ctx, 3*time.Second)
	return result{cost: float64(memory(s.proc.pids())-before) / float64(n)}, ctx.Err()
}

// sparse measures what 10,000 phones cost that refresh in turn, 87 a second:
// the load of the largest site this product is made for.
func sparse(ctx context.Context, w *world, opt options, b *book, subjects []*subject) error {
	opt.window = 8 * time.Second
	for round := range 3 {
		for _, s := range turn(subjects, round) {
			var err error
			if s.fleet, err = connect(ctx, s.addr, 10_000, w.clientTLS()); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			r := s.run(ctx, scenario{job: register, rate: 87}, opt)
			s.fleet.close()
			b.add("REGISTER sparse", s.name, r)
			fmt.Printf("round %d  %-22s %-11s %s\n", round+1, "REGISTER sparse", s.name, r)
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"syscall"
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

// sparseLoad names what sparse measures.
const (
	sparseLoad   = "REGISTER sparse"
	sparsePhones = 10_000
	sparseRounds = 3
	sparseRate   = 87
	sparseLimit  = 3 * time.Minute // for one subject to take all phones
)

// sparse measures what 10,000 phones cost that refresh in turn, 87 a second:
// the load of the largest site this product is made for. A subject that does
// not take them in time, or a machine that does not let one process hold as
// many files, is said and ends nothing.
func sparse(ctx context.Context, w *world, opt options, b *book, subjects []*subject) error {
	if have := maxFiles(); have < sparsePhones+sparsePhones/10 {
		b.skip(fmt.Sprintf("%s: one process may hold %d files here, %d phones need more (ulimit -Hn)", sparseLoad, have, sparsePhones))
		return nil
	}
	defer debug.SetGCPercent(debug.SetGCPercent(50)) // so many phones need memory more than this program needs speed
	opt.window = 8 * time.Second
	for round := range sparseRounds {
		for _, s := range turn(subjects, round) {
			r := s.sparse(ctx, w, opt)
			if err := ctx.Err(); err != nil {
				return err
			}
			b.add(sparseLoad, s.name, r)
			fmt.Printf("round %d  %-22s %-11s %s\n", round+1, sparseLoad, s.name, r)
		}
	}
	return nil
}

// sparse is one subject's turn.
func (s *subject) sparse(ctx context.Context, w *world, opt options) (r result) {
	limited, cancel := context.WithTimeout(ctx, sparseLimit)
	defer cancel()
	var err error
	if s.fleet, err = connect(limited, s.addr, sparsePhones, w.clientTLS()); s.fleet != nil {
		defer s.fleet.close()
	}
	if err != nil {
		return result{failed: 1, why: err}
	}
	return s.run(ctx, scenario{job: register, rate: sparseRate}, opt)
}

// maxFiles raises what this process, and what it starts, may hold open, and
// tells how many that is.
func maxFiles() uint64 {
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) != nil {
		return 0
	}
	lim.Cur = lim.Max
	_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim) // once set by hand it is passed on to what is started
	return lim.Cur
}

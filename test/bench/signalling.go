package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// A scenario is one kind of load. The far end's ringing and the phones' hold
// are zero under saturation, where only the work counts.
type scenario struct {
	name   string
	job    job
	flight int // outstanding jobs, or
	rate   int // jobs per second
	ring   time.Duration
	hold   time.Duration
	what   string
}

func scenarios() []scenario {
	const ring, hold = 20 * time.Millisecond, 40 * time.Millisecond
	return []scenario{
		{name: "REGISTER saturated", job: register, flight: 64, what: "refresh with credentials, 64 outstanding"},
		{name: "REGISTER paced", job: register, rate: 1000, what: "the same, 1000 per second"},
		{name: "call saturated", job: call, flight: 128, what: "INVITE/180/200/ACK/BYE/200, 1.1 kB body that no proxy reads, 128 outstanding"},
		{name: "call paced", job: call, rate: 200, ring: ring, hold: hold, what: "the same, 200 per second, rings 20 ms, lasts 40 ms"},
		{name: "media call saturated", job: mediaCall, flight: 128, what: "the body is an SRTP offer: edge checks and rewrites it and opens ports, Kamailio passes it on"},
		{name: "media call paced", job: mediaCall, rate: 200, ring: ring, hold: hold, what: "the same, 200 per second, rings 20 ms, lasts 40 ms"},
	}
}

// signalling runs the scenarios, every subject in its turn.
func signalling(ctx context.Context, w *world, opt options, b *book) error {
	var todo []scenario
	for _, s := range scenarios() {
		if opt.only.MatchString(s.name) {
			todo = append(todo, s)
		}
	}
	idle, delays := opt.only.MatchString("idle registrations"), opt.only.MatchString(setupDelay)
	if len(todo) == 0 && !idle && !delays && !opt.long {
		return nil
	}
	subjects, err := startSubjects(ctx, w, opt, b)
	if err != nil {
		return err
	}
	if idle {
		if err := crowds(ctx, w, opt, b, subjects); err != nil {
			return err
		}
	}
	if err := connectAll(ctx, w, subjects, opt.clients); err != nil {
		return err
	}
	for round := range opt.rounds {
		for _, sc := range todo {
			for _, s := range turn(subjects, round) {
				if err := ctx.Err(); err != nil {
					return err
				}
				r := s.run(ctx, sc, opt)
				b.add(sc.name, s.name, r)
				fmt.Printf("round %d  %-22s %-11s %s\n", round+1, sc.name, s.name, r)
			}
		}
	}
	if delays {
		if err := setups(ctx, w, opt, b, subjects); err != nil {
			return err
		}
	}
	for _, s := range subjects {
		s.fleet.close()
	}
	if opt.long {
		return sparse(ctx, w, opt, b, subjects)
	}
	return nil
}

// turn is the order of a round: forwards and backwards in turns.
func turn(all []*subject, round int) []*subject {
	if round%2 == 0 {
		return all
	}
	back := make([]*subject, 0, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		back = append(back, all[i])
	}
	return back
}

func startSubjects(ctx context.Context, w *world, opt options, b *book) ([]*subject, error) {
	var all []*subject
	for _, f := range []struct {
		name  string
		start func(context.Context, *world) (*subject, error)
	}{{"edge", startEdge}, {"Kamailio", startKamailio}, {"bare relay", startBare}} {
		if !opt.among.MatchString(f.name) {
			continue
		}
		s, err := f.start(ctx, w)
		switch {
		case errors.Is(err, errMissing):
			b.skip(err.Error())
		case err != nil:
			return nil, err
		default:
			all = append(all, s)
		}
	}
	return all, nil
}

func connectAll(ctx context.Context, w *world, subjects []*subject, n int) error {
	for _, s := range subjects {
		var err error
		if s.fleet, err = connect(ctx, s.addr, n, w.clientTLS()); err != nil {
			return fmt.Errorf("%s: %w: %s", s.name, err, s.proc.tail())
		}
	}
	return nil
}

// run puts one load on the subject and measures it.
func (s *subject) run(ctx context.Context, sc scenario, opt options) result {
	f := s.fleet
	s.far.ring(sc.ring)
	f.hold.Store(int64(sc.hold))
	f.forget()
	defer uncollected()()
	loadCtx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if sc.flight > 0 {
			f.saturate(loadCtx, sc.job, sc.flight)
		} else {
			f.pace(loadCtx, sc.job, sc.rate)
		}
	}()
	pause(ctx, opt.warm)
	pids := s.pids()
	cpu, jobs, begun := spent(pids), f.done.Load(), time.Now()
	pause(ctx, opt.window)
	cpu, jobs = spent(pids)-cpu, f.done.Load()-jobs
	took := time.Since(begun)
	stop()
	<-done
	r := result{rate: float64(jobs) / took.Seconds(), busy: cpu.Seconds() / took.Seconds(), failed: f.failed.Load(), missed: f.missed.Load()}
	if err := f.settle(ctx, 5*time.Second); err != nil {
		r.failed++
		f.note(err)
	}
	if jobs > 0 {
		r.cost = float64(cpu) / float64(jobs)
	}
	if r.failed > 0 {
		r.why = f.firstError()
	}
	r.p50, r.p99 = f.quantiles()
	return r
}

// loadMemory is what this program may hold before it collects in spite of all.
const loadMemory = 4 << 30

// uncollected has this program's own collector rest until the function that it
// returns is called: phones and far ends that stand still for it would count as
// delay of the subject.
func uncollected() func() {
	runtime.GC()
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(loadMemory)
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

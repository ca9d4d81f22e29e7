package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// calls is how many two-way calls every media subject carries.
const calls = 200

// A way is one path of media: a set of calls through the process whose cost
// is measured, and through whatever stands behind it.
type way struct {
	subject string
	open    func(ctx context.Context) error // sets the calls up if they are not
	close   func()                          // ends them; nil if they stay for all rounds
	proc    *process                        // the subject's
	streams *streams
}

// mediaBench measures the processor time of a packet: through edge, which
// passes SRTP on, through core, which turns it into RTP, and through
// rtpengine, which does either.
func mediaBench(ctx context.Context, w *world, opt options, b *book) error {
	loads := mediaLoads(opt)
	if len(loads) > 0 {
		ways, err := mediaWays(w, b)
		if err != nil {
			return err
		}
		for round := range opt.rounds {
			for i := range ways {
				y := ways[i]
				if round%2 == 1 {
					y = ways[len(ways)-1-i]
				}
				if err := y.round(ctx, b, loads, round, opt.window); err != nil {
					return err
				}
			}
		}
	}
	if !opt.only.MatchString(callMemory) {
		return nil
	}
	return mediaMemory(ctx, w, b)
}

// A load is one rate of packets; 0 means as many as pass.
type load struct {
	name string
	rate int
}

func mediaLoads(opt options) []load {
	all := []load{
		{"media paced", calls * 50 * 2},
		{"media dense", calls * 50 * 6},
		{"media most", 0}, // the last, because rtpengine does not always recover from too much
	}
	return slices.DeleteFunc(all, func(l load) bool { return !opt.only.MatchString(l.name) })
}

// round measures each load once and writes it down. What cannot be measured
// is an unsound round with its reason.
func (y *way) round(ctx context.Context, b *book, loads []load, round int, window time.Duration) error {
	if y.close != nil {
		defer y.close()
	}
	for _, l := range loads {
		var r result
		if l.rate > 0 {
			r = y.try(ctx, l.rate, window)
		} else {
			r = y.most(ctx)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b.add(l.name, y.subject, r)
		fmt.Printf("round %d  %-12s %-14s %6.2f us  %7.0f/s  busy %3.0f %%  lost %.2f %%  p50 %s  p99 %s  %s\n", round+1, l.name, y.subject,
			r.cost/1e3, r.rate, 100*r.busy, 100*r.lost, r.p50.Round(time.Microsecond), r.p99.Round(time.Microsecond), reason(r))
	}
	return nil
}

// try measures, and once more with calls set up anew if that was not sound:
// it may have been somebody else's burst of work, and rtpengine does not
// recover from every one.
func (y *way) try(ctx context.Context, rate int, window time.Duration) (r result) {
	for range 2 {
		if err := y.ready(ctx); err != nil {
			r = result{failed: 1, why: err}
		} else {
			r = y.measure(ctx, rate, window)
		}
		if r.sound() || ctx.Err() != nil {
			return r
		}
		if y.close != nil {
			y.close()
		}
	}
	return r
}

// ready sets the calls up if they are not, and sees that they flow.
func (y *way) ready(ctx context.Context) error {
	if err := y.open(ctx); err != nil {
		return err
	}
	return y.prime(ctx)
}

// reason says why a result is unsound.
func reason(r result) string {
	if r.sound() {
		return ""
	}
	return fmt.Sprint("UNSOUND: ", cmp.Or(r.why, errors.New("no reason known")))
}

// What a sound round may lose of all packets, and what may still be under way
// when its window ends.
const (
	mayLose = 0.01
	mayOwe  = 0.1
)

// prime sends gently until media flows both ways in every call.
func (y *way) prime(ctx context.Context) error {
	var last tally
	for range 20 {
		before := y.streams.tally()
		y.streams.run(ctx, calls*20, 300*time.Millisecond)
		if last = y.streams.tally().less(before); ctx.Err() == nil && last.sent > 0 && last.got >= last.sent*98/100 {
			return nil
		}
	}
	return cmp.Or(ctx.Err(), fmt.Errorf("media does not flow: %d of %d packets came through: %s", last.got, last.sent, y.proc.tail()))
}

// measure sends at a rate and finds what a packet costs the subject.
func (y *way) measure(ctx context.Context, perSecond int, window time.Duration) result {
	s := y.streams
	all := s.tally()
	s.run(ctx, perSecond, 300*time.Millisecond)
	s.delays()
	count, begun, before := s.tally(), time.Now(), spent([]int{y.proc.cmd.Process.Pid})
	s.run(ctx, perSecond, window)
	took, cpu := time.Since(begun), spent([]int{y.proc.cmd.Process.Pid})-before
	count = s.tally().less(count)
	s.drain(ctx)
	all = s.tally().less(all)
	r := result{rate: float64(count.got) / took.Seconds(), offered: float64(count.sent) / took.Seconds(),
		busy: cpu.Seconds() / took.Seconds(), lost: all.missing(), cost: float64(cpu) / float64(max(count.got, 1))}
	if r.why = fault(count, all); r.why != nil {
		r.failed = 1
	}
	if d := s.delays(); len(d) > 0 {
		slices.Sort(d)
		r.p50, r.p99 = d[len(d)/2], d[len(d)*99/100]
	}
	return r
}

// fault says why a measurement does not count: count is what passed in its
// window, all what passed until nothing more came.
func fault(count, all tally) error {
	switch {
	case count.got == 0:
		return errors.New("nothing came through")
	case all.bad > 0:
		return fmt.Errorf("%d packets came spoilt", all.bad)
	case all.missing() > mayLose:
		return fmt.Errorf("%.1f %% of the packets lost", 100*all.missing())
	case count.missing() > mayOwe:
		return fmt.Errorf("it fell behind by %.0f %% of the packets", 100*count.missing())
	}
	return nil
}

// most raises the rate until packets are lost or this program cannot send
// more, and returns the last that was whole.
func (y *way) most(ctx context.Context) (best result) {
	for rate := calls * 50 * 8; ctx.Err() == nil; rate += rate / 3 {
		r := y.try(ctx, rate, 600*time.Millisecond)
		if !r.sound() && best.cost > 0 {
			return best
		}
		if best = r; !r.sound() || r.offered < 0.95*float64(rate) {
			return best
		}
	}
	return best
}

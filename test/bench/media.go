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
	open    func(ctx context.Context) error // makes ready for a round: calls that stand, streams that reach them
	close   func()                          // ends a round, if not nil
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
	err := y.open(ctx)
	if err == nil {
		err = y.prime(ctx)
	}
	for _, l := range loads {
		r := result{failed: 1, why: err}
		switch {
		case err != nil:
		case l.rate > 0:
			r = y.measure(ctx, l.rate, window)
			if r.lost > mayLose {
				r.failed, r.why = max(r.failed, 1), fmt.Errorf("%.1f %% of the packets lost", 100*r.lost)
			}
		default:
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

// reason says why a result is unsound.
func reason(r result) string {
	if r.sound() {
		return ""
	}
	return fmt.Sprint("UNSOUND: ", cmp.Or(r.why, errors.New("no reason known")))
}

// mayLose is the share of packets that a sound round may lose.
const mayLose = 0.01

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
	s.run(ctx, perSecond, 300*time.Millisecond)
	s.delays()
	count, begun, before := s.tally(), time.Now(), spent([]int{y.proc.cmd.Process.Pid})
	s.run(ctx, perSecond, window)
	took, cpu := time.Since(begun), spent([]int{y.proc.cmd.Process.Pid})-before
	count = s.tally().less(count)
	s.run(ctx, 0, 50*time.Millisecond) // what is still on its way does not count for the next
	r := result{rate: float64(count.got) / took.Seconds(), offered: float64(count.sent) / took.Seconds(),
		busy: cpu.Seconds() / took.Seconds(), lost: max(0, 1-float64(count.got)/float64(max(count.sent, 1)))}
	if r.failed = count.bad; r.failed > 0 {
		r.why = fmt.Errorf("%d packets came spoilt", count.bad)
	}
	if count.got > 0 {
		r.cost = float64(cpu) / float64(count.got)
	} else {
		r.failed, r.why = max(r.failed, 1), errors.New("nothing came through")
	}
	if d := s.delays(); len(d) > 0 {
		slices.Sort(d)
		r.p50, r.p99 = d[len(d)/2], d[len(d)*99/100]
	}
	return r
}

// most raises the rate until packets are lost twice or this program cannot
// send more, and returns the last that was whole.
func (y *way) most(ctx context.Context) result {
	best := result{failed: 1, why: errors.New("packets were lost from the beginning")}
	for rate := calls * 50 * 8; ctx.Err() == nil; rate += rate / 3 {
		r := y.measure(ctx, rate, 600*time.Millisecond)
		if r.lost > mayLose || !r.sound() {
			r = y.measure(ctx, rate, 600*time.Millisecond) // somebody else's burst of work, perhaps
		}
		if r.lost > mayLose || !r.sound() {
			break
		}
		best = r
		if r.offered < 0.95*float64(rate) {
			break
		}
	}
	return best
}

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"sallyport/appliance/media"
)

// calls is how many two-way calls every media subject carries.
const calls = 200

// A way is one path of media: a set of calls, and the processes it runs
// through with the names that their costs are noted under.
type way struct {
	name    string
	streams *streams
	costs   []cost
}

// A cost is one process of a way.
type cost struct {
	subject string
	proc    *process
}

// suites are those measured, with the names they go by.
func suites() []struct{ name, suite string } {
	return []struct{ name, suite string }{{"CM", "AES_CM_128_HMAC_SHA1_80"}, {"GCM", "AEAD_AES_128_GCM"}}
}

// mediaBench measures the processor time of a packet: through edge, which
// passes SRTP on, through core, which turns it into RTP, and through
// rtpengine, which does either.
func mediaBench(ctx context.Context, w *world, opt options, b *book) error {
	loads := mediaLoads(opt)
	if len(loads) == 0 {
		return nil
	}
	ways, err := mediaWays(ctx, w, b)
	if err != nil {
		return err
	}
	for _, y := range ways {
		w.later(y.streams.listen())
		if err := y.prime(ctx); err != nil {
			return err
		}
	}
	for round := range opt.rounds {
		for i := range ways {
			y := ways[i]
			if round%2 == 1 {
				y = ways[len(ways)-1-i]
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			for _, l := range loads {
				if l.rate > 0 {
					y.note(b, l.name, round, y.measure(ctx, l.rate, opt.window))
				} else {
					y.note(b, l.name, round, y.most(ctx))
				}
			}
		}
	}
	return nil
}

// A load is one rate of packets; 0 means as many as pass.
type load struct {
	name string
	rate int
	what string
}

func mediaLoads(opt options) []load {
	all := []load{
		{"media paced", calls * 50 * 2, "200 two-way calls of 50 packets a second"},
		{"media dense", calls * 50 * 6, "three times that"},
		{"media most", 0, "as much as passes with less than 1 % lost; edge and core share one processor here, rtpengine has it alone"},
	}
	return slices.DeleteFunc(all, func(l load) bool { return !opt.only.MatchString(l.name) })
}

// note writes one measurement down for every process of the way.
func (y *way) note(b *book, scenario string, round int, found []result) {
	for i, c := range y.costs {
		b.add(scenario, c.subject, found[i])
		fmt.Printf("round %d  %-22s %-15s %6.2f us  %7.0f/s  lost %.2f %%\n", round+1, scenario, c.subject,
			found[i].cost/1e3, found[i].rate, 100*found[i].lost)
	}
}

// prime sends gently until media flows both ways in every call.
func (y *way) prime(ctx context.Context) error {
	for range 20 {
		r := y.measure(ctx, calls*20, 300*time.Millisecond)[0]
		if r.lost < 0.02 && r.rate > 0 {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return fmt.Errorf("%s: media does not flow: %d packets came to the phone, %d to the other side", y.name,
		y.streams.phone.got.Load(), y.streams.uc.got.Load())
}

// measure sends at a rate and finds what a packet costs each process.
func (y *way) measure(ctx context.Context, perSecond int, window time.Duration) []result {
	pumpCtx, stop := context.WithCancel(ctx)
	var sent atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		y.streams.pump(pumpCtx, perSecond, &sent)
	}()
	pause(ctx, 200*time.Millisecond)
	got, out, begun := y.streams.got(), sent.Load(), time.Now()
	bad := y.streams.phone.bad.Load() + y.streams.uc.bad.Load()
	before := y.spent()
	pause(ctx, window)
	after := y.spent()
	got, out = y.streams.got()-got, sent.Load()-out
	took := time.Since(begun)
	stop()
	<-done
	pause(ctx, 50*time.Millisecond) // what is still on its way does not count for the next
	results := make([]result, len(y.costs))
	for i := range results {
		r := &results[i]
		cpu := after[i] - before[i]
		r.rate, r.busy = float64(got)/took.Seconds(), cpu.Seconds()/took.Seconds()
		r.lost = max(0, 1-float64(got)/float64(max(out, 1)))
		r.offered = float64(out) / took.Seconds()
		r.failed = y.streams.phone.bad.Load() + y.streams.uc.bad.Load() - bad
		if got > 0 {
			r.cost = float64(cpu) / float64(got)
		}
	}
	return results
}

func (y *way) spent() []time.Duration {
	all := make([]time.Duration, len(y.costs))
	for i, c := range y.costs {
		all[i] = spent([]int{c.proc.cmd.Process.Pid})
	}
	return all
}

// most raises the rate until packets are lost or this program cannot send
// more, and returns the last that was whole.
func (y *way) most(ctx context.Context) []result {
	var best []result
	for rate := calls * 50 * 4; ctx.Err() == nil; rate += rate / 3 {
		r := y.measure(ctx, rate, 600*time.Millisecond)
		if r[0].lost > 0.01 || r[0].failed > 0 {
			break
		}
		best = r
		if r[0].offered < 0.95*float64(rate) {
			break
		}
	}
	if best == nil {
		best = make([]result, len(y.costs))
	}
	return best
}

func mediaWays(ctx context.Context, w *world, b *book) ([]*way, error) {
	ours, err := ownWays(w)
	if err != nil {
		return nil, err
	}
	theirs, err := rtpengineWays(ctx, w)
	if errors.Is(err, errMissing) {
		b.skip(err.Error())
		return ours, nil
	}
	var all []*way
	for i := range max(len(ours), len(theirs)) { // in turns
		if i < len(ours) {
			all = append(all, ours[i])
		}
		if i < len(theirs) {
			all = append(all, theirs[i])
		}
	}
	return all, err
}

// ownWays run through both of our relays: SRTP at the phone, SRTP in frames on
// the link, RTP inside.
func ownWays(w *world) ([]*way, error) {
	edge, err := startRelay(w, "edge")
	if err != nil {
		return nil, err
	}
	core, err := startRelay(w, "core")
	if err != nil {
		return nil, err
	}
	var ways []*way
	for n, s := range suites() {
		y := &way{name: "own " + s.name, costs: []cost{{"edge " + s.name, edge.process}, {"core " + s.name, core.process}}}
		if y.streams, err = newStreams(phoneAddr, ucAddr); err != nil {
			return nil, err
		}
		for i := range calls {
			if err := y.callBoth(edge, core, uint64(n*calls+i+1), s.suite, i); err != nil {
				return nil, err
			}
		}
		ways = append(ways, y)
	}
	return ways, nil
}

func (y *way) callBoth(edge, core *relay, id uint64, suite string, call int) error {
	keys, crypto := keysFor(suite, call)
	offer := y.streams.phone.description("RTP/SAVP", crypto)
	var err error
	for _, r := range []*relay{edge, core} {
		if offer, err = r.pass(id, true, media.Offer, offer); err != nil {
			return err
		}
	}
	answer := y.streams.uc.description("RTP/AVP", "")
	for _, r := range []*relay{core, edge} {
		if answer, err = r.pass(id, false, media.Answer, answer); err != nil {
			return err
		}
	}
	return y.join(offer, answer, keys)
}

// join tells both ends what came of offer and answer.
func (y *way) join(offer, answer string, keys *keySet) error {
	toUC, _, err := readDescription(offer)
	if err != nil {
		return err
	}
	toPhone, theirs, err := readDescription(answer)
	if err != nil {
		return err
	}
	if err := y.streams.uc.add(toUC, nil, nil); err != nil {
		return err
	}
	return y.streams.phone.add(toPhone, keys, theirs)
}

// rtpengineWays are the same calls through rtpengine: RTP on both sides, and
// SRTP at the phone with RTP inside.
func rtpengineWays(ctx context.Context, w *world) ([]*way, error) {
	e, err := startRTPEngine(ctx, w)
	if err != nil {
		return nil, err
	}
	plain, err := e.way("RTP", "")
	if err != nil {
		return nil, err
	}
	ways := []*way{plain}
	for _, s := range suites() {
		y, err := e.way(s.name, s.suite)
		if err != nil {
			return nil, err
		}
		ways = append(ways, y)
	}
	return ways, nil
}

func (e *rtpengine) way(name, suite string) (*way, error) {
	y := &way{name: "rtpengine " + name, costs: []cost{{"rtpengine " + name, e.process}}}
	var err error
	if y.streams, err = newStreams(phoneAddr, ucAddr); err != nil {
		return nil, err
	}
	for i := range calls {
		if err := e.call(y, fmt.Sprintf("%s-%d", name, i), suite, i); err != nil {
			return nil, err
		}
	}
	return y, nil
}

func (e *rtpengine) call(y *way, id, suite string, call int) error {
	var keys *keySet
	profile, crypto := "RTP/AVP", ""
	if suite != "" {
		profile = "RTP/SAVP"
		keys, crypto = keysFor(suite, call)
	}
	offer, err := e.pass("offer", id, y.streams.phone.description(profile, crypto), map[string]any{"transport-protocol": "RTP/AVP"})
	if err != nil {
		return err
	}
	answer, err := e.pass("answer", id, y.streams.uc.description("RTP/AVP", ""), nil)
	if err != nil {
		return err
	}
	if suite != "" && !strings.Contains(answer, "a=crypto:") {
		return fmt.Errorf("rtpengine answers without keys: %q", answer)
	}
	return y.join(offer, answer, keys)
}

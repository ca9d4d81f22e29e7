package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"
)

// setupDelay names what setups measures.
const setupDelay = "set-up delay"

// directAt is a far end that phones reach without any node between.
const directAt = "127.20.1.4"

// setups measures what each node adds to the time from INVITE to 180, at the
// rate of a busy day and at half of what it carries: calls that go straight to a far end, through edge, and
// through edge and core, in turns and at one rate.
func setups(ctx context.Context, w *world, opt options, b *book, subjects []*subject) error {
	at := slices.IndexFunc(subjects, func(s *subject) bool { return s.name == "edge" })
	if at < 0 {
		return nil
	}
	edge := subjects[at]
	direct := &subject{name: "direct", addr: directAt + ":" + linkPort, proc: edge.proc, far: &farEnd{}}
	stop, err := direct.far.serve(w.serverTLS(), direct.addr, false)
	if err != nil {
		return err
	}
	defer stop()
	if direct.fleet, err = connect(ctx, direct.addr, opt.clients, w.clientTLS()); err != nil {
		return fmt.Errorf("direct: %w", err)
	}
	defer direct.fleet.close()
	if err := compareDelay(ctx, opt, b, "edge", edge, direct); err != nil {
		return err
	}
	pair, err := startWhole(ctx, w, 8, "edge and core", false)
	if err != nil {
		return err
	}
	defer func() {
		for _, p := range append(pair.more, pair.proc) {
			p.stop()
		}
	}()
	if pair.fleet, err = connect(ctx, pair.addr, pairClients, w.clientTLS()); err != nil {
		return fmt.Errorf("edge and core: %w: %s", err, pair.proc.tail())
	}
	defer pair.fleet.close()
	return compareDelay(ctx, opt, b, "core", pair, edge)
}

// busyRate is calls a second that few nodes will ever meet.
const busyRate = 500

// atRate and atHalf name the two loads.
const (
	atRate = "500 a second"
	atHalf = "half load"
)

func delayOf(node, load string) string { return setupDelay + " of " + node + ", " + load }

// compareDelay finds what a subject carries and takes both at a fixed rate and
// at half of that.
func compareDelay(ctx context.Context, opt options, b *book, node string, with, without *subject) error {
	most := with.run(ctx, scenario{job: call, flight: 32}, opt)
	if !most.sound() {
		return fmt.Errorf("%s does not carry calls: %w", with.name, most.why)
	}
	for _, at := range []struct {
		name string
		rate int
	}{{atRate, busyRate}, {atHalf, max(int(most.rate/2), 1)}} {
		load := scenario{name: delayOf(node, at.name), job: call, rate: at.rate}
		if err := takeTurns(ctx, opt, b, load, with, without); err != nil {
			return err
		}
	}
	return nil
}

// takeTurns puts one load on both, round by round.
func takeTurns(ctx context.Context, opt options, b *book, load scenario, with, without *subject) error {
	for round := range opt.rounds {
		for _, s := range turn([]*subject{with, without}, round) {
			r := s.run(ctx, load, opt)
			r.cost = max(r.cost, 1) // not what counts here, and nothing where there is no node
			b.add(load.name, s.name, r)
			fmt.Printf("round %d  %-35s %-13s %s\n", round+1, load.name, s.name, r)
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// delayBudget is what a node may add for all but one call in a hundred.
const delayBudget = 3 * time.Millisecond

// setupDelays writes the section: with the node less without it, round by round.
func (b *book) setupDelays(w *bytes.Buffer) {
	if len(b.results[delayOf("edge", atRate)]) == 0 {
		return
	}
	fmt.Fprintf(w, "\n## Added call set-up delay, INVITE to 180: median of the rounds (range)\n\n")
	fmt.Fprintf(w, "| node | load | calls per second | p50 with | p50 without | p50 added | p99 with | p99 without | p99 added | budget | |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, load := range []string{atRate, atHalf} {
		b.addedDelay(w, "edge", load, "edge", "direct")
		b.addedDelay(w, "core", load, "edge and core", "edge")
	}
}

// addedDelay writes the line of one node.
func (b *book) addedDelay(w *bytes.Buffer, node, load, with, without string) {
	var rate, mid, midBare, midMore, top, topBare, topMore []float64
	of := b.results[delayOf(node, load)]
	for i := range min(len(of[with]), len(of[without])) {
		if a, z := of[with][i], of[without][i]; a.sound() && z.sound() {
			rate = append(rate, a.rate)
			mid, midBare, midMore = append(mid, milliseconds(a.p50)), append(midBare, milliseconds(z.p50)), append(midMore, milliseconds(a.p50-z.p50))
			top, topBare, topMore = append(top, milliseconds(a.p99)), append(topBare, milliseconds(z.p99)), append(topMore, milliseconds(a.p99-z.p99))
		}
	}
	if len(rate) == 0 {
		return
	}
	fmt.Fprintf(w, "| %s | %s | %.0f | %s | %s | %s | %s | %s | %s | ≤ %d ms | %s |\n", node, load, spreadOf(rate).mid, ms(mid), ms(midBare), ms(midMore),
		ms(top), ms(topBare), ms(topMore), delayBudget/time.Millisecond, yes(spreadOf(topMore).mid <= milliseconds(delayBudget)))
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1e3 }

// ms is a median of milliseconds with its range.
func ms(v []float64) string {
	s := spreadOf(v)
	return fmt.Sprintf("%.2f (%.2f–%.2f) ms", s.mid, s.low, s.top)
}

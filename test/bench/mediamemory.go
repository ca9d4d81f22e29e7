package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// callMemory names what mediaMemory measures: heldCalls on top of firstCalls,
// which have filled what is there once.
const (
	callMemory = "memory of a call"
	firstCalls = 200
	heldCalls  = 1000
)

// mediaMemory measures what a call takes while packets flow: the growth of
// each process by a thousand more.
func mediaMemory(ctx context.Context, w *world, b *book) error {
	p, err := startPair(w, 2, subjectCPU, subjectCPU)
	if err != nil {
		return err
	}
	suite := suites()[0].suite
	ours := func(s *streams, i int) error { return p.call(s, suite, i) }
	trim := func() error { return errors.Join(p.edge.trim(), p.core.trim()) }
	if err := holdCalls(ctx, b, ours, trim, map[string]*process{"edge": p.edge.process, "core": p.core.process}); err != nil {
		return err
	}
	binary, err := findRTPEngine()
	if err != nil {
		return nil // said before
	}
	e, err := startRTPEngine(ctx, w, binary)
	if err != nil {
		return err
	}
	theirs := func(s *streams, i int) error { return e.call(s, fmt.Sprint("held-", i), suite, i) }
	return holdCalls(ctx, b, theirs, func() error { return nil }, map[string]*process{"rtpengine": e.process})
}

func holdCalls(ctx context.Context, b *book, call func(*streams, int) error, trim func() error, procs map[string]*process) error {
	s, err := newStreams(phoneAddr, ucAddr)
	if err != nil {
		return err
	}
	defer s.close()
	before := map[string]held{}
	for n, at := 0, firstCalls; ; at = firstCalls + heldCalls {
		for ; n < at; n++ {
			if err := call(s, n); err != nil {
				return err
			}
		}
		s.run(ctx, 10*n, 2*time.Second)
		if err := trim(); err != nil {
			return err
		}
		if at > firstCalls {
			break
		}
		for name, p := range procs {
			before[name] = holds(p)
		}
	}
	for name, p := range procs {
		now := holds(p)
		r := result{cost: float64(now.bytes-before[name].bytes) / heldCalls, rate: float64(now.files-before[name].files) / heldCalls}
		b.add(callMemory, name, r)
		fmt.Printf("         %-22s %-11s %.1f kB and %.1f sockets each\n", callMemory, name, r.cost/1e3, r.rate)
	}
	return ctx.Err()
}

// held is what a process has.
type held struct {
	bytes int64
	files int
}

func holds(p *process) held {
	pid := p.cmd.Process.Pid
	files, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return held{memory([]int{pid}), len(files)}
}

// callBudget is what a call may take in userspace, in bytes.
const callBudget = 10_000

// callMemory writes the section on memory.
func (b *book) callMemory(w *bytes.Buffer) {
	all := b.results[callMemory]
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(w, "\n## Memory of a call, 1,000 held\n\n| subject | each | sockets | budget | |\n|---|---|---|---|---|\n")
	for _, name := range []string{"edge", "core", "rtpengine"} {
		c := b.cost(callMemory, name)
		if c.n == 0 {
			continue
		}
		budget, met := "–", "–"
		if name != "rtpengine" {
			budget, met = fmt.Sprintf("≤ %d kB", callBudget/1000), yes(c.mid <= callBudget)
		}
		fmt.Fprintf(w, "| %s | %.1f kB | %.0f | %s | %s |\n", name, c.mid/1e3, all[name][0].rate, budget, met)
	}
}

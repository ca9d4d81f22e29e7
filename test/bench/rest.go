package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// restMemory names what atRest measures.
const restMemory = "at rest"

// restBudget is what a node may hold while nobody is there, in bytes.
const restBudget = 60_000_000

// atRest measures what both nodes' processes hold when their link is up and
// nobody has registered.
func atRest(ctx context.Context, w *world, opt options, b *book) error {
	if !opt.only.MatchString(restMemory) {
		return nil
	}
	s, err := startWhole(ctx, w, 9, restMemory, false)
	if err != nil {
		return err
	}
	nodes := map[string]*process{"edge": s.proc, "core": s.more[0]}
	defer func() {
		for _, p := range nodes {
			p.stop()
		}
	}()
	pause(ctx, 3*time.Second)
	for name, p := range nodes {
		r := result{cost: float64(resident(p.cmd.Process.Pid))}
		b.add(restMemory, name, r)
		fmt.Printf("         %-22s %-11s %.1f MB resident\n", restMemory, name, r.cost/1e6)
	}
	return ctx.Err()
}

// resident is a process's resident set in bytes, 0 if it cannot be read.
func resident(pid int) int64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}

// rest writes the section.
func (b *book) rest(w *bytes.Buffer) {
	if len(b.results[restMemory]) == 0 {
		return
	}
	fmt.Fprintf(w, "\n## Resident set of a node at rest\n\n| node | resident | budget | |\n|---|---|---|---|\n")
	for _, name := range []string{"edge", "core"} {
		if c := b.cost(restMemory, name); c.n > 0 {
			fmt.Fprintf(w, "| %s | %.1f MB | ≤ %d MB | %s |\n", name, c.mid/1e6, restBudget/1_000_000, yes(c.mid <= restBudget))
		}
	}
}

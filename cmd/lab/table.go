package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"sallyport/appliance"
	"sallyport/appliance/xapi"
	"sallyport/test/lab"
	"sallyport/test/pair"
)

// table shows how the lab fares: on a terminal in place every second, else a
// line every ten.
type table struct {
	out      io.Writer
	pair     *pair.Pair
	round    *round
	terminal bool
	lines    int // printed last time
}

func newTable(out io.Writer, p *pair.Pair, r *round) *table {
	t := &table{out: out, pair: p, round: r}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		t.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return t
}

func (t *table) run(ctx context.Context) error {
	every := 10 * time.Second
	if t.terminal {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		t.show(ctx)
		select {
		case <-ctx.Done():
			fmt.Fprintln(t.out, "\nEnding …")
			return nil
		case <-tick.C:
		}
	}
}

func (t *table) show(ctx context.Context) {
	text := t.text(ctx)
	if t.terminal && t.lines > 0 {
		fmt.Fprintf(t.out, "\x1b[%dA\x1b[J", t.lines)
	}
	t.lines = strings.Count(text, "\n")
	io.WriteString(t.out, text)
}

func (t *table) text(ctx context.Context) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-6s %-14s %-6s %-7s %s\n", "node", "registrations", "calls", "alarms", "link")
	for _, n := range []*appliance.Node{t.pair.Edge, t.pair.Core} {
		regs := "-"
		if n == t.pair.Edge {
			regs = leaf(ctx, n, "ResourceUsage", "Registrations", "Current")
		}
		fmt.Fprintf(&b, "%-6s %-14s %-6s %-7d %s\n", n.Name(), regs,
			leaf(ctx, n, "ResourceUsage", "Calls", "Current"), len(n.Alarms()), leaf(ctx, n, "Tunnels", "Tunnel", "1", "Status"))
	}
	fmt.Fprintf(&b, "%-6s %-9s %-6s %-9s %s\n", "hears", "packets", "lost", "jitter", "tone")
	if t.round.standing != nil {
		fmt.Fprint(&b, row("bob", t.round.standing.Stats()), row("carol", t.round.far.Stats()))
	}
	return b.String()
}

func row(name string, s lab.MediaStats) string {
	return fmt.Sprintf("%-6s %-9d %-6d %-9s %.0f Hz\n", name, s.Received, s.Lost, s.Jitter.Round(time.Millisecond/10), s.Tone.Hz)
}

// leaf reads one value of a node's status, "?" if it is not there.
func leaf(ctx context.Context, n *appliance.Node, element string, path ...string) string {
	tree, err := n.Status(ctx, element)
	if err != nil {
		return "?"
	}
	var found []*xapi.Node
	if found, err = tree.Find(path...); err != nil || len(found) == 0 {
		return "?"
	}
	return found[0].Value
}

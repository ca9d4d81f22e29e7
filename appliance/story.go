package appliance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"sallyport/appliance/eventlog"
	"sallyport/appliance/traversal"
	"sallyport/appliance/xapi"
)

// Methods of the control channel by which nodes trace together.
const (
	methodTraceOn     = "trace.on"
	methodTraceEvents = "trace.events"
	methodWhy         = "why"
)

// traceOrder is what one node asks of its peers.
type traceOrder struct {
	User string
	For  time.Duration
}

// maxTrace bounds how long a trace may be asked for.
const maxTrace = time.Hour

// bindTracing lets peers switch this node's trace on and read it. Core answers
// nobody: an edge that a stranger has taken over must not read what passes
// inside, so who wants both halves asks core.
func (n *Node) bindTracing(handle func(method string, f func(context.Context, traversal.Peer, []byte) ([]byte, error))) {
	if n.cfg.Role == xapi.Core {
		return
	}
	handle(methodTraceOn, func(_ context.Context, _ traversal.Peer, in []byte) ([]byte, error) {
		var o traceOrder
		if err := json.Unmarshal(in, &o); err != nil {
			return nil, err
		}
		n.tracer.On(o.User, min(o.For, maxTrace))
		return nil, nil
	})
	handle(methodWhy, func(_ context.Context, _ traversal.Peer, in []byte) ([]byte, error) {
		return json.Marshal(n.known(string(in)))
	})
	handle(methodTraceEvents, func(_ context.Context, _ traversal.Peer, in []byte) ([]byte, error) {
		events := n.tracer.Events(string(in))
		return json.Marshal(events[max(0, len(events)-maxTold):])
	})
}

// maxTold is how many of its newest events a node tells a peer at once.
const maxTold = 200

// Trace follows a user through both nodes for a time and writes what passed,
// in order. It ends with the time or with ctx, and is off by itself.
func (n *Node) Trace(ctx context.Context, user string, d time.Duration, w io.Writer) error {
	d = min(d, maxTrace)
	off := n.tracer.On(user, d)
	defer off()
	order, err := json.Marshal(traceOrder{user, d})
	if err != nil {
		return err
	}
	n.role.Ask(ctx, methodTraceOn, order)
	fmt.Fprintf(w, "Tracing %s on %s for %s; Ctrl-C ends it.\n", user, n.reach(), d)
	ctx, stop := context.WithTimeout(ctx, d)
	defer stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for shown := map[string]bool{}; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := eventlog.Print(w, unseen(n.traced(ctx, user), shown)); err != nil {
			return err
		}
	}
}

// reach says whose part of a story this node can tell.
func (n *Node) reach() string {
	if n.cfg.Role == xapi.Core {
		return n.Name() + " and its edges"
	}
	return n.Name() + " alone (core tells both halves)"
}

// traced joins what this node and its peers have of a user.
func (n *Node) traced(ctx context.Context, user string) []eventlog.Event {
	events := n.tracer.Events(user)
	for _, answer := range n.role.Ask(ctx, methodTraceEvents, []byte(user)) {
		var theirs []eventlog.Event
		if json.Unmarshal(answer, &theirs) == nil {
			events = eventlog.Merge(events, theirs)
		}
	}
	return events
}

// unseen leaves out what was shown before. The other node's part of what is shown
// may come with the next look.
func unseen(events []eventlog.Event, shown map[string]bool) []eventlog.Event {
	var out []eventlog.Event
	for _, e := range events {
		key := fmt.Sprint(e.Node, e.Time.UnixNano(), e.Direction, len(e.Text))
		if !shown[key] {
			shown[key] = true
			out = append(out, e)
		}
	}
	return out
}

// Why tells the story of a user's newest requests from the logs of this node
// and its peers: what was decided, by which rule.
func (n *Node) Why(ctx context.Context, user string, w io.Writer) error {
	lines := n.known(user)
	for _, answer := range n.role.Ask(ctx, methodWhy, []byte(user)) {
		var theirs []string
		if json.Unmarshal(answer, &theirs) == nil {
			lines = append(lines, theirs...)
		}
	}
	if len(lines) == 0 {
		fmt.Fprintf(w, "Nothing is known of %s: no request of that user has come since %s.\n", user, stamp(n.started))
		return nil
	}
	slices.Sort(lines) // each begins with its time
	for _, line := range lines {
		if _, err := io.WriteString(w, line); err != nil {
			return err
		}
	}
	return nil
}

// known are the newest log lines about a user, and about the requests that
// those lines tell of.
func (n *Node) known(user string) (lines []string) {
	bare, _, _ := strings.Cut(strings.ToLower(user), "@")
	traces := map[string]bool{}
	entries := n.events.Recent(0)
	for _, e := range entries {
		if id := e.Get("trace"); id != "" && mentions(e, bare) {
			traces[id] = true
		}
	}
	for _, e := range entries {
		if mentions(e, bare) || traces[e.Get("trace")] {
			lines = append(lines, string(e.AppendLine(nil)))
		}
	}
	return lines[max(0, len(lines)-maxTold):]
}

// mentions tells whether a log line is about a user.
func mentions(e eventlog.Entry, user string) bool {
	for _, key := range []string{"user", "from", "to"} {
		v := strings.ToLower(e.Get(key))
		if v == user || strings.Contains(v, ":"+user+"@") || strings.HasPrefix(v, user+"@") {
			return true
		}
	}
	return false
}

package appliance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"sallyport/appliance/eventlog"
	"sallyport/appliance/traversal"
)

// Methods of the control channel by which nodes trace together.
const (
	methodTraceOn     = "trace.on"
	methodTraceEvents = "trace.events"
)

// traceOrder is what one node asks of its peers.
type traceOrder struct {
	User string
	For  time.Duration
}

// maxTrace bounds how long a trace may be asked for.
const maxTrace = time.Hour

// bindTracing lets peers switch this node's trace on and read it.
func (n *Node) bindTracing(handle func(method string, f func(context.Context, traversal.Peer, []byte) ([]byte, error))) {
	handle(methodTraceOn, func(_ context.Context, _ traversal.Peer, in []byte) ([]byte, error) {
		var o traceOrder
		if err := json.Unmarshal(in, &o); err != nil {
			return nil, err
		}
		n.tracer.On(o.User, min(o.For, maxTrace))
		return nil, nil
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
	n.tracer.On(user, d)
	defer n.tracer.Off(user)
	order, err := json.Marshal(traceOrder{user, d})
	if err != nil {
		return err
	}
	n.role.Ask(ctx, methodTraceOn, order)
	fmt.Fprintf(w, "Tracing %s on %s and its peers for %s; Ctrl-C ends it.\n", user, n.Name(), d)
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

// unseen leaves out what was shown before, and what is so new that the other
// node's part may still be missing.
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

// Why tells the story of a user's newest requests from the log: what was
// decided, by which rule.
func (n *Node) Why(_ context.Context, user string, w io.Writer) error {
	bare, _, _ := strings.Cut(strings.ToLower(user), "@")
	traces := map[string]bool{}
	entries := n.events.Recent(0)
	for _, e := range entries {
		if mentions(e, bare) && e.Get("trace") != "" {
			traces[e.Get("trace")] = true
		}
	}
	told := 0
	for _, e := range entries {
		if mentions(e, bare) || traces[e.Get("trace")] && e.Get("trace") != "" {
			w.Write(e.AppendLine(nil))
			told++
		}
	}
	if told == 0 {
		fmt.Fprintf(w, "Nothing is known of %s on this node: no request of that user has come here since %s.\n", user, stamp(n.started))
	}
	return nil
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

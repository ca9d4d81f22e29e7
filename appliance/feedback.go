package appliance

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"sallyport/appliance/shell"
	"sallyport/appliance/xapi"
)

// A hub hands events to the sessions that registered for them. The zero value
// is ready.
type hub struct {
	mu   sync.Mutex
	subs map[chan shell.Event]string // event name, "" for all
}

// feedbackQueue is how many events a slow session may fall behind.
const feedbackQueue = 64

// event tells who registered for it; nobody pays for a detail that none wants.
func (h *hub) event(name string, detail func() *xapi.Node) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var node *xapi.Node
	for c, want := range h.subs {
		if want != "" && !strings.EqualFold(want, name) {
			continue
		}
		if node == nil {
			node = detail()
		}
		select {
		case c <- shell.Event{Node: node}:
		default: // a session that does not read misses events, nobody else does
		}
	}
}

func (h *hub) join(name string) chan shell.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs == nil {
		h.subs = map[chan shell.Event]string{}
	}
	c := make(chan shell.Event, feedbackQueue)
	h.subs[c] = name
	return c
}

func (h *hub) leave(c chan shell.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.subs, c)
}

// statusEvery is how often a status element that somebody registered for is
// looked at.
const statusEvery = time.Second

// Feedback listens for what fits an expression.
func (n *Node) Feedback(expression string) (shell.Feed, error) {
	kind, name, _ := strings.Cut(strings.Trim(expression, "/"), "/")
	switch strings.ToLower(kind) {
	case "event":
		c := n.hub.join(name)
		return func(ctx context.Context, tell func(shell.Event)) {
			defer n.hub.leave(c)
			for {
				select {
				case e := <-c:
					tell(e)
				case <-ctx.Done():
					return
				}
			}
		}, nil
	case "status":
		_, err := n.Status(context.Background(), name)
		return func(ctx context.Context, tell func(shell.Event)) { n.follow(ctx, name, tell) }, err
	}
	return nil, fmt.Errorf("%s: register Configuration/…, Status/… or Event/…", expression)
}

// follow tells of a status element each time it has changed, until ctx ends. A
// reading that runs on by itself, such as a duration or a count of packets, is
// no change.
func (n *Node) follow(ctx context.Context, name string, tell func(shell.Event)) {
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	running := readings()
	last := ""
	for {
		now, err := n.Status(ctx, name)
		if text := standing(now, running); err == nil && text != last {
			last = text
			tell(shell.Event{Status: true, Node: now})
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// readings are the paths, without indexes, of what is measured: the rows that
// have a unit.
func readings() map[string]bool {
	found := map[string]bool{}
	for _, s := range xapi.Statuses() {
		if s.Unit == "" {
			continue
		}
		var path []string
		for _, seg := range xapi.Segments(s.Path) {
			if !seg.Index() {
				path = append(path, seg.Word)
			}
		}
		found[strings.Join(path, " ")] = true
	}
	return found
}

// standing is all of an element but its readings, as one text to compare.
func standing(n *xapi.Node, running map[string]bool) string {
	var b strings.Builder
	var add func(path string, n *xapi.Node)
	add = func(path string, n *xapi.Node) {
		if running[path] {
			return
		}
		fmt.Fprintf(&b, "%s %d %q\n", path, n.Index, n.Value)
		for _, c := range n.Children {
			add(path+" "+c.Name, c)
		}
	}
	if n != nil {
		add(n.Name, n)
	}
	return b.String()
}

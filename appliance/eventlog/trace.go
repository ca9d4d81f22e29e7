package eventlog

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of tracing: what one trace may keep, and how many there may be.
const (
	maxTraced      = 16
	maxTraceEvents = 2000
	maxTraceBytes  = 4 << 20
	maxTraceIDs    = 4096
	maxEventText   = 64 << 10
	maxEventWord   = 256
	traceKept      = 30 * time.Minute // after its end, for whoever asks late
)

// An Event is one message that a traced user sent or was sent, as one node
// saw it. It holds plain values only, so that it can cross the link.
type Event struct {
	Time      time.Time
	Node      string // filled in by Record when empty
	Trace     string // the request's trace id; joins the nodes' events
	User      string // "alice" or "alice@example.com"; "" if the caller cannot tell
	Plane     string // "sip" or "http"
	Direction string // "in" or "out", seen from the node
	Peer      string // who the message came from or went to
	Text      []byte // the message; masked by Record
}

// A Tracer follows single users for a limited time. Planes ask Active before
// they build an Event, so that it costs nothing while nobody is traced.
type Tracer struct {
	node  string
	clock func() time.Time
	until atomic.Int64 // latest end of any trace, Unix nanoseconds; 0 for none

	mu     sync.Mutex
	traces map[string]*userTrace // by lower-case user
}

type userTrace struct {
	until  time.Time
	ends   []*time.Time // of each who asked for it
	events []Event
	bytes  int
	ids    map[string]struct{} // trace ids already tied to the user
}

// NewTracer makes a tracer for the node of that name; a nil clock means
// time.Now.
func NewTracer(node string, clock func() time.Time) *Tracer {
	if clock == nil {
		clock = time.Now
	}
	return &Tracer{node: node, clock: clock, traces: map[string]*userTrace{}}
}

// On follows user for d from now, or until off is called. Who traces a user that
// is traced already joins: it goes on until the last of them has seen enough. What
// a trace held that is over is forgotten. With too many users traced the one that
// ends first goes.
func (t *Tracer) On(user string, d time.Duration) (off func()) {
	now := t.clock()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepLocked(now)
	key := strings.ToLower(user)
	tr := t.traces[key]
	if tr == nil && len(t.traces) >= maxTraced {
		delete(t.traces, t.firstToEndLocked())
	}
	if tr == nil || !tr.until.After(now) {
		tr = &userTrace{ids: map[string]struct{}{}}
		t.traces[key] = tr
	}
	end := now.Add(d)
	tr.ends = append(tr.ends, &end)
	t.endLocked(tr, now)
	return func() { t.off(tr, &end) }
}

// off ends what one caller of On asked for; events stay readable for a while.
func (t *Tracer) off(tr *userTrace, end *time.Time) {
	now := t.clock()
	t.mu.Lock()
	defer t.mu.Unlock()
	tr.ends = slices.DeleteFunc(tr.ends, func(e *time.Time) bool { return e == end })
	t.endLocked(tr, now)
}

// endLocked finds when a trace ends: with the last of those who asked for it.
func (t *Tracer) endLocked(tr *userTrace, now time.Time) {
	tr.ends = slices.DeleteFunc(tr.ends, func(e *time.Time) bool { return !e.After(now) })
	if tr.until.After(now) {
		tr.until = now
	}
	for _, e := range tr.ends {
		if e.After(tr.until) {
			tr.until = *e
		}
	}
	t.setUntilLocked()
}

// Active tells whether anybody is traced now. It is cheap enough to be asked
// for every message.
func (t *Tracer) Active() bool {
	until := t.until.Load()
	return until != 0 && t.clock().UnixNano() < until
}

// Record keeps e if its user, or its trace id, belongs to a trace that is on.
// The text is masked and copied.
func (t *Tracer) Record(e Event) {
	if !t.Active() {
		return
	}
	now := t.clock()
	t.mu.Lock()
	defer t.mu.Unlock()
	for user, tr := range t.traces {
		if tr.until.After(now) && tr.concerns(user, e) {
			t.keepLocked(tr, e, now)
		}
	}
}

func (t *Tracer) keepLocked(tr *userTrace, e Event, now time.Time) {
	if e.Time.IsZero() {
		e.Time = now
	}
	if e.Node == "" {
		e.Node = t.node
	}
	e.Text = MaskSIP(e.Text[:min(len(e.Text), maxEventText)])
	for _, word := range []*string{&e.Node, &e.Trace, &e.User, &e.Plane, &e.Direction, &e.Peer} {
		*word = strings.Clone(clip(*word, maxEventWord)) // the message it may lie in is not kept
	}
	if e.Trace != "" && len(tr.ids) < maxTraceIDs {
		tr.ids[e.Trace] = struct{}{}
	}
	tr.events = append(tr.events, e)
	tr.bytes += len(e.Text)
	for len(tr.events) > maxTraceEvents || tr.bytes > maxTraceBytes {
		tr.bytes -= len(tr.events[0].Text)
		tr.events = slices.Delete(tr.events, 0, 1)
	}
}

// concerns tells whether e belongs to the trace of user. A bare "alice" means
// alice in every domain.
func (tr *userTrace) concerns(user string, e Event) bool {
	if _, known := tr.ids[e.Trace]; known && e.Trace != "" {
		return true
	}
	if e.User == "" {
		return false
	}
	name := strings.ToLower(e.User)
	bare, _, qualified := strings.Cut(name, "@")
	return name == user || qualified && bare == user
}

// Events gives what was recorded for user, oldest first.
func (t *Tracer) Events(user string) []Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepLocked(t.clock())
	tr := t.traces[strings.ToLower(user)]
	if tr == nil {
		return nil
	}
	return slices.Clone(tr.events)
}

func (t *Tracer) sweepLocked(now time.Time) {
	for user, tr := range t.traces {
		if now.Sub(tr.until) > traceKept {
			delete(t.traces, user)
		}
	}
}

func (t *Tracer) firstToEndLocked() string {
	var first string
	for user, tr := range t.traces {
		if first == "" || tr.until.Before(t.traces[first].until) {
			first = user
		}
	}
	return first
}

func (t *Tracer) setUntilLocked() {
	var until int64
	for _, tr := range t.traces {
		until = max(until, tr.until.UnixNano())
	}
	t.until.Store(until)
}

// Merge joins two nodes' events into one story: the events of one request
// stand together in the order of time, requests in the order they began.
func Merge(local, remote []Event) []Event {
	all := slices.Concat(local, remote)
	began := map[string]time.Time{}
	for _, e := range all {
		if first, seen := began[e.Trace]; e.Trace != "" && (!seen || e.Time.Before(first)) {
			began[e.Trace] = e.Time
		}
	}
	start := func(e Event) time.Time {
		if first, ok := began[e.Trace]; ok {
			return first
		}
		return e.Time
	}
	slices.SortStableFunc(all, func(a, b Event) int {
		return cmp.Or(start(a).Compare(start(b)), cmp.Compare(a.Trace, b.Trace), a.Time.Compare(b.Time))
	})
	return all
}

// Print writes events for a person: one heading for each request, one for
// each message, the message indented below it. Secrets are masked once more,
// because events of another node come from its masker, not ours.
func Print(w io.Writer, events []Event) error {
	var b bytes.Buffer
	last, first := "", true
	for _, e := range events {
		if first || e.Trace != last {
			fmt.Fprintf(&b, "── trace %s\n", printable(cmp.Or(e.Trace, "-")))
		}
		last, first = e.Trace, false
		fmt.Fprintf(&b, "%s %s %s %s %s user=%s\n", e.Time.UTC().Format("15:04:05.000000"),
			printable(e.Node), printable(e.Plane), printable(e.Direction), printable(cmp.Or(e.Peer, "-")), printable(cmp.Or(e.User, "-")))
		for line := range bytes.Lines(MaskSIP(e.Text)) {
			fmt.Fprintf(&b, "    %s\n", printable(string(bytes.TrimRight(line, "\r\n"))))
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// printable keeps a stranger's control characters off the operator's terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f || 0x80 <= r && r < 0xa0 {
			return '·'
		}
		return r
	}, s)
}

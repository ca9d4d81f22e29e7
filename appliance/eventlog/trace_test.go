package eventlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newTracer(node string) (*Tracer, *clock) {
	c := &clock{at(0)()}
	return NewTracer(node, c.Now), c
}

func TestTraceIsOffByItself(t *testing.T) {
	tr, c := newTracer("edge1")
	tr.Record(Event{User: "alice"})
	if tr.Active() || len(tr.Events("alice")) != 0 {
		t.Error("recorded while off")
	}
	tr.On("Alice", 5*time.Minute)
	if !tr.Active() || !tr.Concerns("alice@example.com") || tr.Concerns("bob@example.com") {
		t.Error("does not follow alice alone")
	}
	tr.Record(Event{User: "ALICE@example.com", Trace: "1"})
	c.now = c.now.Add(5 * time.Minute)
	if tr.Active() || tr.Concerns("alice") {
		t.Error("still on after its time")
	}
	tr.Record(Event{User: "alice"})
	if got := len(tr.Events("alice")); got != 1 {
		t.Errorf("%d events, want 1, readable after the end", got)
	}
	c.now = c.now.Add(traceKept + time.Second)
	if got := len(tr.Events("alice")); got != 0 {
		t.Errorf("%d events kept for ever", got)
	}
}

func TestTraceOffByHand(t *testing.T) {
	tr, _ := newTracer("edge1")
	offAlice := tr.On("alice", time.Hour)
	offBob := tr.On("bob", time.Minute)
	offAlice()
	tr.Record(Event{User: "alice"})
	tr.Record(Event{User: "bob"})
	if a, b := len(tr.Events("alice")), len(tr.Events("bob")); a != 0 || b != 1 {
		t.Errorf("alice %d, bob %d events; want 0, 1", a, b)
	}
	offBob()
	if tr.Active() {
		t.Error("active with nobody traced")
	}
}

// TestTracedByTwo: the end of one administrator's trace does not end another's.
func TestTracedByTwo(t *testing.T) {
	tr, c := newTracer("edge1")
	first := tr.On("alice", 40*time.Second)
	c.now = c.now.Add(30 * time.Second)
	tr.Record(Event{User: "alice", Text: []byte("1")})
	second := tr.On("alice", 25*time.Second)
	c.now = c.now.Add(10 * time.Second)
	first()
	tr.Record(Event{User: "alice", Text: []byte("2")})
	if got := len(tr.Events("alice")); got != 2 {
		t.Errorf("%d events, want both", got)
	}
	short := tr.On("alice", time.Second)
	short()
	if !tr.Active() {
		t.Error("a short trace cut a longer one")
	}
	second()
	if tr.Active() {
		t.Error("active with nobody tracing")
	}
	tr.On("alice", time.Minute)
	if got := len(tr.Events("alice")); got != 0 {
		t.Errorf("a new trace begins with %d events of the one before", got)
	}
}

func TestTraceFollowsTheTraceID(t *testing.T) {
	tr, _ := newTracer("core1")
	tr.On("alice@example.com", time.Minute)
	for _, e := range []Event{
		{User: "alice@example.com", Trace: "1", Text: []byte("request")},
		{Trace: "1", Text: []byte("answer without a user")},
		{Trace: "2"}, {User: "bob@example.com", Trace: "3"}, {User: "alice@other.example", Trace: "4"}, {},
	} {
		tr.Record(e)
	}
	got := tr.Events("ALICE@EXAMPLE.COM")
	if len(got) != 2 || string(got[1].Text) != "answer without a user" || got[0].Node != "core1" || got[0].Time.IsZero() {
		t.Errorf("recorded %+v", got)
	}
}

func TestTraceIsBounded(t *testing.T) {
	tr, _ := newTracer("edge1")
	for i := range 3 * maxTraced {
		tr.On(fmt.Sprint("user", i), time.Duration(i+1)*time.Minute)
	}
	if len(tr.traces) != maxTraced || tr.traces[fmt.Sprint("user", 3*maxTraced-1)] == nil {
		t.Errorf("%d users traced, want %d with the newest among them", len(tr.traces), maxTraced)
	}
	tr.On("alice", time.Hour)
	big := bytes.Repeat([]byte("x"), 2*maxEventText)
	for i := range maxTraceEvents + 500 {
		tr.Record(Event{User: "alice", Trace: fmt.Sprint(i), Text: big[:1+i%64]})
	}
	for range 200 {
		tr.Record(Event{User: "alice", Text: big})
	}
	sum := 0
	for _, e := range tr.Events("alice") {
		sum += len(e.Text)
	}
	if n := len(tr.Events("alice")); n > maxTraceEvents || sum > maxTraceBytes || len(tr.traces["alice"].ids) > maxTraceIDs {
		t.Errorf("%d events, %d bytes", n, sum)
	}
}

// Both nodes' parts of two overlapping requests, one of them over JSON as
// they come across the link, become one story with the secrets hidden.
func TestMergeAndPrint(t *testing.T) {
	text := []byte("REGISTER sip:example.com SIP/2.0\r\nAuthorization: Digest response=\"6629\"\r\n\x1b[2J")
	event := func(node string, ms int, trace, dir string) Event {
		return Event{Time: at(0)().Add(time.Duration(ms) * time.Millisecond), Node: node, Trace: trace, User: "alice", Plane: "sip", Direction: dir, Peer: "192.0.2.7:5061"}
	}
	local := []Event{event("edge1", 0, "b", "in"), event("edge1", 2, "a", "in"), event("edge1", 9, "b", "out")}
	local[0].Text = text
	remote := []Event{event("core1", 4, "b", "in"), event("core1", 5, "a", "in")}
	wire, err := json.Marshal(remote)
	if err != nil {
		t.Fatal(err)
	}
	remote = nil
	if err := json.Unmarshal(wire, &remote); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := Print(&out, Merge(local, remote)); err != nil {
		t.Fatal(err)
	}
	want := `── trace b
16:46:00.000000 edge1 sip in 192.0.2.7:5061 user=alice
    REGISTER sip:example.com SIP/2.0
    Authorization: Digest response="***"
    ·[2J
16:46:00.004000 core1 sip in 192.0.2.7:5061 user=alice
16:46:00.009000 edge1 sip out 192.0.2.7:5061 user=alice
── trace a
16:46:00.002000 edge1 sip in 192.0.2.7:5061 user=alice
16:46:00.005000 core1 sip in 192.0.2.7:5061 user=alice
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What a stranger puts into a header may be as long as a message.
func TestTraceBoundsWords(t *testing.T) {
	tr, _ := newTracer("edge1")
	tr.On("alice", time.Minute)
	long := strings.Repeat("x", 1<<20)
	tr.Record(Event{User: "alice@" + long, Trace: long, Peer: long, Plane: long, Direction: long})
	for _, e := range tr.Events("alice") {
		for _, word := range []string{e.User, e.Trace, e.Peer, e.Plane, e.Direction} {
			if len(word) > maxEventWord+4 {
				t.Errorf("a word of %d bytes was kept", len(word))
			}
		}
	}
	if len(tr.Events("alice")) != 1 {
		t.Error("the event is missing")
	}
}

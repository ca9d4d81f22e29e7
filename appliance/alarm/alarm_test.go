package alarm

import (
	"fmt"
	"testing"
	"time"

	"sallyport/appliance/xapi"
)

type hand struct{ t time.Time }

func (h *hand) now() time.Time { return h.t }

func ready(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestRaiseLower(t *testing.T) {
	h := &hand{time.Unix(1000, 0)}
	b := NewBook(h.now)
	watch := b.Watch()
	if !ready(watch) {
		t.Error("a new watch is not ready")
	}
	b.Raise(xapi.AlarmTunnelDown, "edge1", "refused")
	b.Raise(xapi.AlarmLinkDown, "edge2", "timeout")
	b.Raise(xapi.AlarmLinkDown, "edge1", "timeout")
	if !ready(watch) || ready(watch) {
		t.Error("three changes must make one signal")
	}
	if !b.Acknowledge(xapi.AlarmLinkDown.ID) || b.Acknowledge(1) {
		t.Error("acknowledge answers wrongly")
	}
	ready(watch)
	h.t = h.t.Add(time.Minute)
	b.Raise(xapi.AlarmLinkDown, "edge1", "timeout")
	if ready(watch) {
		t.Error("the same alarm again signals a change")
	}
	want := "Critical 71001 edge1 timeout 2 1000 true\n" +
		"Critical 71001 edge2 timeout 1 1000 true\n" +
		"Warning 35013 edge1 refused 1 1000 false\n"
	if got := print(b); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	b.Keep(xapi.AlarmLinkDown, "edge2")
	b.Set(xapi.AlarmTunnelDown, "edge1", false, "")
	b.Lower(xapi.AlarmTunnelDown, "never raised")
	if got, want := print(b), "Critical 71001 edge2 timeout 1 1000 true\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	ready(watch)
	b.Unwatch(watch)
	b.Lower(xapi.AlarmLinkDown, "edge2")
	if ready(watch) {
		t.Error("an ended watch still signals")
	}
}

func print(b *Book) (out string) {
	for _, r := range b.List() {
		out += fmt.Sprintln(r.Alarm.Severity, r.Alarm.ID, r.Key, r.Detail, r.Times, r.Since.Unix(), r.Acknowledged)
	}
	return out
}

func TestBookIsBounded(t *testing.T) {
	b := NewBook(time.Now)
	for i := range maxRaised + 5 {
		b.Raise(xapi.AlarmPeerName, fmt.Sprint("name", i), "")
	}
	if len(b.List()) != maxRaised || b.Dropped() != 5 {
		t.Errorf("%d raised, %d dropped; want %d and 5", len(b.List()), b.Dropped(), maxRaised)
	}
}

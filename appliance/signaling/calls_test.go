package signaling

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sallyport/appliance/sip"
	"sallyport/appliance/xapi"
)

// One owner has a share of the room, not all of it, and gets it back.
func TestCallsOfOneOwner(t *testing.T) {
	var told []string
	c := NewCalls(time.Now, 4, func(event string, _ Call) { told = append(told, event) })
	c.LimitOwner(2)
	m := sip.NewRequest("INVITE", "sip:bob@example.com")
	begin := func(session, owner uint64) bool { return c.Begin(session, m, "", "inward", owner) }
	for _, step := range []struct {
		session, owner uint64
		want           bool
	}{{1, 7, true}, {2, 7, true}, {3, 7, false}, {2, 7, true}, {4, 8, true}, {5, 9, true}, {6, 9, false}} {
		if got := begin(step.session, step.owner); got != step.want {
			t.Errorf("call %d of %d: %v, want %v", step.session, step.owner, got, step.want)
		}
	}
	c.End(1)
	if !begin(8, 7) {
		t.Error("an ended call still counts")
	}
	for _, id := range []uint64{2, 4, 5, 8, 8} {
		c.End(id)
	}
	if len(c.owned) != 0 || len(told) != 10 {
		t.Errorf("owners left: %v; %d events", c.owned, len(told))
	}
}

// Why a call was not taken is told with its end; one that was taken ends
// without, whatever its last request was answered.
func TestCallTellsWhyItFailed(t *testing.T) {
	var told []string
	c := NewCalls(time.Now, 4, func(event string, call Call) { told = append(told, fmt.Sprint(event, " ", call.Status)) })
	m := sip.NewRequest("INVITE", "sip:bob@example.com")
	c.Begin(1, m, "", "inward", 7)
	c.Fail(1, 486)
	c.Begin(2, m, "", "inward", 7)
	c.Connected(2)
	c.Fail(2, 481)
	want := []string{"CallAttempt 0", "CallFailure 486", "CallAttempt 0", "CallConnected 0", "CallDisconnected 0"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// The history shows how a call ended, not how it stood before.
func TestHistoryTellsTheEnd(t *testing.T) {
	c := NewCalls(time.Now, 4, func(string, Call) {})
	m := sip.NewRequest("INVITE", "sip:bob@example.com")
	c.Begin(1, m, "", "inward", 7)
	c.Fail(1, 486)
	c.Begin(2, m, "", "inward", 7)
	c.Connected(2)
	c.Fail(2, 200)
	c.Begin(3, m, "", "inward", 7)
	c.End(3)
	var told []string
	for _, call := range c.History() {
		n := xapi.NewNode("Call")
		call.Report(n, call.Ended)
		end := ""
		for _, leaf := range n.Children {
			if leaf.Name == "State" || leaf.Name == "DisconnectCauseValue" {
				end += leaf.Value + " "
			}
		}
		told = append(told, end)
	}
	if want := []string{"Failed ", "Disconnected ", "Failed 486 "}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

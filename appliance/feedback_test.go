package appliance

import (
	"testing"

	"sallyport/appliance/xapi"
)

// TestReadingIsNoChange: a call's counters run on by themselves, and a session
// that registered for calls is not told of each packet.
func TestReadingIsNoChange(t *testing.T) {
	call := func(state string, seconds, packets int) string {
		n := xapi.NewNode("Calls")
		c := n.Nth("Call", 1).Leaf("State", state).Int("Duration", seconds)
		c.Nth("Leg", 1).Str("Kind", "audio client").Int("Received", packets)
		return standing(n, readings())
	}
	first := call("Trying", 1, 10)
	if call("Trying", 2, 70) != first {
		t.Error("a duration and a count of packets are told as a change")
	}
	if call("Connected", 2, 70) == first {
		t.Error("a new state is no change")
	}
	if standing(xapi.NewNode("Calls"), readings()) == first || standing(nil, readings()) != "" {
		t.Error("a call that goes is no change")
	}
}

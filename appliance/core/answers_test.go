package core

import (
	"reflect"
	"testing"

	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/zone"
)

// TestKeptAnswers holds that what is written down of an INVITE makes the edit
// that it was.
func TestKeptAnswers(t *testing.T) {
	c := &Core{}
	c.plan.Store(&Plan{Zones: &zone.Plan{}})
	user := c.outlet("Edge", "example.com").causedBy("alice@example.com")
	for _, a := range []interface {
		signaling.Keeper
		edit(*sip.Message)
	}{
		&clientAnswer{core: c, own: "c1.x", taken: []string{"<sip:10.0.0.1;lr>", "<sip:10.0.0.2;lr>"}, anchor: anchor{peer: 1<<63 + 3, session: 9, domain: "example.com"}, kind: signaling.Offer, trace: "t1"},
		&clientAnswer{core: c, trace: "t1"},
		&insideAnswer{core: c, outlet: user, own: "c1.x", kind: signaling.Answer, session: 1<<63 + 5, trace: "t1"},
		&insideAnswer{core: c, outlet: c.outlet("", ""), trace: "t1"},
	} {
		kept, ok := a.AppendKept(nil)
		if !ok {
			t.Fatalf("%T was not written down", a)
		}
		if got := c.keptAnswer(kept, nil, "t1"); !reflect.DeepEqual(got, a) {
			t.Errorf("got %+v, want %+v", got, a)
		}
	}
}

package edge

import (
	"reflect"
	"testing"

	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// TestKeptAnswers holds that what is written down of an INVITE makes the edit
// that it was, and that one with a veil is not written down.
func TestKeptAnswers(t *testing.T) {
	e := &Edge{}
	for _, a := range []interface {
		signaling.Keeper
		edit(*sip.Message)
	}{
		&inwardAnswer{edge: e, kind: signaling.Offer, session: 1<<63 + 5, trace: "t1"},
		&outwardAnswer{edge: e, owner: "alice@example.com", called: "<sip:alice@example.com>", kind: signaling.Answer, session: 7, trace: "t1"},
		&outwardAnswer{edge: e, trace: "t1"},
	} {
		kept, ok := a.AppendKept(nil)
		if !ok {
			t.Fatalf("%T was not written down", a)
		}
		if got := e.keptAnswer(kept, nil, "t1"); !reflect.DeepEqual(got, a) {
			t.Errorf("got %+v, want %+v", got, a)
		}
	}
	for _, a := range []signaling.Keeper{&inwardAnswer{veil: &veil{}}, &outwardAnswer{veil: &veil{}}} {
		if _, ok := a.AppendKept(nil); ok {
			t.Errorf("%T with a veil was written down", a)
		}
	}
}

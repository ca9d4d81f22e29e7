package core

import (
	"context"
	"fmt"
	"testing"

	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
	"sallyport/appliance/traversal"
)

// TestAgentsOfOtherCores: an agent that an edge marked is that of a client outside;
// one of a call of our own is judged by that call; old marks go, and all of an edge
// that has gone.
func TestAgentsOfOtherCores(t *testing.T) {
	c := &Core{media: NewMedia(MediaConfig{})}
	a := c.media.outside
	a.knows = func(media.SessionID) bool { return true }
	near, far := sdp.ICE{Ufrag: "near", Pwd: "n"}, sdp.ICE{Ufrag: "far", Pwd: "f"}
	edge := traversal.Peer{ID: 7}
	tell := func(in []byte) error { _, err := c.takeAgent(context.Background(), edge, in); return err }
	for _, who := range []sdp.ICE{near, far} {
		mark := who.Mark()
		if err := tell(mark[:]); err != nil {
			t.Fatal(err)
		}
	}
	if tell([]byte("short")) == nil {
		t.Error("what is no mark was taken")
	}
	a.note(near, 1)
	for _, tt := range []struct {
		who  sdp.ICE
		asks media.SessionID
		want bool
	}{{far, 1, true}, {near, 2, true}, {near, 1, false}, {sdp.ICE{Ufrag: "far", Pwd: "g"}, 1, false}, {sdp.ICE{}, 1, false}} {
		if got := a.outside(tt.who, tt.asks); got != tt.want {
			t.Errorf("%v in call %d: outside %v", tt.who, tt.asks, got)
		}
	}
	for i := range 2*maxMarks + 1 {
		a.tell(edge.ID, sdp.ICE{Ufrag: fmt.Sprint(i), Pwd: "x"}.Mark())
	}
	if a.outside(far, 1) {
		t.Error("a mark is kept for ever")
	}
	newest := sdp.ICE{Ufrag: fmt.Sprint(2 * maxMarks), Pwd: "x"}
	if !a.outside(newest, 1) {
		t.Error("the newest mark is gone")
	}
	a.forget(edge.ID)
	if a.outside(newest, 1) {
		t.Error("marks outlive their edge")
	}
	for i := range maxEdges + 1 {
		err := a.tell(traversal.PeerID(i), far.Mark())
		if (err != nil) != (i == maxEdges) {
			t.Errorf("edge %d: %v", i, err)
		}
	}
}

package media

import (
	"testing"

	"sallyport/appliance/rtp"
)

// TestQualityOfMediaThatWasAway: what took another path for a while is not lost;
// what is missing before and after it is.
func TestQualityOfMediaThatWasAway(t *testing.T) {
	var q quality
	hear := func(seqs ...uint16) {
		for _, n := range seqs {
			p := rtp.Packet{0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}
			p.SetSequence(n)
			q.packet(p, 1, 8000)
		}
	}
	hear(1, 2, 4)
	q.rest()
	hear(400, 401, 403)
	if got := q.lost.Load(); got != 2 {
		t.Errorf("%d lost, want 2", got)
	}
	hear(700)
	if got := q.lost.Load(); got != 298 {
		t.Errorf("%d lost without another path, want 298", got)
	}
}

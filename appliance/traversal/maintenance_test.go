package traversal

import (
	"context"
	"errors"
	"testing"
)

// TestMaintenance has a node tell its peer, live and after the link came up
// anew, and peers choose by it.
func TestMaintenance(t *testing.T) {
	edge, core := pair(t, nil, nil)
	whole(t, edge, core)
	rests := func() bool {
		peers := edge.Peers("")
		return len(peers) == 1 && peers[0].Maintenance
	}
	core.SetMaintenance(true)
	eventually(t, "edge knows", rests)
	if _, err := edge.Conn("", 0, "a"); err != nil {
		t.Error("the only peer is no last resort: ", err)
	}
	was := edge.dir.Load().up[0]
	for _, c := range was.slots {
		c.Close("test")
	}
	eventually(t, "edge knows again", func() bool {
		was.link.mu.Lock()
		defer was.link.mu.Unlock()
		return was.link.epoch > 1 && was.link.maintenance
	})
	core.SetMaintenance(false)
	eventually(t, "edge knows that it is over", func() bool { return len(edge.Peers("")) == 1 && !rests() })
}

// TestMaintenanceIsToldAgain to a peer that refused for want of room, and not to
// one that will never know the method.
func TestMaintenanceIsToldAgain(t *testing.T) {
	edge, core := pair(t, nil, nil)
	core.Handle(methodMaintenance, func(context.Context, Peer, []byte) ([]byte, error) {
		return nil, errors.New("busy: too many requests at a time")
	})
	if edge.link(t).channel().tellMaintenanceOnce(t.Context(), true) {
		t.Error("a peer that is busy is told no more")
	}
	core.Handle(methodMaintenance, nil)
	if !edge.link(t).channel().tellMaintenanceOnce(t.Context(), true) {
		t.Error("a peer that does not know the method is told again")
	}
}

// TestFitness prefers peers that take what is new, then whole ones.
func TestFitness(t *testing.T) {
	d := &directory{up: []*entry{
		{peer: Peer{ID: 1, Maintenance: true}, whole: true},
		{peer: Peer{ID: 2}},
		{peer: Peer{ID: 3}, whole: true},
	}}
	for key := range uint64(5) {
		if e := d.find("", 0, hash(string(rune('a'+key)))); e.peer.ID != 3 {
			t.Errorf("%d: got peer %d", key, e.peer.ID)
		}
	}
	if e := d.find("", 1, hash("a")); e == nil || e.peer.ID != 1 {
		t.Error("a peer in maintenance is not found by its name")
	}
}

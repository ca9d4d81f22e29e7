package signaling

import "testing"

// TestWatchLetsGo: a call outlives its branches by half a minute, and must not
// hold those that stood beside its own in the list of a busy connection.
func TestWatchLetsGo(t *testing.T) {
	var table watchTable
	table.init()
	var w [3]watcher
	for i := range w {
		table.add(7, &w[i])
	}
	table.remove(&w[1])
	if w[1].prev != nil || w[1].next != nil {
		t.Error("what was removed holds its neighbours")
	}
	if n := len(table.take(7)); n != 2 {
		t.Errorf("%d are left, want 2", n)
	}
	for i := range w {
		if w[i].in || w[i].prev != nil || w[i].next != nil {
			t.Errorf("watcher %d holds others after the connection closed", i)
		}
	}
}

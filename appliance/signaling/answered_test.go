package signaling

import (
	"fmt"
	"testing"
	"time"
)

// TestAnsweredIsBounded holds that the oldest goes where there would be too
// many, and that none outlives its time.
func TestAnsweredIsBounded(t *testing.T) {
	var table answeredTable
	table.init(3)
	key := func(i int) serverKey { return serverKey{conn: 1, branch: fmt.Sprint("k", i), method: "INVITE"} }
	for i := range 5 {
		at := time.Duration(i) * time.Second
		table.add(&answered{until: at + timeout}, fmt.Sprint("b", i), key(i), at)
	}
	for i := range 5 {
		want := i >= 2
		if got := table.find(fmt.Sprint("b", i)) != nil; got != want || table.knows(key(i)) != want {
			t.Errorf("entry %d: held %v, its INVITE known %v, want %v", i, got, table.knows(key(i)), want)
		}
	}
	if next := table.expire(3*time.Second + timeout); next != 4*time.Second+timeout || len(table.held) != 1 {
		t.Errorf("after 35 s: next %v, %d held", next, len(table.held))
	}
	if next := table.expire(time.Hour); next != 0 || len(table.held)+len(table.requests) != 0 || table.newest != nil {
		t.Errorf("after an hour: next %v, %d held", next, len(table.held))
	}
}

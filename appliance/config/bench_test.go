package config

import (
	"testing"

	"sallyport/appliance/xapi"
)

func BenchmarkSnapshotForTest(b *testing.B) {
	for b.Loop() {
		NewSnapshotForTest(xapi.Core, "SIP TLS Port: 5071")
	}
}

func BenchmarkRead(b *testing.B) {
	sn := NewSnapshotForTest(xapi.Core, "Zones Zone 3 Neighbor SIP Port: 5071")
	b.ReportAllocs()
	for b.Loop() {
		sn.Int(xapi.NeighborSIPPort, 3)
	}
}

// BenchmarkCommit sets one row in a store that holds 10,000.
func BenchmarkCommit(b *testing.B) {
	s, _ := openNew(b)
	if _, err := s.Edit(alice, func(e *Edit) error {
		for i := 1; i <= 1000; i++ {
			for j := 1; j <= 6; j++ {
				e.SetPlace(xapi.Place{Item: xapi.NeighborPeerAddress.Item, Idx: []int{i, j}}, "h.example.com")
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		set(b, s, alice, []string{"Log Level: 2", "Log Level: 3"}[i%2])
	}
}

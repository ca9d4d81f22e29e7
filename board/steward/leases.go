package steward

import (
	"maps"
	"slices"
	"sync"

	"sallyport/board/nic"
)

// leases are the newest of each interface and family, for whoever follows them.
type leases struct {
	mu      sync.Mutex
	newest  map[place]nic.Lease
	changed chan struct{} // closed at the next change
}

type place struct {
	lan int
	v6  bool
}

func newLeases() *leases {
	return &leases{newest: map[place]nic.Lease{}, changed: make(chan struct{})}
}

// put notes a lease and wakes the followers.
func (l *leases) put(lease nic.Lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.newest[place{lease.LAN, lease.Address.Addr().Is6()}] = lease
	close(l.changed)
	l.changed = make(chan struct{})
}

// all are the newest, and a channel that tells when they are not any more.
func (l *leases) all() ([]nic.Lease, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.newest)), l.changed
}

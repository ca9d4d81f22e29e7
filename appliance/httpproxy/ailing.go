package httpproxy

import (
	"sync"
	"time"

	"sallyport/appliance/uc"
)

// ailingFor is how long a node that did not answer is left out of what clients
// are told, unless it answers before.
const ailingFor = 30 * time.Second

// ailing remembers which nodes failed to answer, and heals by itself.
type ailing struct {
	clock func() time.Time

	mu    sync.Mutex
	until map[string]time.Time // by host of a node
}

func (a *ailing) failed(host string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.until[host] = a.clock().Add(ailingFor)
}

func (a *ailing) answered(host string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.until, host)
}

// keep forgets hosts that are nodes no more.
func (a *ailing) keep(nodes map[string]string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for host := range a.until {
		if _, known := nodes[host]; !known {
			delete(a.until, host)
		}
	}
}

// answering leaves out the nodes that are down, as discovery or we ourselves
// found, unless all are: a client that tries finds out better than one that is
// told nothing.
func (a *ailing) answering(nodes []uc.Node) (up []uc.Node) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range nodes {
		if n.Up() && !a.clock().Before(a.until[n.Host]) {
			up = append(up, n)
		}
	}
	if len(up) == 0 {
		return nodes
	}
	return up
}

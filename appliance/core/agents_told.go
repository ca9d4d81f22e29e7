package core

import (
	"context"
	"crypto/sha256"
	"errors"

	"sallyport/appliance/traversal"
)

// methodAgent brings the mark of a client's ICE agent from its edge, which tells
// every core: the far client of its call may have come by another one. An edge can
// mark only what it has seen the credentials of, and those of phones inside never
// get there.
const methodAgent = "media.agent"

const (
	maxMarks = 10_000 // of an edge: that many newest ones hold, or twice as many
	maxEdges = 64     // that marks are kept of
)

// marks are the newest agents that one edge told of.
type marks struct {
	newer, older map[[sha256.Size]byte]struct{}
}

func (m *marks) has(mark [sha256.Size]byte) bool {
	_, newer := m.newer[mark]
	_, older := m.older[mark]
	return newer || older
}

func (m *marks) add(mark [sha256.Size]byte) {
	if len(m.newer) >= maxMarks {
		m.newer, m.older = nil, m.newer
	}
	if m.newer == nil {
		m.newer = map[[sha256.Size]byte]struct{}{}
	}
	m.newer[mark] = struct{}{}
}

// tell keeps what an edge told of.
func (a *agents) tell(by traversal.PeerID, mark [sha256.Size]byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.told[by] == nil {
		if len(a.told) >= maxEdges {
			return errors.New("too many edges tell of agents")
		}
		a.told[by] = &marks{}
	}
	a.told[by].add(mark)
	return nil
}

// forget drops what an edge told that is gone.
func (a *agents) forget(edge traversal.PeerID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.told, edge)
}

// takeAgent answers an edge that tells of a client's agent.
func (c *Core) takeAgent(_ context.Context, p traversal.Peer, in []byte) ([]byte, error) {
	if len(in) != sha256.Size {
		return nil, errors.New("no mark of an agent")
	}
	return []byte{}, c.media.outside.tell(p.ID, [sha256.Size]byte(in))
}

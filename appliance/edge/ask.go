package edge

import (
	"context"

	"sallyport/appliance/traversal"
)

// Ask puts a question to every peer that is up and returns the answers that
// came; the place of a peer that does not answer is nil.
func (e *Edge) Ask(ctx context.Context, method string, in []byte) [][]byte {
	return e.links.Ask(ctx, method, in)
}

// Handle sets what answers a question of a peer.
func (e *Edge) Handle(method string, f func(context.Context, traversal.Peer, []byte) ([]byte, error)) {
	e.links.Handle(method, f)
}

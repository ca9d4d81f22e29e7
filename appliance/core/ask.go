package core

import (
	"context"

	"sallyport/appliance/traversal"
)

// Ask puts a question to every peer that is up and returns the answers that
// came; the place of a peer that does not answer is nil.
func (c *Core) Ask(ctx context.Context, method string, in []byte) [][]byte {
	return c.links.Ask(ctx, method, in)
}

// Handle sets what answers a question of a peer.
func (c *Core) Handle(method string, f func(context.Context, traversal.Peer, []byte) ([]byte, error)) {
	c.links.Handle(method, f)
}

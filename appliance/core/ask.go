package core

import (
	"context"
	"sync"

	"sallyport/appliance/traversal"
)

// Ask puts a question to every peer that is up and returns the answers that
// came; a peer that does not answer is left out.
func (c *Core) Ask(ctx context.Context, method string, in []byte) [][]byte {
	peers := c.links.Peers("")
	answers := make([][]byte, len(peers))
	var wait sync.WaitGroup
	for i, p := range peers {
		wait.Go(func() {
			if out, err := c.links.Call(ctx, p.Zone, p.ID, method, in); err == nil {
				answers[i] = out
			}
		})
	}
	wait.Wait()
	return answers
}

// Handle sets what answers a question of a peer.
func (c *Core) Handle(method string, f func(context.Context, traversal.Peer, []byte) ([]byte, error)) {
	c.links.Handle(method, f)
}

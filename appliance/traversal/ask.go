package traversal

import (
	"context"
	"sync"
)

// Ask puts a question to every peer that is up and returns the answers that
// came; the place of a peer that does not answer is nil.
func (l *Links) Ask(ctx context.Context, method string, in []byte) [][]byte {
	peers := l.Peers("")
	answers := make([][]byte, len(peers))
	var wait sync.WaitGroup
	for i, p := range peers {
		wait.Go(func() {
			if out, err := l.Call(ctx, p.Zone, p.ID, method, in); err == nil {
				answers[i] = out
			}
		})
	}
	wait.Wait()
	return answers
}

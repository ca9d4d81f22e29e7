package core

import (
	"context"
	"encoding/json"
	"slices"

	"sallyport/appliance/traversal"
	"sallyport/appliance/uc"
)

// methodPresence is the question of an edge which releases the presence nodes
// have.
const methodPresence = "presence.versions"

// answerPresence lists the releases of the presence nodes that discovery knows,
// each once.
func (c *Core) answerPresence(context.Context, traversal.Peer, []byte) ([]byte, error) {
	versions := []string{}
	for _, n := range c.plan.Load().Topology.Nodes() {
		if n.Version != "" && n.Is(uc.IMPresence) {
			versions = append(versions, n.Version)
		}
	}
	slices.Sort(versions)
	return json.Marshal(slices.Compact(versions))
}

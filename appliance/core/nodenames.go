package core

import (
	"context"
	"encoding/json"
	"time"
)

// methodNodes brings edges the discovered call control nodes by the domain that
// each belongs to. Phones of Unified CM register with the name of their node as
// the host of their address of record, and edge knows no nodes of its own.
const methodNodes = "sip.nodes"

const (
	// nodesEvery is how often edges are told again: one of them may have been
	// started anew.
	nodesEvery = 30 * time.Second
	// nodesAgain is how soon one that did not take it is told again, doubled
	// until nodesEvery.
	nodesAgain = 200 * time.Millisecond
	nodesWait  = 10 * time.Second
	// maxNodeNames bounds what edges are told; the largest deployments have 400
	// nodes, with a name and two addresses each.
	maxNodeNames = 2_000
)

// renames has edges told of the nodes soon.
func (c *Core) renames() {
	select {
	case c.renamed <- struct{}{}:
	default:
	}
}

// tellNodes tells edges of the nodes whenever they change or an edge comes,
// until ctx ends.
func (c *Core) tellNodes(ctx context.Context) error {
	again := nodesAgain
	for {
		wait := nodesEvery
		if !c.tellNodesNow(ctx) {
			wait, again = again, min(2*again, nodesEvery)
		} else {
			again = nodesAgain
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		case <-c.renamed:
			timer.Stop()
		}
	}
}

// tellNodesNow tells all edges that are up, and whether all took it.
func (c *Core) tellNodesNow(ctx context.Context) bool {
	in, err := json.Marshal(c.plan.Load().nodeNames())
	if err != nil {
		panic("core: " + err.Error()) // strings always can be
	}
	ctx, cancel := context.WithTimeout(ctx, nodesWait)
	defer cancel()
	whole := true
	for _, answer := range c.links.Ask(ctx, methodNodes, in) {
		whole = whole && answer != nil
	}
	return whole
}

// nodeNames lists names and addresses of discovered nodes by the domain whose
// users register there.
func (p *Plan) nodeNames() map[string][]string {
	out := map[string][]string{}
	for i, host := range p.Zones.DiscoveredHosts() {
		if i == maxNodeNames {
			break
		}
		if d, ok := p.Domain(host); ok {
			out[d.Name] = append(out[d.Name], host)
		}
	}
	return out
}

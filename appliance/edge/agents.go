package edge

import (
	"context"
	"time"

	"sallyport/appliance/sdp"
)

// methodAgent tells a core that an ICE agent is that of a client here. Two clients
// of a call may come by two cores, and neither knows the other's clients; without
// it each would take the far one for a phone inside, and have media go by here.
const methodAgent = "media.agent"

const (
	maxHints = 64 // of calls that begin at once; what is more stays with the relay
	hintTime = 2 * time.Second
)

// tellAgent tells every core of a client's agent, by a mark that shows nothing of
// its credentials. Only who has seen those can make it, so that no core need take
// an edge's word for anybody else.
func (e *Edge) tellAgent(who sdp.ICE) {
	if len(e.links.Peers("")) < 2 {
		return
	}
	mark := who.Mark()
	e.hints.Do(func(ctx context.Context) { e.links.Ask(ctx, methodAgent, mark[:]) })
}

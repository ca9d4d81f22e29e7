package signaling

import "sync/atomic"

// counters count since the start.
type counters struct {
	requests, responses, originated                 atomic.Int64
	repeats, resent                                 atomic.Int64
	refused, full, panics, stray, stray2xx, foreign atomic.Int64
}

// Stats is what the proxy has seen since it started, and what it holds now.
type Stats struct {
	Requests, Responses int64 // received
	Originated          int64 // requests of our own
	Repeats             int64 // retransmitted requests absorbed
	Resent              int64 // messages that a timer sent again
	Refused             int64 // by the parser or the gate
	Full                int64 // refused for want of room
	Stray               int64 // responses that answered nothing
	Stray2xx            int64 // of these, 2xx to an INVITE
	Foreign             int64 // responses that came over another connection
	Panics              int64 // contained
	Transactions        int64 // server transactions held now
}

// Stats returns the counters.
func (p *Proxy) Stats() Stats {
	c := &p.count
	return Stats{
		Requests: c.requests.Load(), Responses: c.responses.Load(), Originated: c.originated.Load(),
		Repeats: c.repeats.Load(), Resent: c.resent.Load(), Refused: c.refused.Load(), Full: c.full.Load(),
		Stray: c.stray.Load(), Stray2xx: c.stray2xx.Load(), Foreign: c.foreign.Load(),
		Panics: c.panics.Load(), Transactions: p.server.held.Load(),
	}
}

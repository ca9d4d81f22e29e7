package flow

import "sync/atomic"

// counters count since the start; handshakes is how many run now.
type counters struct {
	accepted, dialled, closed               atomic.Int64
	full, sourceFull                        atomic.Int64
	handshakes, handshakeFailed             atomic.Int64
	messages, faults, pings, slowed, panics atomic.Int64
}

// Stats is what the sockets have seen since the start, and what is open now.
type Stats struct {
	Connections     int   // open now
	Accepted        int64 // connections taken
	Dialled         int64 // connections opened
	Closed          int64
	Full            int64 // refused for want of room
	SourceFull      int64 // refused because their source has too many
	HandshakeFailed int64
	Messages        int64
	Faults          int64 // messages refused by the parser
	Pings           int64 // keepalives answered
	Slowed          int64 // messages held back by a rate
	Panics          int64 // contained
}

// Stats returns the counters.
func (f *Flows) Stats() Stats {
	f.mu.Lock()
	open := len(f.conns)
	f.mu.Unlock()
	c := &f.count
	return Stats{Connections: open, Accepted: c.accepted.Load(), Dialled: c.dialled.Load(), Closed: c.closed.Load(),
		Full: c.full.Load(), SourceFull: c.sourceFull.Load(), HandshakeFailed: c.handshakeFailed.Load(),
		Messages: c.messages.Load(), Faults: c.faults.Load(), Pings: c.pings.Load(), Slowed: c.slowed.Load(),
		Panics: c.panics.Load()}
}

package core

import (
	"slices"
	"sync"

	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
	"sallyport/appliance/traversal"
)

// agents remembers which ICE agents are those of clients outside, by the
// credentials that only they and their peers know, and by which call.
type agents struct {
	knows func(media.SessionID) bool // whether a call goes on

	mu    sync.Mutex // guards the rest
	in    map[sdp.ICE]media.SessionID
	told  map[traversal.PeerID]*marks   // agents that edges told of, of other cores' calls
	of    map[media.SessionID][]sdp.ICE // the oldest first
	sweep int                           // look for calls that are over at this many
}

const (
	fewAgents  = 256 // a number of calls at which nobody looks for what could go
	callAgents = 64  // most agents of one call: each restart of ICE makes new ones
)

func newAgents() *agents {
	return &agents{in: map[sdp.ICE]media.SessionID{}, of: map[media.SessionID][]sdp.ICE{}, told: map[traversal.PeerID]*marks{}, sweep: fewAgents}
}

// note files the agent of a client in a call. The first call keeps it.
func (a *agents) note(who sdp.ICE, call media.SessionID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if was, taken := a.in[who]; taken && (was == call || a.knows(was)) {
		return
	}
	a.in[who] = call
	a.of[call] = append(a.of[call], who)
	if all := a.of[call]; len(all) > callAgents {
		delete(a.in, all[0])
		a.of[call] = slices.Clone(all[1:])
	}
	if len(a.of) >= a.sweep {
		a.forgetLocked()
	}
}

// forgetLocked drops the agents of calls that are over.
func (a *agents) forgetLocked() {
	for call, all := range a.of {
		if a.knows(call) {
			continue
		}
		delete(a.of, call)
		for _, who := range all {
			if a.in[who] == call {
				delete(a.in, who)
			}
		}
	}
	a.sweep = max(fewAgents, 2*len(a.of))
}

// outside reports whether an agent is that of a client outside, in another call
// than the one that asks, of this core or of another.
func (a *agents) outside(who sdp.ICE, asks media.SessionID) bool {
	if !who.On() {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if in, known := a.in[who]; known {
		return in != asks && a.knows(in)
	}
	mark := who.Mark()
	for _, m := range a.told {
		if m.has(mark) {
			return true
		}
	}
	return false
}

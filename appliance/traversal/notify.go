package traversal

import (
	"context"
	"runtime/debug"
	"slices"
)

// tellPeers calls OnPeer for each change until ctx ends. A link that went down
// and came up again in between is told as both.
func (l *Links) tellPeers(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.notify:
			l.tellNow()
		}
	}
}

func (l *Links) tellNow() {
	l.mu.Lock()
	links := make([]*link, 0, len(l.links))
	for k := range l.links {
		links = append(links, k)
	}
	l.mu.Unlock()
	slices.SortFunc(links, (*link).compare)
	for _, k := range links {
		if k.tell() {
			l.mu.Lock()
			delete(l.links, k)
			l.mu.Unlock()
		}
	}
}

// tell is called by one goroutine at a time. It says whether the link can be
// forgotten.
func (k *link) tell() (over bool) {
	k.mu.Lock()
	up, turn, peer, why, removed := k.connsLocked() > 0, k.epoch, k.peer, k.why, k.removed
	k.mu.Unlock()
	if k.told && (!up || turn != k.toldTurn) {
		k.told = false
		if why == "" {
			why = "connection lost"
		}
		k.l.onPeer(k.toldPeer, false, why)
	}
	if up && !k.told {
		k.told, k.toldPeer, k.toldTurn = true, peer, turn
		k.l.onPeer(peer, true, "")
	}
	return removed && !up
}

func (l *Links) onPeer(p Peer, up bool, why string) {
	defer func() {
		if r := recover(); r != nil {
			l.cfg.Log.Error("panic in OnPeer", "zone", p.Zone, "panic", r, "stack", string(debug.Stack()))
		}
	}()
	if l.cfg.OnPeer != nil {
		l.cfg.OnPeer(p, up, why)
	}
}

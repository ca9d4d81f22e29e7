package traversal

import (
	"cmp"
	"context"
	"runtime/debug"
)

// tellPeers sees to it that OnPeer hears of each change, until ctx ends. Links
// are told apart: one whose call takes its time does not delay the others.
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
	defer l.mu.Unlock()
	for k := range l.links {
		k.mu.Lock()
		if !k.telling {
			k.telling = true
			l.wg.Go(k.tell)
		}
		k.mu.Unlock()
	}
}

// tell brings OnPeer up to date. A link that went down and came up again in
// between is told as both.
func (k *link) tell() {
	for {
		p, up, why, news := k.news()
		if !news {
			return
		}
		k.l.onPeer(p, up, why)
	}
}

// news is what OnPeer has to hear next. With none left a link that is removed
// is forgotten.
func (k *link) news() (p Peer, up bool, why string, news bool) {
	k.l.mu.Lock()
	defer k.l.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	up = k.connsLocked() > 0
	switch {
	case k.told && (!up || k.epoch != k.toldTurn):
		k.told = false
		return k.toldPeer, false, cmp.Or(k.why, "connection lost"), true
	case up && !k.told:
		k.told, k.toldPeer, k.toldTurn = true, k.peer, k.epoch
		return k.peer, true, "", true
	case k.removed && !up:
		delete(k.l.links, k)
	}
	k.telling = false
	return Peer{}, false, "", false
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

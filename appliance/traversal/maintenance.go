package traversal

import (
	"context"
	"errors"
	"time"
)

// methodMaintenance tells a peer whether this node is in maintenance mode and
// wants nothing new.
const methodMaintenance = "link.maintenance"

// tellAgain is how long a node waits that could not tell a peer.
const tellAgain = time.Second

// SetMaintenance has every peer know, at once and whenever its control channel
// comes up, whether this node is in maintenance mode. Peers that choose freely
// choose another node then; what names this one still comes.
func (l *Links) SetMaintenance(on bool) {
	if l.maintenance.Swap(on) == on {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := range l.links {
		k.mu.Lock()
		if k.control != nil {
			k.control.pokeMaintenance()
		}
		k.mu.Unlock()
	}
}

func (c *control) pokeMaintenance() {
	select {
	case c.turned <- struct{}{}:
	default:
	}
}

// tellMaintenance keeps the peer up to date as long as the channel is up.
func (c *control) tellMaintenance(ctx context.Context) {
	for {
		if !c.tellMaintenanceOnce(ctx, c.link.l.maintenance.Load()) {
			if !wait(ctx, tellAgain) {
				return
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-c.turned:
		}
	}
}

// tellMaintenanceOnce reports whether there is no more to tell. A peer of a
// release that does not know the method needs none; one that is busy does.
func (c *control) tellMaintenanceOnce(ctx context.Context, on bool) bool {
	asking, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	word := []byte("off")
	if on {
		word = []byte("on")
	}
	_, err := c.call(asking, methodMaintenance, word)
	var refused *RemoteError
	return err == nil || errors.As(err, &refused) && refused.Text == unknownMethod
}

// answerMaintenance takes a peer's word about itself.
func (l *Links) answerMaintenance(_ context.Context, p Peer, in []byte) ([]byte, error) {
	on := string(in) == "on"
	if !on && string(in) != "off" {
		return nil, errRPC
	}
	if l.noteMaintenance(p, on) {
		l.cfg.Log.Info("peer's maintenance mode", "event", "maintenance", "zone", p.Zone, "peer", p.Node, "on", on)
		l.publish()
	}
	return nil, nil
}

func (l *Links) noteMaintenance(p Peer, on bool) (news bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := range l.links {
		k.mu.Lock()
		if k.zone == p.Zone && k.peer.ID == p.ID && k.maintenance != on {
			k.maintenance, news = on, true
		}
		k.mu.Unlock()
	}
	return news
}

package pair

import (
	"context"
	"fmt"
)

// path waits until what is heard and what is said take a path: "direct", which
// is any that does not lead to edge, "turn", which is by an address that edge lends
// to either phone, or "relay".
func (p *player) path(ctx context.Context) (string, error) {
	return "", poll(ctx, func() error {
		to, from := p.pair.Paths(p.call)
		if to != p.arg(0) || from != p.arg(0) {
			return fmt.Errorf("it sends %s to %s and hears %s from %s", to, p.call.Path(), from, p.call.Stats().LastSource)
		}
		return nil
	})
}

// cut has only edge reach the phone's media, and be reached; "cut off" ends it.
func (p *player) cut(context.Context) (string, error) {
	if p.arg(0) == "off" {
		p.call.CutPaths(nil)
		return "", nil
	}
	p.call.CutPaths(p.pair.NotEdge)
	return "", nil
}

package pair

import (
	"context"
	"fmt"
	"net/netip"
)

// path waits until what is heard and what is said take a path: "direct", which
// is any that does not lead to edge, or "relay".
func (p *player) path(ctx context.Context) (string, error) {
	relay := p.arg(0) == "relay"
	return "", poll(ctx, func() error {
		to, from := p.call.Path(), p.call.Stats().LastSource
		if (to.Addr() == p.pair.Outer) != relay || (from.Addr() == p.pair.Outer) != relay || !from.IsValid() {
			return fmt.Errorf("it sends to %s and hears from %s", to, from)
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
	p.call.CutPaths(func(a netip.AddrPort) bool { return a.Addr() != p.pair.Outer })
	return "", nil
}

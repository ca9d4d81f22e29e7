package traversal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"

	"sallyport/appliance/door"
)

// reconcileLocked makes the plan real: the set that is open becomes the set
// that is wanted. Each part is tried even if another fails.
func (l *Links) reconcileLocked(p Plan) error {
	err := errors.Join(l.reconcileServersLocked(p.Servers), l.reconcileTunnelsLocked(p.Tunnels))
	l.reconcileClientsLocked(p.Clients)
	l.changed()
	return err
}

func (l *Links) reconcileServersLocked(servers []Server) error {
	want := map[Server]Server{}
	for _, s := range servers {
		want[s.terms()] = s
	}
	for terms, ln := range l.servers {
		if _, keep := want[terms]; !keep {
			l.endZoneLocked(terms.Zone)
			ln.stop()
			ln.Close()
			delete(l.servers, terms)
		}
	}
	var errs []error
	for terms, s := range want {
		if l.servers[terms] == nil {
			errs = append(errs, l.startServerLocked(s))
		} else {
			l.servers[terms].probe.Store(&s.Probe)
		}
	}
	return errors.Join(errs...)
}

// endZoneLocked lets edge forget the nodes of a zone whose terms have changed;
// they come back under the new ones.
func (l *Links) endZoneLocked(zone string) {
	for k := range l.links {
		if k.zone == zone {
			k.remove("the zone's configuration changed")
		}
	}
}

func (k *link) remove(why string) {
	k.mu.Lock()
	k.removed = true
	k.mu.Unlock()
	k.close(why)
}

func (l *Links) startServerLocked(s Server) error {
	ln, err := listenOn(l.ctx, s.Listen)
	if err != nil {
		return fmt.Errorf("traversal zone %s: %w", s.Zone, err)
	}
	ctx, stop := context.WithCancel(l.ctx)
	open := &listener{Listener: ln, stop: stop}
	open.probe.Store(&s.Probe)
	l.servers[s.terms()] = open
	l.wg.Go(func() { l.accept(ctx, ln, l.serveSIP(s, open)) })
	l.cfg.Log.Info("traversal zone open", "zone", s.Zone, "address", ln.Addr())
	return nil
}

func (l *Links) reconcileTunnelsLocked(tunnels []netip.AddrPort) error {
	want := map[netip.AddrPort]bool{}
	for _, a := range tunnels {
		want[a] = true
	}
	for a, ln := range l.tunnels {
		if !want[a] {
			ln.stop()
			ln.Close()
			delete(l.tunnels, a)
		}
	}
	var errs []error
	for a := range want {
		if l.tunnels[a] == nil {
			errs = append(errs, l.startTunnelsLocked(a))
		}
	}
	return errors.Join(errs...)
}

func (l *Links) startTunnelsLocked(a netip.AddrPort) error {
	ln, err := listenOn(l.ctx, a)
	if err != nil {
		return fmt.Errorf("traversal tunnels: %w", err)
	}
	ctx, stop := context.WithCancel(l.ctx)
	l.tunnels[a] = &listener{Listener: ln, stop: stop}
	l.wg.Go(func() { l.accept(ctx, ln, l.serveSSH) })
	return nil
}

func (l *Links) reconcileClientsLocked(clients []Client) {
	want := map[Client]Client{}
	for _, c := range clients {
		want[c.terms()] = c
	}
	for terms, d := range l.dialers {
		if _, keep := want[terms]; !keep {
			d.link.remove("the zone's configuration changed")
			d.stop()
			delete(l.dialers, terms)
		}
	}
	for terms, c := range want {
		if l.dialers[terms] == nil {
			l.startDialerLocked(c)
		}
		l.dialers[terms].retry.Store(int64(cmp.Or(c.Retry, defaultRetry)))
	}
}

func (l *Links) startDialerLocked(c Client) {
	ctx, stop := context.WithCancel(l.ctx)
	d := &dialer{l: l, target: c, link: l.newLink(c.Zone, c.Address, c.Port), stop: stop, kick: make(chan struct{})}
	l.dialers[c.terms()] = d
	l.links[d.link] = struct{}{}
	l.wg.Go(func() { d.run(ctx) })
}

// Addresses lists where edge really listens for a zone, for a plan that left
// the port to the machine.
func (l *Links) Addresses(zone string) []netip.AddrPort {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []netip.AddrPort
	for s, ln := range l.servers {
		if s.Zone == zone {
			out = append(out, door.AddrPort(ln.Addr()))
		}
	}
	return out
}

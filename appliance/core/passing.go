package core

import (
	"strconv"

	"sallyport/appliance/media"
	"sallyport/appliance/traversal"
	"sallyport/appliance/zone"
)

// passing says whether the ICE and the keys of a client may go into an inside
// zone: only where the zone is told so, over TLS, and where SRTP may be.
func passing(p media.Policy, zone string, ice bool) media.Policy {
	switch {
	case !ice:
		p.Relayed = "ICE passthrough is off in zone " + zone
	case !p.InsideTLS:
		p.Relayed = "signalling with zone " + zone + " is not TLS, and keys would be read on the way"
	case p.Inside == media.Off:
		p.Relayed = "zone " + zone + " takes no SRTP"
	default:
		p.Passthrough = true
	}
	return p
}

// ofClient adds to a call's policy what the zone of its edge says. Who is
// recorded by core itself goes by core.
func (c *Core) ofClient(p media.Policy, session uint64, peer string) media.Policy {
	z := c.edgeZone(peer)
	p.NoGCMClient = z != nil && z.NoGCM
	why := ""
	call, ok := c.calls.Get(session)
	switch {
	case z == nil || !z.ICEPassThrough:
		why = "ICE passthrough is off in the zone of the client's edge"
	case ok && c.plan.Load().Record.chosen(call):
		why = "core records this call"
	}
	if p.Passthrough && why != "" {
		p.Passthrough, p.Relayed = false, why
	}
	return p
}

// edgeZone is the traversal zone of an edge, nil if the edge is not known.
func (c *Core) edgeZone(peer string) *zone.Zone {
	id, err := strconv.ParseUint(peer, 16, 64)
	if err != nil {
		return nil
	}
	p, ok := c.links.Peer("", traversal.PeerID(id))
	if !ok {
		return nil
	}
	return c.plan.Load().Zones.Zone(p.Zone)
}

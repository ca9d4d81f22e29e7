package core

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
	"sallyport/appliance/zone"
)

// A conflict is a trunk that uses the port on which a node of call control
// takes the registrations of phones: the node lets one of the two in, and
// answers the other with 405 (guide: SIP trunks).
type conflict struct{ trunk, line, peer string }

func (c conflict) String() string {
	return fmt.Sprintf("Trunk zone %q and the line side zone %q both use %s; give the trunk another incoming port on call control.", c.trunk, c.line, c.peer)
}

// conflictsOf compares trunks with the line side. The line side are the zones
// that domains register at, those of discovered nodes, and those that say that
// call control is there; any other neighbor is a trunk.
func conflictsOf(p *Plan) (all []conflict) {
	lines := map[string]string{} // by peer and port
	for _, z := range p.Zones.Zones {
		if z.Type == zone.Neighbor && lineSide(p, z) {
			for _, peer := range z.Peers {
				lines[at(peer, z.Port)] = z.Name
			}
		}
	}
	for _, z := range p.Zones.Zones {
		if z.Type != zone.Neighbor || lineSide(p, z) {
			continue
		}
		for _, peer := range z.Peers {
			if line, taken := lines[at(peer, z.Port)]; taken {
				all = append(all, conflict{z.Name, line, at(peer, z.Port)})
			}
		}
	}
	return all
}

func at(host string, port int) string {
	return net.JoinHostPort(strings.ToLower(host), strconv.Itoa(port))
}

func lineSide(p *Plan, z *zone.Zone) bool {
	if z.Automatic {
		return true
	}
	for _, d := range p.Domains {
		if strings.EqualFold(d.Zone, z.Name) {
			return true
		}
	}
	for _, n := range p.Topology.Nodes() {
		if strings.EqualFold(n.Zone, z.Name) && (n.Discovered || n.Is(uc.NodeType("UnifiedCM"))) {
			return true
		}
	}
	return slices.Contains(p.callControl, z.Index)
}

// judgeTrunks keeps the alarms of trunks in conflict.
func (c *Core) judgeTrunks(p *Plan) {
	var keys []string
	for _, is := range p.conflicts {
		key := is.trunk + " " + is.peer
		keys = append(keys, key)
		c.cfg.Alarms.Raise(xapi.AlarmPortConflict, key, is.String())
	}
	c.cfg.Alarms.Keep(xapi.AlarmPortConflict, keys...)
}

// linesFirst keeps registrations off trunks that are in conflict: the node
// would refuse what comes by them.
func (p *Plan) linesFirst(ts []target) []target {
	if len(p.conflicts) == 0 {
		return ts
	}
	return slices.DeleteFunc(ts, func(t target) bool {
		return slices.ContainsFunc(p.conflicts, func(c conflict) bool { return strings.EqualFold(c.trunk, t.zone) })
	})
}

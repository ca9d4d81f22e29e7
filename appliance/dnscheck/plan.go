package dnscheck

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// A Location is a place that clients ask from.
type Location struct {
	Name  string
	From  netip.Prefix // client subnet that stands for the place; zero: wherever this node is
	Edges []string     // the first serves the place, the others in turn when it fails
}

// A Plan is what shall be true of a domain.
type Plan struct {
	Domain    string
	Locations []Location

	// With Aliases every place has the same SRV records, which lead to two
	// aliases, and the place decides what these are: the first edge, and the
	// second. Without, SRV priorities differ by place, which is better where the
	// provider can do it.
	Aliases []string

	ServerDomain string   // of the edges' own names; "": not checked
	Nodes        []string // Unified CM nodes, for the records inside

	Public, Internal []netip.AddrPort // servers to ask
}

// Bounds of one check.
const (
	maxLocations = 32
	maxEdges     = 16
	maxNodes     = 64
	maxServers   = 8
)

// Usual values of the records.
const (
	edgePort = 8443
	sipsPort = 5061
	udsPort  = 8443
	weight   = 10
	ttl      = 3600
)

// udsService is the SRV name that clients on premises look for.
const udsService = "_cisco-uds._tcp"

// service is one SRV name that clients look for outside.
type service struct {
	name string
	port uint16
}

func services() []service {
	return []service{{"_collab-edge._tls", edgePort}, {"_sips._tcp", sipsPort}}
}

// ParseLocation reads NAME@SUBNET=EDGE,EDGE, where @SUBNET may be absent.
func ParseLocation(text string) (l Location, err error) {
	place, edges, ok := strings.Cut(text, "=")
	if !ok {
		return l, fmt.Errorf("location %q is not NAME@SUBNET=EDGE,EDGE", text)
	}
	name, subnet, given := strings.Cut(place, "@")
	if given {
		if l.From, err = netip.ParsePrefix(strings.TrimSpace(subnet)); err != nil {
			return l, fmt.Errorf("location %q: %q is no subnet such as 198.51.100.0/24", text, subnet)
		}
		l.From = l.From.Masked()
	}
	l.Name = strings.TrimSpace(name)
	for _, e := range strings.Split(edges, ",") {
		if e = canonical(e); e != "" {
			l.Edges = append(l.Edges, e)
		}
	}
	if l.Name == "" || len(l.Edges) == 0 {
		return l, fmt.Errorf("location %q is not NAME@SUBNET=EDGE,EDGE", text)
	}
	return l, nil
}

func canonical(name string) string {
	return strings.ToLower(strings.TrimSuffix(strings.TrimSpace(name), "."))
}

// Check finds what a plan cannot be.
func (p Plan) Check() error {
	switch {
	case p.Domain == "":
		return errors.New("no domain")
	case len(p.Locations) == 0 || len(p.Locations) > maxLocations:
		return fmt.Errorf("one to %d locations", maxLocations)
	case len(p.Aliases) != 0 && len(p.Aliases) != 2:
		return errors.New("an alias needs a backup alias, and the reverse")
	case len(p.Public)+len(p.Internal) == 0 || len(p.Public) > maxServers || len(p.Internal) > maxServers:
		return fmt.Errorf("one to %d name servers outside or inside", maxServers)
	case len(p.Nodes) > maxNodes:
		return fmt.Errorf("at most %d nodes", maxNodes)
	}
	for _, l := range p.Locations {
		switch {
		case len(l.Edges) > maxEdges:
			return fmt.Errorf("location %s has more than %d edges", l.Name, maxEdges)
		case len(p.Aliases) == 2 && len(l.Edges) < 2:
			return fmt.Errorf("location %s needs a second edge for the backup alias", l.Name)
		}
	}
	return nil
}

// A route is one SRV target as it shall be.
type route struct {
	priority uint16
	target   string
}

// routes are the SRV targets of a location.
func (p Plan) routes(l Location) (out []route) {
	targets := l.Edges
	if len(p.Aliases) == 2 {
		targets = p.Aliases
	}
	for i, t := range targets {
		out = append(out, route{uint16(10 * (i + 1)), canonical(t)})
	}
	return out
}

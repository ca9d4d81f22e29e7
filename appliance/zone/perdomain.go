package zone

import (
	"net/netip"
	"slices"
	"strings"
)

// DomainServer is a name server that is asked for one domain, and what lies
// below it, instead of the others.
type DomainServer struct {
	Domain string
	Server netip.AddrPort
}

// ServersFor are the servers of the longest domain that a name is or lies in;
// none if it is in none of them.
func ServersFor(list []DomainServer, name string) (servers []netip.AddrPort) {
	name = "." + strings.ToLower(strings.Trim(name, "."))
	longest := 0
	for _, d := range list {
		domain := "." + strings.ToLower(strings.Trim(d.Domain, "."))
		if len(domain) < 2 || !strings.HasSuffix(name, domain) || len(domain) < longest {
			continue
		}
		if len(domain) > longest {
			longest, servers = len(domain), nil
		}
		servers = append(servers, d.Server)
	}
	return servers
}

// SetDomains names the servers of some domains. Nothing that other servers said
// is kept.
func (r *Resolver) SetDomains(list []DomainServer) {
	if old := r.domains.Load(); old == nil || !slices.Equal(*old, list) {
		r.domains.Store(&list)
		r.cache.clear()
	}
}

// asked is whom to ask for a name.
func (r *Resolver) asked(name string) ([]string, error) {
	if list := r.domains.Load(); list != nil {
		var out []string
		for _, s := range ServersFor(*list, name) {
			out = append(out, s.String())
		}
		if len(out) > 0 {
			return out, nil
		}
	}
	return r.list()
}

package dnscheck

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// Records writes the records to create, in zone-file form (RFC 1035 5): one
// view for each location, and what belongs inside.
func (p Plan) Records() string {
	var b strings.Builder
	for i, l := range p.Locations {
		from := ""
		if l.From.IsValid() {
			from = " (" + l.From.String() + ")"
		}
		fmt.Fprintf(&b, "; %s as seen from %s%s\n", p.Domain, l.Name, from)
		if i == 0 || len(p.Aliases) == 0 {
			for _, s := range services() {
				for _, r := range p.routes(l) {
					b.WriteString(srv(s.name+"."+p.Domain, r, s.port) + "\n")
				}
			}
		}
		for n, alias := range p.Aliases {
			rr := dns.CNAME{Hdr: header(alias, dns.TypeCNAME), Target: dns.Fqdn(l.Edges[n])}
			b.WriteString(rr.String() + "\n")
		}
	}
	if len(p.Nodes) > 0 {
		fmt.Fprintf(&b, "; %s inside only\n", p.Domain)
		for _, n := range p.Nodes {
			b.WriteString(srv(udsService+"."+p.Domain, route{10, canonical(n)}, udsPort) + "\n")
		}
	}
	return b.String()
}

func header(name string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: dns.Fqdn(name), Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
}

func srv(name string, r route, port uint16) string {
	rr := dns.SRV{Hdr: header(name, dns.TypeSRV), Priority: r.priority, Weight: weight, Port: port, Target: dns.Fqdn(r.target)}
	return rr.String()
}

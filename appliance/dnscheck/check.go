package dnscheck

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// A Finding is one thing that is not as it should be.
type Finding struct {
	Where string // the location, or "inside"
	Name  string // the record
	Text  string // a sentence: what, and what to do
}

// Run asks every server for every location. An error of a server is a finding.
// It blocks for some seconds at most where servers do not answer; ctx ends it.
func (p Plan) Run(ctx context.Context) []Finding {
	c := &checker{ctx: ctx, plan: p}
	for _, l := range p.Locations {
		for _, at := range p.Public {
			c.where, c.server = l.Name, server{at, l.From}
			c.outside(l)
		}
	}
	for _, at := range p.Internal {
		c.where, c.server = "inside", server{at: at}
		c.inside()
	}
	return c.found
}

type checker struct {
	ctx    context.Context
	plan   Plan
	where  string
	server server
	found  []Finding
}

// say notes a finding, each once.
func (c *checker) say(name, format string, args ...any) {
	f := Finding{c.where, name, fmt.Sprintf(format, args...)}
	if !slices.Contains(c.found, f) {
		c.found = append(c.found, f)
	}
}

// outside checks what clients of a place see.
func (c *checker) outside(l Location) {
	for _, s := range services() {
		name := s.name + "." + c.plan.Domain
		rrs, err := c.server.srv(c.ctx, name)
		if err != nil {
			c.say(name, "%v: check that it serves the domain.", err)
			return // one that does not answer is told of once
		}
		c.compare(name, s.port, rrs, c.plan.routes(l))
	}
	uds := udsService + "." + c.plan.Domain
	if rrs, err := c.server.srv(c.ctx, uds); err == nil && len(rrs) > 0 {
		c.say(uds, "It can be seen outside, so clients believe that they are inside: serve it inside only.")
	}
	c.targets(l)
}

// compare holds SRV records against what they shall be.
func (c *checker) compare(name string, port uint16, have []*dns.SRV, want []route) {
	if len(have) == 0 {
		c.say(name, "There is no SRV record: create the records below.")
		return
	}
	by := map[string]*dns.SRV{}
	for _, r := range have {
		target := canonical(r.Target)
		by[target] = r
		if !slices.ContainsFunc(want, func(w route) bool { return w.target == target }) {
			c.say(name, "It leads to %s, which is not intended: take the record out.", target)
		}
		if r.Port != port {
			c.say(name, "%s is at port %d; clients are served at %d: change the record.", target, r.Port, port)
		}
		if r.Weight != have[0].Weight {
			c.say(name, "Weights differ: give all records the same, since the priority decides.")
		}
	}
	var last *dns.SRV
	for _, w := range want {
		r := by[w.target]
		switch {
		case r == nil:
			c.say(name, "It does not lead to %s: add the record with priority %d.", w.target, w.priority)
			continue
		case last != nil && r.Priority <= last.Priority:
			c.say(name, "%s has priority %d and %s %d: the first has to be the lower number.", canonical(last.Target), last.Priority, w.target, r.Priority)
		}
		last = r
	}
}

// targets checks the hosts that SRV records lead to from a place.
func (c *checker) targets(l Location) {
	for i, r := range c.plan.routes(l) {
		c.hostName(r.target)
		addrs, alias, err := c.server.addresses(c.ctx, r.target)
		switch {
		case err != nil:
			c.say(r.target, "%v: check that it serves the name.", err)
		case len(c.plan.Aliases) == 2 && alias != canonical(l.Edges[i]):
			c.say(r.target, "It is an alias of %s and shall be one of %s: correct the CNAME record for this location.", orNothing(alias), l.Edges[i])
		case len(c.plan.Aliases) == 0 && alias != "":
			c.say(r.target, "It is an alias of %s; an SRV record shall lead to a name with addresses (RFC 2782): name the edge itself.", alias)
		case len(addrs) == 0:
			c.say(r.target, "It has no address: create an A or AAAA record with the public address of the edge.")
		}
	}
}

func orNothing(name string) string {
	if name == "" {
		return "nothing"
	}
	return name
}

// hostName checks the name of an edge.
func (c *checker) hostName(host string) {
	if strings.Contains(host, "_") {
		c.say(host, "An underscore is not allowed in a host name: rename the edge.")
	}
	home := canonical(c.plan.ServerDomain)
	if home != "" && !below(host, home) && !below(host, c.plan.Domain) {
		c.say(host, "It is outside edge's domain %s, where the login cookie is good: name the edge in %s, or by an alias in %s.", home, home, c.plan.Domain)
	}
}

func below(host, domain string) bool { return host == domain || strings.HasSuffix(host, "."+domain) }

// inside checks what clients on premises and core see.
func (c *checker) inside() {
	name := udsService + "." + c.plan.Domain
	rrs, err := c.server.srv(c.ctx, name)
	if err != nil {
		c.say(name, "%v: check that it serves the domain.", err)
		return
	}
	if len(rrs) == 0 {
		c.say(name, "There is no SRV record inside: clients on premises need it, remote ones do not.")
	}
	hosts := slices.Clone(c.plan.Nodes)
	for _, r := range rrs {
		hosts = append(hosts, canonical(r.Target))
	}
	slices.Sort(hosts)
	for _, host := range slices.Compact(hosts) {
		if _, err := netip.ParseAddr(host); err != nil {
			c.bothWays(canonical(host))
		}
	}
}

// bothWays holds that a name leads to addresses that lead back to it.
func (c *checker) bothWays(host string) {
	addrs, _, err := c.server.addresses(c.ctx, host)
	if err != nil {
		c.say(host, "%v.", err)
		return
	}
	if len(addrs) == 0 {
		c.say(host, "It has no address inside: create an A or AAAA record.")
	}
	for _, a := range addrs {
		names, err := c.server.names(c.ctx, a)
		if err != nil || !slices.Contains(names, host) {
			c.say(host, "Its address %s does not lead back to it: create a PTR record.", a)
		}
	}
}

package dnscheck

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Own is what a node itself needs of names: those that it goes by, those that
// it is reached by, and those that it reaches.
type Own struct {
	Edge     bool
	Name     string   // fully qualified; "" while it is not configured
	Domain   string   // of the name: the server domain
	Names    []string // all that this node's certificates bear; "*.example.com" stands for one label
	Domains  []string // edge domains
	SIPS     uint16   // where edge serves clients
	HTTPS    uint16
	Peers    []string // the other ends of core's traversal zones, by name
	Nodes    []string // UC nodes, by name
	Internal []string // internal UC domains, as clusters tell
	UDS      []string // of core: domains whose clients on premises look for Unified CM
	Servers  []netip.AddrPort
	ByDomain []DomainServer // that count before Servers
}

// A DomainServer answers for a domain and all below it.
type DomainServer struct {
	Domain string
	At     netip.AddrPort
}

// Kind says what ails a name.
type Kind uint8

// The kinds of trouble with names.
const (
	Underscore Kind = iota // a host name with a character that it may not have
	NoAddress              // a name leads nowhere
	NoReverse              // its address does not lead back
	NoService              // SRV records are missing, or at a wrong port
	Outside                // SRV records lead out of edge's domain
	Mismatch               // SRV records lead to no name of this edge
	ShortName              // nodes without a domain, while users are in another one
	NoServer               // a name server does not answer
	InsideSeen             // a record for clients on premises can be seen outside
)

// A Trouble is one thing that is not as a node needs it.
type Trouble struct {
	Kind Kind
	Name string
	Text string // a sentence: what, and what to do
}

// Bounds of one round of questions.
const (
	maxNames  = 500
	roundTime = 2 * time.Minute
)

// Run asks for all names once. Without name servers it judges only what the
// names themselves show. A server that did not answer is not asked again in the
// same round, and what it would have told is in silent, by name: nothing is
// known of that. It blocks for two minutes at most.
func (o Own) Run(ctx context.Context) (found []Trouble, silent []string) {
	ctx, stop := context.WithTimeout(ctx, roundTime)
	defer stop()
	r := &round{own: o, ctx: ctx, dead: map[netip.AddrPort]bool{}}
	r.shapes()
	r.shortNames()
	if len(o.Servers) == 0 && len(o.ByDomain) == 0 {
		return r.found, nil
	}
	if o.Edge {
		r.address(o.Name)
		for _, d := range o.Domains[:min(len(o.Domains), maxNames)] {
			r.services(d)
			r.notInside(d)
		}
		return r.found, r.silent
	}
	for _, d := range o.UDS[:min(len(o.UDS), maxNames)] {
		r.inside(d)
	}
	hosts := slices.Concat([]string{o.Name}, o.Peers, o.Nodes)
	slices.Sort(hosts)
	hosts = slices.Compact(hosts)
	for _, host := range hosts[:min(len(hosts), maxNames)] {
		r.bothWays(host)
	}
	return r.found, r.silent
}

type round struct {
	own    Own
	ctx    context.Context
	dead   map[netip.AddrPort]bool
	found  []Trouble
	silent []string
}

func (r *round) say(kind Kind, name, format string, args ...any) {
	t := Trouble{kind, name, fmt.Sprintf(format, args...)}
	if !slices.Contains(r.found, t) {
		r.found = append(r.found, t)
	}
}

// shapes judges names as they are written.
func (r *round) shapes() {
	for _, host := range slices.Concat([]string{r.own.Name}, r.own.Peers, r.own.Nodes) {
		if strings.Contains(host, "_") {
			r.say(Underscore, host, "The host name %s has an underscore, which certificates and tunnels do not bear: give the machine another name.", host)
		}
	}
}

// shortNames finds nodes that clients cannot name, since they add their own
// domain to what has none.
func (r *round) shortNames() {
	home := r.own.Internal
	if r.own.Domain != "" { // what this node itself adds
		home = []string{r.own.Domain}
	}
	foreign := slices.DeleteFunc(slices.Clone(r.own.Domains), func(d string) bool { return slices.Contains(home, d) })
	if len(home) == 0 || len(foreign) == 0 {
		return
	}
	for _, n := range r.own.Nodes {
		if !strings.Contains(n, ".") {
			r.say(ShortName, n, "%s is listed by its short name, and users of %s take it for %s.%s: list it as %s.%s in Unified CM (System > Server), and refresh.", n, foreign[0], n, foreign[0], n, home[0])
		}
	}
}

// ask runs a question with the first server for a name that answers.
func (r *round) ask(name string, question func(server) error) bool {
	for _, at := range r.own.serversFor(name) {
		if r.dead[at] {
			continue // a server without a word is asked no more
		}
		err := question(server{at: at})
		if err == nil {
			return true
		}
		if r.ctx.Err() != nil {
			break
		}
		r.dead[at] = !errors.Is(err, errAnswers)
		r.say(NoServer, at.String(), "%v: check the server, the way to it, and IP DNS Server.", err)
	}
	r.silent = append(r.silent, name)
	return false
}

func (o Own) serversFor(name string) []netip.AddrPort {
	var out []netip.AddrPort
	for _, s := range o.ByDomain {
		if below(canonical(name), canonical(s.Domain)) {
			out = append(out, s.At)
		}
	}
	return append(out, o.Servers...)
}

// address holds that a name leads somewhere.
func (r *round) address(host string) (addrs []netip.Addr) {
	if host == "" {
		return nil
	}
	if r.ask(host, func(s server) (err error) { addrs, _, err = s.addresses(r.ctx, host); return err }) && len(addrs) == 0 {
		r.say(NoAddress, host, "%s has no address: create an A or AAAA record, or correct the name.", host)
	}
	return addrs
}

// bothWays holds that what a name leads to leads back to it.
func (r *round) bothWays(host string) {
	for _, a := range r.address(host) {
		var back []string
		if r.ask(host, func(s server) (err error) { back, err = s.names(r.ctx, a); return err }) && !slices.Contains(back, canonical(host)) {
			r.say(NoReverse, host, "The address %s of %s does not lead back to it: create a PTR record.", a, host)
		}
	}
}

// services checks what clients of an edge domain look for.
func (r *round) services(domain string) {
	mine := false
	for i, port := range []uint16{r.own.HTTPS, r.own.SIPS} {
		name := services()[i].name + "." + domain
		targets, known := r.srv(name)
		switch {
		case !known:
			return
		case len(targets) == 0:
			r.say(NoService, name, "There is no SRV record %s, so clients of %s do not find an edge: create it; xCommand DNSCheck prints it.", name, domain)
		}
		for _, t := range targets {
			mine = r.target(name, domain, t, port) || mine
		}
		if i == 0 && len(targets) > 0 && !mine {
			r.say(Mismatch, name, "%s leads to no name of this edge (%s): correct its target, or IP DNS Hostname and Domain Name and the certificate.", name, strings.Join(r.own.Names, ", "))
		}
	}
}

// notInside holds that clients outside do not see the record by which they
// would take themselves for clients on premises, who never come to edge.
func (r *round) notInside(domain string) {
	name := udsService + "." + domain
	if targets, known := r.srv(name); known && len(targets) > 0 {
		r.say(InsideSeen, name, "%s can be seen with edge's name servers: if clients outside see it too, they believe that they are on premises and never come to edge. Serve it inside only; if edge asks the inside servers, name the public one by DNS PerDomainServer.", name)
	}
}

// inside checks what clients on premises look for.
func (r *round) inside(domain string) {
	name := udsService + "." + domain
	targets, known := r.srv(name)
	if known && len(targets) == 0 {
		r.say(NoService, name, "There is no SRV record %s inside: clients on premises need it to find Unified CM, remote ones do not. Create it; xCommand DNSCheck prints it.", name)
	}
	for _, t := range targets {
		if t.port != udsPort {
			r.say(NoService, name, "%s leads to port %d of %s; Unified CM serves clients at %d: correct the record.", name, t.port, t.host, udsPort)
		}
		if isName := r.own.lists(t.host); len(r.own.Nodes) > 0 && !isName {
			r.say(NoService, name, "%s leads to %s, which no discovered cluster lists: correct its target, or refresh by xCommand RefreshServers.", name, t.host)
		}
		r.address(t.host)
	}
}

// lists tells whether a host is a known UC node.
func (o Own) lists(host string) bool {
	return slices.ContainsFunc(o.Nodes, func(n string) bool { return canonical(n) == host })
}

// srv asks for SRV records; not known: nobody answered.
func (r *round) srv(name string) (targets []target, known bool) {
	known = r.ask(name, func(s server) error {
		rrs, err := s.srv(r.ctx, name)
		targets = targets[:0]
		for _, rr := range rrs {
			targets = append(targets, target{canonical(rr.Target), rr.Port})
		}
		return err
	})
	return targets, known
}

// A target is where an SRV record leads.
type target struct {
	host string
	port uint16
}

// target checks one of them, and tells whether it is this edge.
func (r *round) target(name, domain string, t target, port uint16) (mine bool) {
	if strings.Contains(t.host, "_") {
		r.say(Underscore, t.host, "%s leads to %s, whose underscore no host name may have: name the edge anew.", name, t.host)
	}
	if home := r.own.Domain; home != "" && !below(t.host, home) && !below(t.host, domain) {
		r.say(Outside, name, "%s leads to %s, outside edge's domain %s where the login cookie is good: name the edge in %s, or by an alias in %s.", name, t.host, home, home, domain)
	}
	mine = r.own.bears(t.host)
	if mine && t.port != port {
		r.say(NoService, name, "%s leads to port %d of %s, which serves clients at %d: correct the record.", name, t.port, t.host, port)
	}
	r.address(t.host)
	return mine
}

// bears tells whether a name is this node's.
func (o Own) bears(host string) bool {
	_, parent, _ := strings.Cut(host, ".")
	return host == canonical(o.Name) || slices.ContainsFunc(o.Names, func(n string) bool {
		n = canonical(n)
		return n == host || n == "*."+parent
	})
}

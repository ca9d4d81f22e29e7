package zone

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// A Node is a discovered call control that zones and rules are made for by
// themselves.
type Node struct {
	Host            string
	Addresses       []string // what comes from there comes from the node
	TCP, TLS, OAuth int      // ports; 0: it takes none of that
	Verify          bool     // its certificate must bear its name
	Path            bool     // it knows Path (RFC 3327)
	ICEPassThrough  bool     // ICE and keys of clients outside pass over TLS
}

// Automatic zones and rules count from here, beyond all configured ones. Their
// rules have the priority that administrators know from the replaced product.
const (
	firstAutomatic    = 1001
	automaticPriority = 45
	automaticHops     = 15
)

// automatic is what is looked up by name and host, since there may be more than
// a thousand.
type automatic struct {
	zones map[string]*Zone // by name, lower case
	peers map[string]*Zone // by host or address, the first zone of the node
	at    map[netip.Addr]*Zone
	rules map[string][]*Rule // by the host of the alias
}

// WithNodes returns a plan that has the zones and search rules of discovered
// nodes beside the configured ones. Nobody can edit them; where a configured
// zone has the name of one, the configured one counts.
func (p *Plan) WithNodes(nodes []Node) *Plan {
	out := &Plan{Zones: slices.Clone(p.Zones), Transforms: p.Transforms, Rules: slices.Clone(p.Rules), configured: len(p.Zones), configuredRules: len(p.Rules)}
	out.automatic = automatic{map[string]*Zone{}, map[string]*Zone{}, map[netip.Addr]*Zone{}, map[string][]*Rule{}}
	for _, n := range slices.SortedFunc(slices.Values(nodes), func(a, b Node) int { return strings.Compare(a.Host, b.Host) }) {
		for _, z := range n.zones() {
			out.addAutomatic(n, z)
		}
	}
	return out
}

// Discovered returns the first zone that discovery made for a host, or nil. A
// trunk to the same node is none: lines are taken to this one.
func (p *Plan) Discovered(host string) *Zone { return p.automatic.peers[strings.ToLower(host)] }

// DiscoveredHosts lists the names and addresses of the nodes that discovery made
// zones for, sorted.
func (p *Plan) DiscoveredHosts() []string { return slices.Sorted(maps.Keys(p.automatic.peers)) }

func (p *Plan) addAutomatic(n Node, z *Zone) {
	if p.Zone(z.Name) != nil {
		return
	}
	z.Index = firstAutomatic + len(p.Zones) - p.configured
	p.Zones = append(p.Zones, z)
	p.automatic.zones[strings.ToLower(z.Name)] = z
	hosts := append([]string{n.Host}, n.Addresses...)
	for _, host := range hosts {
		if p.automatic.peers[strings.ToLower(host)] == nil {
			p.automatic.peers[strings.ToLower(host)] = z
		}
	}
	for _, a := range addressesIn(hosts) {
		if p.automatic.at[a] == nil {
			p.automatic.at[a] = z
		}
	}
	r := &Rule{
		Index: firstAutomatic + len(p.Rules) - p.configuredRules, Name: z.Name, Description: "made by discovery", Priority: automaticPriority,
		SourceMode: "Any", Mode: modeHost, host: strings.ToLower(n.Host), Target: z.Name, secure: z.Transport == "TLS", tokens: z.Tokens,
	}
	p.Rules = append(p.Rules, r)
	p.automatic.rules[r.host] = append(p.automatic.rules[r.host], r)
}

// zones makes the zones of one node.
func (n Node) zones() []*Zone {
	var out []*Zone
	add := func(name, transport string, port int, tokens bool) {
		if port != 0 {
			out = append(out, &Zone{
				Name: name, Type: Neighbor, HopCount: automaticHops, SIP: true, Peers: []string{n.Host}, Port: port, Transport: transport,
				TLSVerify: n.Verify && transport == "TLS", MediaEncryption: "Auto", Path: n.Path, Monitor: true, Automatic: true, Tokens: tokens,
				ICEPassThrough: n.ICEPassThrough,
			})
		}
	}
	add("CEtcp-"+n.Host, "TCP", n.TCP, false)
	add("CEtls-"+n.Host, "TLS", n.TLS, false)
	add("CEOAuth "+n.Host, "TLS", n.OAuth, true)
	return out
}

// Names lists the names of a node's automatic zones.
func (n Node) Names() (out []string) {
	for _, z := range n.zones() {
		out = append(out, z.Name)
	}
	return out
}

// modeHost is the mode of automatic rules: the alias is at the node, whoever
// the user is.
const modeHost = "Host"

// near lists the rules that may match an alias, in the order of all rules: the
// configured ones, and those of the node that the alias is at.
func (p *Plan) near(alias string, s Service) []*Rule {
	if len(p.automatic.rules) == 0 {
		return p.Rules
	}
	host := strings.Trim(strings.ToLower(alias[strings.LastIndexByte(alias, '@')+1:]), "[]")
	mine := serving(p.automatic.rules[host], s)
	all := p.Rules[:p.configuredRules]
	if len(mine) == 0 {
		return all
	}
	at, _ := slices.BinarySearchFunc(all, automaticPriority+1, func(r *Rule, priority int) int { return r.Priority - priority })
	return slices.Concat(all[:at], mine, all[at:])
}

// serving leaves the rules of a node that serve the way in which it is asked
// for. A node that has no such way is asked in those that it has.
func serving(rules []*Rule, s Service) []*Rule {
	if s == AnyService {
		return rules
	}
	var out []*Rule
	for _, r := range rules {
		if r.tokens == (s == Tokens) && r.secure == (s != Plain) {
			out = append(out, r)
		}
	}
	if out == nil {
		return rules
	}
	return out
}

// Hosts lists the hosts that automatic zones stand for.
func (p *Plan) Hosts() []string { return slices.Sorted(maps.Keys(p.automatic.rules)) }

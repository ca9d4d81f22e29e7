package zone

import (
	"net/netip"
	"strings"
)

// Rule is one search rule that is in use.
type Rule struct {
	Index       int
	Name        string
	Description string
	Priority    int
	SourceMode  string // "Any", "AllZones", "LocalZone" or "Named"
	SourceName  string
	Mode        string   // "AliasPatternMatch", "AnyAlias" or "AnyIPAddress"
	Pattern     *Pattern // of AliasPatternMatch
	Stop        bool     // rules of lower priority are not tried once it has matched
	Target      string   // a zone's name

	Authenticated bool // only for requests of whom is known

	host           string // of an automatic rule: the alias must be there
	secure, tokens bool   // of an automatic rule: what its zone speaks
}

// Query is what is looked for.
type Query struct {
	Source string // the zone that the request came from; "" is a client of our own
	Alias  string // a SIP URI, with or without its scheme
	Method string // for logs of the caller; rules do not look at it

	Authenticated bool    // a registered user sent it, or a zone whose word is taken
	Service       Service // in which way a discovered node is to be asked
}

// Service is one of the ways in which call control takes SIP.
type Service uint8

// The ways; AnyService leaves it to the order of zones.
const (
	AnyService Service = iota
	Plain              // TCP
	Secure             // TLS of devices with certificates
	Tokens             // TLS of clients with access tokens
)

// Hop is one place to send the request to.
type Hop struct {
	Zone *Zone
	URI  string // what the rule made of the alias, as a SIP URI
	Rule string // the rule's name
}

func addHop(hops []Hop, h Hop) []Hop {
	for _, o := range hops {
		if o.Zone == h.Zone && o.URI == h.URI {
			return hops
		}
	}
	return append(hops, h)
}

func (r *Rule) from(source string) bool {
	switch r.SourceMode {
	case "AllZones":
		return source != ""
	case "LocalZone":
		return source == ""
	case "Named":
		return source != "" && strings.EqualFold(source, r.SourceName)
	}
	return true
}

// same compares the names of zones.
func same(a, b string) bool { return strings.EqualFold(a, b) }

// splitScheme takes sip: or sips: off; without one it is sip:.
func splitScheme(alias string) (scheme, rest string) {
	for _, s := range [...]string{"sip:", "sips:"} {
		if len(alias) >= len(s) && strings.EqualFold(alias[:len(s)], s) {
			return s, alias[len(s):]
		}
	}
	return "sip:", alias
}

// isAddress tells an address, with or without a user and a port, from an
// alias. A user at an address counts as the address: a rule for any alias must
// not send requests wherever their sender likes.
func isAddress(alias string) bool {
	alias = alias[strings.LastIndexByte(alias, '@')+1:]
	if _, err := netip.ParseAddr(strings.Trim(alias, "[]")); err == nil {
		return true
	}
	_, err := netip.ParseAddrPort(alias)
	return err == nil
}

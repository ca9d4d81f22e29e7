package zone

import (
	"fmt"
	"strings"
)

// A Transform changes aliases before any rule sees them.
type Transform struct {
	Index       int
	Description string
	Priority    int
	Pattern     *Pattern
}

// A Step is one thing that a search looked at, and what came of it.
type Step struct {
	What   string // "transform 3", "rule Partners"
	Target string // zone that the rule names
	Alias  string // what became of the alias
	Used   bool
	Why    string // in words
}

// Explain is Next with an account of each step.
func (p *Plan) Explain(q Query) (hops []Hop, steps []Step) {
	return p.search(q, func(s Step) { steps = append(steps, s) }), steps
}

// Next returns where the request may be sent, in order. A request never goes
// back to the zone it came from. No hop means that no rule allows it.
func (p *Plan) Next(q Query) []Hop { return p.search(q, nil) }

// Transformed is what the first transform that matches makes of an alias, its
// scheme kept.
func (p *Plan) Transformed(alias string) string {
	scheme, rest := splitScheme(alias)
	return scheme + p.transform(rest, nil)
}

// transform uses the first transform that matches, and no other.
func (p *Plan) transform(alias string, tell func(Step)) string {
	for _, t := range p.Transforms {
		out, ok := t.Pattern.Apply(alias)
		if tell != nil {
			tell(Step{What: strings.TrimSpace(fmt.Sprintf("transform %d %s", t.Index, t.Description)), Alias: out, Used: ok, Why: matching(ok)})
		}
		if ok {
			return out
		}
	}
	return alias
}

func matching(ok bool) string {
	if ok {
		return "the pattern matches"
	}
	return "the pattern does not match"
}

func (p *Plan) search(q Query, tell func(Step)) []Hop {
	scheme, alias := splitScheme(q.Alias)
	alias = p.transform(alias, tell)
	var hops []Hop
	stopped := -1
	for _, r := range p.near(alias, q.Service) {
		s := Step{What: "rule " + r.Name, Target: r.Target}
		if stopped >= 0 && r.Priority > stopped {
			if tell == nil {
				break
			}
			s.Why = "a rule of higher priority has stopped the search"
			tell(s)
			continue
		}
		var z *Zone
		if s.Alias, s.Why = r.apply(q, alias); s.Why == "" {
			if r.Stop {
				stopped = r.Priority
			}
			z, s.Why = p.target(r, q.Source)
		}
		if s.Used = z != nil; s.Used {
			hops = addHop(hops, Hop{Zone: z, URI: scheme + s.Alias, Rule: r.Name})
			s.Why = "the zone is asked"
		}
		if tell != nil {
			tell(s)
		}
	}
	return hops
}

// target is the zone that a rule leads to, or why there is none.
func (p *Plan) target(r *Rule, source string) (z *Zone, why string) {
	z = p.Zone(r.Target)
	switch {
	case z == nil:
		return nil, "there is no zone of that name"
	case !z.SIP:
		return nil, "SIP is off in the zone"
	case source != "" && same(z.Name, source):
		return nil, "the request came from that zone"
	}
	return z, ""
}

// apply returns what the rule makes of an alias, or why it is not for it.
func (r *Rule) apply(q Query, alias string) (out, why string) {
	switch {
	case alias == "":
		return "", "there is no alias"
	case !r.from(q.Source):
		return "", "it is for requests of another source"
	case r.Authenticated && !q.Authenticated:
		return "", "it is for authenticated requests only"
	case r.Mode == "AnyAlias" && isAddress(alias):
		return "", "the alias is an address"
	case r.Mode == "AnyIPAddress" && !isAddress(alias):
		return "", "the alias is not an address"
	case r.Mode != "AliasPatternMatch":
		return alias, ""
	}
	if out, ok := r.Pattern.Apply(alias); ok {
		return out, ""
	}
	return "", matching(false)
}

package allow

import (
	"slices"
	"sync/atomic"
)

// List is a compiled allow list. Its cost per request does not grow with the
// number of rules. It never changes but for its hit counters, and may be used
// from any goroutine.
type List struct {
	rules    []Rule
	hits     []*atomic.Uint64
	defaults []string
	servers  map[server]*paths
}

// server is one inside server as one deployment sees it.
type server struct {
	deployment, scheme, host string
	port                     uint16
}

// paths are the rules of one server: by exact path, and by prefix, grouped by
// length, the longest first.
type paths struct {
	exact   map[string][]int
	prefix  map[string][]int
	lengths []int
}

// Compile makes a list of rules. Rules without methods of their own follow the
// default methods.
func Compile(rules []Rule, defaultMethods []string) *List {
	l := &List{
		rules: slices.Clone(rules), hits: make([]*atomic.Uint64, len(rules)),
		defaults: slices.Clone(defaultMethods), servers: map[server]*paths{},
	}
	for i := range l.rules {
		l.hits[i] = new(atomic.Uint64)
		l.add(i)
	}
	for _, p := range l.servers {
		slices.Sort(p.lengths)
		slices.Reverse(p.lengths)
		p.lengths = slices.Compact(p.lengths)
	}
	return l
}

// KeepHits lets the rules of l that old has too count on where old is, also
// while requests still hold old. It must be called before l is used.
func (l *List) KeepHits(old *List) {
	counters := map[string][]*atomic.Uint64{}
	for i := range old.rules {
		k := old.rules[i].key()
		counters[k] = append(counters[k], old.hits[i])
	}
	for i := range l.rules {
		k := l.rules[i].key()
		if c := counters[k]; len(c) > 0 {
			l.hits[i], counters[k] = c[0], c[1:]
		}
	}
}

func (l *List) add(i int) {
	r := &l.rules[i]
	key := server{r.Deployment, r.Scheme, r.Host, r.Port}
	p := l.servers[key]
	if p == nil {
		p = &paths{exact: map[string][]int{}, prefix: map[string][]int{}}
		l.servers[key] = p
	}
	if r.Match == Exact {
		p.exact[r.Path] = append(p.exact[r.Path], i)
		return
	}
	p.prefix[r.Path] = append(p.prefix[r.Path], i)
	p.lengths = append(p.lengths, len(r.Path))
}

// Decision is what the list says of a request, and why.
type Decision struct {
	Rule *Rule  // the rule that lets it through; nil: refused
	Why  string // of a refusal, for the log
}

// Match decides on a request: the exact rule first, then the longest prefix.
// It counts the hit.
func (l *List) Match(method string, t Target, deployment string) Decision {
	i, why := l.find(method, t, deployment)
	if i < 0 {
		return Decision{Why: why}
	}
	l.hits[i].Add(1)
	return Decision{Rule: &l.rules[i]}
}

// find is the number of the rule that decides, or -1 and why there is none.
func (l *List) find(method string, t Target, deployment string) (int, string) {
	p := l.servers[server{deployment, t.Scheme, t.Host, t.Port}]
	if p == nil {
		return -1, "no rule for this server"
	}
	if i := l.among(p.exact[t.Path], method); i >= 0 {
		return i, ""
	}
	near := len(p.exact[t.Path]) > 0
	for _, n := range p.lengths {
		if n > len(t.Path) {
			continue
		}
		candidates := p.prefix[t.Path[:n]]
		if i := l.among(candidates, method); i >= 0 {
			return i, ""
		}
		near = near || len(candidates) > 0
	}
	if near {
		return -1, "no rule for this method"
	}
	return -1, "no rule for this path"
}

func (l *List) among(candidates []int, method string) int {
	for _, i := range candidates {
		if l.rules[i].permits(method, l.defaults) {
			return i
		}
	}
	return -1
}

// Range calls f with each rule, the methods it permits and its hits.
func (l *List) Range(f func(r *Rule, methods []string, hits uint64)) {
	for i := range l.rules {
		methods := l.rules[i].Methods
		if len(methods) == 0 {
			methods = l.defaults
		}
		f(&l.rules[i], methods, l.hits[i].Load())
	}
}

// Allows tells whether a request would be let through; it counts no hit.
func (l *List) Allows(method string, t Target, deployment string) bool {
	return l.Ask(method, t, deployment).Rule != nil
}

package httpproxy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"sallyport/appliance/allow"
	"sallyport/appliance/config"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// GatePlan is where edge takes HTTPS of remote clients.
type GatePlan struct {
	Listen []netip.AddrPort // none: off
}

// Equal tells whether two plans want the same.
func (p GatePlan) Equal(q GatePlan) bool { return slices.Equal(p.Listen, q.Listen) }

// GatePlanFrom reads edge's part of a snapshot.
func GatePlanFrom(snap *config.Snapshot) GatePlan {
	var p GatePlan
	if !snap.Bool(xapi.CollaborationEdgeEnabled) {
		return p
	}
	for _, a := range snap.Outside(xapi.Edge) {
		p.Listen = append(p.Listen, netip.AddrPortFrom(a, uint16(snap.Int(xapi.CollaborationEdgeHTTPSPort))))
	}
	return p
}

// Plan is what core lets through. Deployments are named by a key that outlives
// a new name.
type Plan struct {
	Domains    map[string]string // remote users' domains, lower case, to their deployment
	Nodes      map[string]string // hosts of UC nodes to their deployment
	Names      map[string]string // deployments' names
	Automatic  []allow.Rule      // what the nodes' types bring along
	Types      []string          // of those nodes, each once, in table order
	Rules      []allow.Rule      // the editable ones
	Methods    []string          // of rules that name none
	Login      Login
	Onboarding Onboarding
	Topology   *uc.Topology // where users live; nil: nowhere
}

// Login is how users sign in at edge.
type Login struct {
	Domains map[string]bool // where users must, lower case

	Password           bool // user name and password are taken
	Token              bool // so are self-describing tokens
	TokenSSO           bool // those after an identity provider vouched
	Opaque             bool // so are tokens that are not renewed
	SSO                bool // clients are told of single sign-on
	SSOAlways, AskHome bool

	Life   time.Duration // of a login
	Limit  int           // logins of a user within Period; 0: any
	Period time.Duration
	Loose  bool // certificates of inside servers are not verified

	CookieExpiry, CookieHTTPOnly bool
}

// List compiles what is in force by the plan.
func (p Plan) List() *allow.List {
	return allow.Compile(slices.Concat(p.Automatic, p.Rules), p.Methods)
}

// Decide is what list, which must be of the plan, says of a request: the rule
// that lets it through, or why none does. Whatever the list says, a UC node is
// reached from its own deployment only. Only a real request counts as a hit.
func (p Plan) Decide(list *allow.List, method string, t allow.Target, deployment string, hit bool) (*allow.Rule, string) {
	if of, node := p.Nodes[t.Host]; node && of != deployment {
		return nil, "node of deployment " + p.Names[of]
	}
	ask := list.Ask
	if hit {
		ask = list.Match
	}
	d := ask(method, t, deployment)
	return d.Rule, d.Why
}

// Key is how a plan names a deployment.
func Key(deployment int) string { return strconv.Itoa(deployment) }

// PlanFrom reads core's part of a snapshot. An error names rules that are left
// out; the rest can be applied.
func PlanFrom(snap *config.Snapshot, top *uc.Topology) (Plan, error) {
	if !snap.Bool(xapi.CollaborationEdgeEnabled) {
		return Plan{}, nil
	}
	p, err := RulesFrom(snap, top)
	p.Topology = top
	p.Login = loginFrom(snap)
	p.Onboarding = onboardingFrom(snap)
	p.Domains = map[string]string{}
	for _, i := range snap.Indexes(xapi.SIPDomainName.Item) {
		name := snap.Str(xapi.SIPDomainName, i)
		if id, ok := top.OfDomain(name); ok && snap.Bool(xapi.SIPDomainEdge, i) {
			p.Domains[uc.Canonical(name)] = Key(id)
			p.Login.Domains[uc.Canonical(name)] = p.Login.force(snap.Enum(xapi.SIPDomainEdgelogin, i), top, id)
		}
	}
	return p, err
}

func onboardingFrom(snap *config.Snapshot) Onboarding {
	o := Onboarding{On: snap.Bool(xapi.AllowOnboarding)}
	for _, i := range snap.Indexes(xapi.CUCMAddress.Item) {
		c := OnboardingCluster{Publisher: uc.Canonical(snap.Str(xapi.CUCMAddress, i)), Activation: uc.Canonical(snap.Str(xapi.CUCMActivationDomain, i))}
		for _, j := range snap.Indexes(xapi.CUCMServiceDomain.Item, i) {
			if d := uc.Canonical(snap.Str(xapi.CUCMServiceDomain, i, j)); d != "" {
				c.Service = append(c.Service, d)
			}
		}
		o.Clusters = append(o.Clusters, c)
	}
	return o
}

func loginFrom(snap *config.Snapshot) Login {
	legacy := snap.Enum(xapi.LoginLegacySso)
	return Login{
		Domains:  map[string]bool{},
		Password: snap.Bool(xapi.LoginLegacyCred) && legacy != "Exclusive",
		Token:    snap.Bool(xapi.LoginOauthLocal) || snap.Bool(xapi.LoginOauthSso), TokenSSO: snap.Bool(xapi.LoginOauthSso),
		Opaque: legacy != "Off",
		SSO:    snap.Bool(xapi.LoginSsoEnabled), SSOAlways: snap.Bool(xapi.LoginSsoAlwaysAvailable),
		AskHome: snap.Bool(xapi.LoginInternalCheck),
		Life:    lifeOf(snap.Int(xapi.LoginCredentialTTL), snap.Int(xapi.LoginPurgeInterval)),
		Limit:   snap.Int(xapi.LoginRateLimit), Period: time.Duration(snap.Int(xapi.LoginRatePeriod)) * time.Second,
		Loose:        !snap.Bool(xapi.LoginVerifyOrigin),
		CookieExpiry: snap.Bool(xapi.CookieExpiry), CookieHTTPOnly: snap.Bool(xapi.CookieHTTPOnly),
	}
}

// maxLife bounds a login where neither setting does: the longest that both can
// say.
const maxLife = 604800

// lifeOf is how long a login holds: the shorter of the two settings, of which
// zero does not count.
func lifeOf(ttl, purge int) time.Duration {
	life := maxLife
	for _, s := range []int{ttl, purge} {
		if s > 0 {
			life = min(life, s)
		}
	}
	return time.Duration(life) * time.Second
}

// force tells whether the users of a domain must sign in. Left to itself, a
// deployment asks for it once there is somebody to check them, a Unified CM
// node, and a way to sign in is on: any other registrar's users go on by the
// allow list alone.
func (l Login) force(mode string, top *uc.Topology, deployment int) bool {
	if mode != "Auto" {
		return mode == "On"
	}
	return (l.Password || l.Token || l.Opaque) && len(ofType(top, deployment, uc.UnifiedCM)) > 0
}

// RulesFrom is PlanFrom without domains, whether or not remote access is on.
func RulesFrom(snap *config.Snapshot, top *uc.Topology) (Plan, error) {
	p := Plan{Nodes: map[string]string{}, Names: map[string]string{}, Methods: allow.Methods(snap.Str(xapi.AllowListDefaultMethods))}
	for _, d := range top.Deployments() {
		p.Names[Key(d.ID)] = d.Name
	}
	p.addNodes(top.Nodes())
	var errs []error
	for _, i := range snap.Indexes(xapi.AllowListRuleURL.Item) {
		if snap.Str(xapi.AllowListRuleURL, i) == "" {
			continue
		}
		r, err := ruleFrom(snap, top, i)
		if err != nil {
			errs = append(errs, fmt.Errorf("allow list rule %d: %w", i, err))
			continue
		}
		p.Rules = append(p.Rules, r)
	}
	return p, errors.Join(errs...)
}

// addNodes gives each host the rules of its types, once however many zones it
// is in.
func (p *Plan) addNodes(nodes []uc.Node) {
	for _, n := range nodes {
		p.Nodes[n.Host] = Key(n.Deployment)
	}
	for _, a := range allow.AutomaticRules() {
		done := map[string]bool{}
		for _, n := range nodes {
			if done[n.Host] || !slices.Contains(n.Types, uc.NodeType(a.NodeType)) {
				continue
			}
			done[n.Host] = true
			p.Automatic = append(p.Automatic, a.For(n.Host, Key(n.Deployment))...)
		}
		if len(done) > 0 && !slices.Contains(p.Types, a.NodeType) {
			p.Types = append(p.Types, a.NodeType)
		}
	}
}

func ruleFrom(snap *config.Snapshot, top *uc.Topology, i int) (allow.Rule, error) {
	r, err := Rule(top, allow.CSVRule{
		URL:         snap.Str(xapi.AllowListRuleURL, i),
		Deployment:  snap.Str(xapi.AllowListRuleDeployment, i),
		Methods:     allow.Methods(snap.Str(xapi.AllowListRuleMethods, i)),
		Match:       snap.Enum(xapi.AllowListRuleMatchType, i),
		Description: snap.Str(xapi.AllowListRuleDescription, i),
	})
	r.Name, r.Authorization = fmt.Sprintf("rule %d", i), snap.Bool(xapi.AllowListRuleAuthorization, i)
	return r, err
}

// Rule makes an editable rule of its words. A deployment's rule leads to no
// node of another.
func Rule(top *uc.Topology, words allow.CSVRule) (allow.Rule, error) {
	r, err := words.Rule()
	if err != nil {
		return r, err
	}
	id, ok := top.Named(words.Deployment)
	if !ok {
		return r, fmt.Errorf("there is no deployment %q", words.Deployment)
	}
	if other, node := top.OfHost(r.Host); node && other != id {
		return r, fmt.Errorf("%s is a node of deployment %q, which users of %q may not reach", r.Host, top.Name(other), top.Name(id))
	}
	r.Type, r.Deployment = "Editable rule", Key(id)
	return r, nil
}

// Check refuses rules and tests that cannot work before they are committed.
func Check(snap *config.Snapshot, top *uc.Topology) error {
	_, err := RulesFrom(snap, top)
	errs := []error{err}
	for _, i := range snap.Indexes(xapi.AllowListTestURL.Item) {
		if name := snap.Str(xapi.AllowListTestDeployment, i); snap.Str(xapi.AllowListTestURL, i) != "" {
			if _, ok := top.Named(name); !ok {
				errs = append(errs, fmt.Errorf("allow list test %d: there is no deployment %q", i, name))
			}
		}
	}
	return errors.Join(errs...)
}

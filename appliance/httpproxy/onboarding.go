package httpproxy

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"sallyport/appliance/allow"
	"sallyport/appliance/uc"
)

// activationPath is the part of call control in which phones redeem activation
// codes. It is reached below a server's prefix or, by phones that do not know
// one, below a domain's alone.
const activationPath = "/ccmact/"

// activates tells whether a request is about an activation code. Who makes one
// has no login, but a certificate of a manufacturer.
func activates(t allow.Target) bool { return strings.HasPrefix(t.Path, activationPath) }

// Onboarding says where phones may redeem activation codes.
type Onboarding struct {
	On       bool
	Clusters []OnboardingCluster
}

// OnboardingCluster is what a cluster's phones are told in its codes.
type OnboardingCluster struct {
	Publisher  string
	Activation string   // domain, lower case; "" if none is onboarded from outside
	Service    []string // domains that phones are sent to, lower case
}

// publishers lists the clusters of a deployment with an activation domain.
func (o Onboarding) publishers(top *uc.Topology, domain string, deployment int) (out []string) {
	for _, c := range o.Clusters {
		cluster, known := top.Cluster(c.Publisher)
		if c.Activation == domain && known && cluster.Deployment == deployment {
			out = append(out, cluster.Publisher)
		}
	}
	return out
}

// Device is a phone that its manufacturer vouches for.
type Device struct {
	Name  string // as the certificate has it
	Print string // the certificate's fingerprint
}

func (d Device) String() string { return url.Values{"name": {d.Name}, "print": {d.Print}}.Encode() }

// parseDevice reads what edge said of a phone; ok is false if it vouched for
// none.
func parseDevice(text string) (d Device, ok bool) {
	q, err := url.ParseQuery(text)
	if err != nil {
		return d, false
	}
	d = Device{q.Get("name"), q.Get("print")}
	return d, d.Print != ""
}

// How often activation may be asked for within onboardPeriod. One phone needs
// two requests; an office of new ones may share a source. A code is tried by the
// last of the two.
const (
	onboardPeriod = 5 * time.Minute
	onboardEach   = 30
	onboardTries  = 5
	onboardSource = 1000
)

// onboard lets a request about an activation code through: of a phone that edge
// vouches for, in the activation domain of a cluster, to nodes of that cluster.
func (s *Server) onboard(l *live, p *pass, r *http.Request) *refusal {
	no := s.mayOnboard(l, p, r)
	if no != nil {
		s.onboarded.refused.Add(1)
		return no
	}
	s.onboarded.passed.Add(1)
	return nil
}

func (s *Server) mayOnboard(l *live, p *pass, r *http.Request) *refusal {
	d, vouched := parseDevice(r.Header.Get(headerDevice))
	p.user = d.Name
	switch {
	case !l.Onboarding.On:
		return &refusal{http.StatusForbidden, "Onboarding is off", "onboarding: off", 0}
	case !vouched:
		return &refusal{http.StatusForbidden, "Show the certificate of the phone's manufacturer", "onboarding: no certificate", 0}
	}
	if no := s.rationed(p, d); no != nil {
		return no
	}
	publishers := l.Onboarding.publishers(l.Topology, p.target.Domain, deploymentOf(p.deploy))
	switch {
	case len(publishers) == 0:
		return &refusal{http.StatusForbidden, "Domain is no activation domain", "onboarding: domain " + p.target.Domain, 0}
	case p.target.Scheme == "":
		return s.activationNode(l, p, publishers)
	}
	n, known := l.Topology.Node(p.target.Host)
	if !known || !slices.Contains(publishers, n.Publisher) {
		return &refusal{http.StatusForbidden, "Server is of no cluster of the activation domain", "onboarding: node " + p.target.Host, 0}
	}
	return nil
}

// rationed holds a phone that guesses codes.
func (s *Server) rationed(p *pass, d Device) *refusal {
	limits := []struct {
		name string
		most int
	}{{"onboard\x00" + d.Print, onboardEach}, {"onboard from\x00" + p.client, onboardSource}}
	if strings.HasSuffix(p.target.Path, "/register") {
		limits[0].name, limits[0].most = "redeem\x00"+d.Print, onboardTries
	}
	for _, limit := range limits {
		if wait, ok := s.rate.Take(limit.name, limit.most, onboardPeriod); !ok {
			return tooOften("Too many activation codes tried", "onboarding: limits", wait)
		}
	}
	return nil
}

// activationNode finds the server for a phone that names none: it can only be
// told where the domain is of one cluster.
func (s *Server) activationNode(l *live, p *pass, publishers []string) *refusal {
	if len(publishers) > 1 {
		return &refusal{http.StatusNotFound, "Name the server: several clusters share the activation domain", "onboarding: domain " + p.target.Domain, 0}
	}
	var nodes []uc.Node
	for _, n := range l.Topology.NodesOf(publishers[0]) {
		if n.Is(uc.UnifiedCM) {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) == 0 {
		return &refusal{http.StatusBadGateway, connectFailed, "onboarding: no node of " + publishers[0] + " is known", 0}
	}
	p.target.Scheme, p.target.Host, p.target.Port = "https", s.ailing.answering(nodes)[0].Host, udsPort
	return nil
}

// Package deploy puts a second deployment beside the first of a running pair:
// another domain, another call control, another web server, set up live through
// the shell. It then tries to get from one to the other by every plane that
// there is. Tests and cmd/lab call it.
package deploy

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"strings"

	"sallyport/appliance"
	"sallyport/test/lab"
	"sallyport/test/pair"
)

// The second deployment.
const (
	Name   = "Staging"
	Number = 2
	Domain = "staging.example.com"
)

// Staging is a pair with a second world behind it.
type Staging struct {
	Pair  *pair.Pair
	World *lab.World

	phones []*lab.Phone
}

// Open starts the second world and tells both nodes of it. Close ends the
// world; what the nodes were told stays.
func Open(ctx context.Context, p *pair.Pair) (*Staging, error) {
	s := &Staging{Pair: p}
	var err error
	if s.World, err = lab.NewWorld(ctx, lab.WorldConfig{Domain: Domain, Path: lab.PathLazy, Net: s.host(0)}); err != nil {
		return nil, fmt.Errorf("second world: %w", err)
	}
	if err = Type(ctx, p.Edge, edgeLines()...); err == nil {
		err = Type(ctx, p.Core, s.coreLines()...)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// host is the n-th address of the second world, beside the first's.
func (s *Staging) host(n byte) netip.Addr {
	b := netip.MustParseAddr(s.Pair.WebServer()).As4()
	b[2], b[3] = b[2]+1, n
	return netip.AddrFrom4(b)
}

func edgeLines() []string {
	return []string{`xCommand DomainAdd Name: ` + Domain + ` Edgesip: On`}
}

func (s *Staging) coreLines() []string {
	return []string{
		fmt.Sprintf(`xCommand DeploymentAdd Name: "%s" DeploymentId: %d`, Name, Number),
		fmt.Sprintf(`xCommand DomainAdd Name: %s Edgesip: On DeploymentId: %d`, Domain, Number),
		`xConfiguration Zones Zone 3 Name: "Staging call control"`,
		`xConfiguration Zones Zone 3 Type: Neighbor`,
		fmt.Sprintf(`xConfiguration Zones Zone 3 Neighbor DeploymentId: %d`, Number),
		`xConfiguration Zones Zone 3 Neighbor Peer 1 Address: "` + s.host(1).String() + `"`,
		`xConfiguration Zones Zone 3 Neighbor SIP Port: 5060`,
		`xConfiguration Zones Zone 3 Neighbor SIP Transport: TCP`,
		// Whatever it is asked for, this careless rule leads to live call control.
		`xConfiguration Zones Policy SearchRules Rule 2 Name: "Careless"`,
		`xConfiguration Zones Policy SearchRules Rule 2 Mode: AnyAlias`,
		`xConfiguration Zones Policy SearchRules Rule 2 Priority: 10`,
		`xConfiguration Zones Policy SearchRules Rule 2 Target Type: Zone`,
		`xConfiguration Zones Policy SearchRules Rule 2 Target Name: "Call control"`,
		`xConfiguration Zones Policy SearchRules Rule 3 Name: "Staging users"`,
		`xConfiguration Zones Policy SearchRules Rule 3 Mode: AliasPatternMatch`,
		`xConfiguration Zones Policy SearchRules Rule 3 Pattern Type: Suffix`,
		`xConfiguration Zones Policy SearchRules Rule 3 Pattern String: "@` + Domain + `"`,
		`xConfiguration Zones Policy SearchRules Rule 3 Pattern Behavior: Leave`,
		`xConfiguration Zones Policy SearchRules Rule 3 Priority: 20`,
		`xConfiguration Zones Policy SearchRules Rule 3 Target Type: Zone`,
		`xConfiguration Zones Policy SearchRules Rule 3 Target Name: "Staging call control"`,
		`xCommand HTTPAllowListRuleAdd URL: "` + s.World.Web.URL("http", "/page/") + `" MatchType: prefix Deployment: ` + Name,
	}
}

// Type enters lines at a node's console and waits until they are in force; the
// first that is refused is an error.
func Type(ctx context.Context, n *appliance.Node, lines ...string) error {
	for _, line := range lines {
		var out bytes.Buffer
		console := n.Console("deploy")
		exit := console.Exec(ctx, line, &out)
		console.Close()
		if exit != 0 {
			return fmt.Errorf("%s: %s: %s", n.Name(), line, strings.TrimSpace(out.String()))
		}
	}
	return pair.AwaitApplied(ctx, n)
}

// Phone is an outside softphone of a user of the second deployment, started but
// not registered. Close closes it.
func (s *Staging) Phone(ctx context.Context, user string, tone float64) (*lab.Phone, error) {
	p, err := s.Pair.Phone(user, tone, func(c *lab.PhoneConfig) { c.Domain = Domain })
	if err != nil {
		return nil, err
	}
	s.phones = append(s.phones, p)
	return p, p.Start(ctx)
}

// Browser is a client of a user's domain.
func (s *Staging) Browser(domain string) (*lab.Browser, error) {
	return lab.NewBrowser(lab.BrowserConfig{
		Edge: netip.AddrPortFrom(s.Pair.Outer, 8443), ServerName: pair.EdgeName, Domain: domain, CA: s.Pair.CA,
	})
}

// Close ends the second world and its phones.
func (s *Staging) Close() {
	for _, p := range s.phones {
		p.Close()
	}
	s.World.Close()
}

// Package deploy puts another deployment beside the first of a running pair:
// another domain, another call control, another web server, set up live through
// the shell. It then tries to get from one to the other by SIP and by HTTP
// without a login; package worlds tries the rest. Tests and cmd/lab call it.
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

// A Place is a deployment beside the first. Its number is also where its world,
// its zone and its search rule are.
type Place struct {
	Name, Domain string
	Number       int
	World        func(*lab.WorldConfig) // last changes before it is made
}

// Staging is a pair with another world behind it.
type Staging struct {
	Place
	Pair  *pair.Pair
	World *lab.World

	phones []*lab.Phone
}

// Open starts the second world and tells both nodes of it. Close ends the
// world; what the nodes were told stays.
func Open(ctx context.Context, p *pair.Pair) (*Staging, error) {
	return OpenAt(ctx, p, Place{Name: Name, Domain: Domain, Number: Number})
}

// OpenAt is Open for a place of its own.
func OpenAt(ctx context.Context, p *pair.Pair, at Place) (*Staging, error) {
	s := &Staging{Place: at, Pair: p}
	cfg, err := p.WorldConfig(at.Domain, s.host(0))
	if err != nil {
		return nil, err
	}
	cfg.Path = lab.PathLazy
	if at.World != nil {
		at.World(&cfg)
	}
	if s.World, err = lab.NewWorld(ctx, cfg); err != nil {
		return nil, fmt.Errorf("world of %s: %w", at.Name, err)
	}
	if err = Type(ctx, p.Edge, s.edgeLines()...); err == nil {
		err = Type(ctx, p.Core, s.coreLines()...)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// host is the n-th address of the world, beside the first's.
func (s *Staging) host(n byte) netip.Addr {
	b := netip.MustParseAddr(s.Pair.WebServer()).As4()
	b[2], b[3] = b[2]+byte(s.Number-1), n
	return netip.AddrFrom4(b)
}

func (s *Staging) edgeLines() []string {
	return []string{`xCommand DomainAdd Name: ` + s.Domain + ` Edgesip: On Edgexmpp: On`}
}

func (s *Staging) coreLines() []string {
	zone := func(row string, values ...any) string {
		return fmt.Sprintf("xConfiguration Zones Zone %d %s", s.Number+1, fmt.Sprintf(row, values...))
	}
	rule := func(row string, values ...any) string {
		return fmt.Sprintf("xConfiguration Zones Policy SearchRules Rule %d %s", s.Number+1, fmt.Sprintf(row, values...))
	}
	return []string{
		fmt.Sprintf(`xCommand DeploymentAdd Name: "%s" DeploymentId: %d`, s.Name, s.Number),
		fmt.Sprintf(`xCommand DomainAdd Name: %s Edgesip: On Edgexmpp: On DeploymentId: %d`, s.Domain, s.Number),
		zone(`Name: "%s call control"`, s.Name), zone(`Type: Neighbor`), zone(`Neighbor DeploymentId: %d`, s.Number),
		zone(`Neighbor Peer 1 Address: "%s"`, s.host(1)), zone(`Neighbor SIP Port: 5060`), zone(`Neighbor SIP Transport: TCP`),
		// Whatever it is asked for, this careless rule leads to live call control.
		`xConfiguration Zones Policy SearchRules Rule 2 Name: "Careless"`,
		`xConfiguration Zones Policy SearchRules Rule 2 Mode: AnyAlias`,
		`xConfiguration Zones Policy SearchRules Rule 2 Priority: 10`,
		`xConfiguration Zones Policy SearchRules Rule 2 Target Type: Zone`,
		`xConfiguration Zones Policy SearchRules Rule 2 Target Name: "Call control"`,
		rule(`Name: "%s users"`, s.Name), rule(`Mode: AliasPatternMatch`), rule(`Pattern Type: Suffix`), rule(`Pattern String: "@%s"`, s.Domain),
		rule(`Pattern Behavior: Leave`), rule(`Priority: 20`), rule(`Target Type: Zone`), rule(`Target Name: "%s call control"`, s.Name),
		`xCommand HTTPAllowListRuleAdd URL: "` + s.World.Web.URL("http", "/page/") + `" MatchType: prefix Deployment: ` + s.Name,
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
	p, err := s.Pair.Phone(user, tone, func(c *lab.PhoneConfig) { c.Domain = s.Domain })
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
	if s.World != nil {
		s.World.Close()
	}
}

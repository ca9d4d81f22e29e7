package login

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
	"sallyport/test/deploy"
	"sallyport/test/lab"
	"sallyport/test/pair"
)

// ActivationDomain is where phones of a stage redeem activation codes; they are
// sent on to the stage's own domain.
const ActivationDomain = "activate.example.com"

// Onboarding is a stage whose phones may be onboarded from outside.
type Onboarding struct {
	*Stage
	Maker *trust.CA // the manufacturer that edge trusts
}

// OpenOnboarding adds an activation domain to the home cluster, and lets phones
// of a manufacturer redeem codes there.
func (s *Stage) OpenOnboarding(ctx context.Context) (*Onboarding, error) {
	maker, err := trust.NewCA("Phone Maker Root", nil)
	if err != nil {
		return nil, err
	}
	return s.OpenOnboardingBy(ctx, maker)
}

// OpenOnboardingBy is OpenOnboarding for phones of a manufacturer that others
// may have, too.
func (s *Stage) OpenOnboardingBy(ctx context.Context, maker *trust.CA) (*Onboarding, error) {
	if err := os.WriteFile(filepath.Join(s.Pair.Edge.Folder(), "maker.pem"), maker.PEM(), 0o600); err != nil {
		return nil, err
	}
	if err := s.Keys(ctx); err != nil {
		return nil, err
	}
	err := deploy.Type(ctx, s.Pair.Edge,
		"xCommand DomainAdd Name: "+s.Activation+" Edgesip: On",
		"xCommand ManufacturerCAInstall File: maker.pem",
		"xConfiguration CollaborationEdge AllowOnboardingOverMra: On")
	if err != nil {
		return nil, err
	}
	i := s.publisher()
	err = deploy.Type(ctx, s.Pair.Core,
		fmt.Sprintf("xCommand DomainAdd Name: %s Edgesip: On DeploymentId: %d", s.Activation, s.deployment),
		"xConfiguration CollaborationEdge AllowOnboardingOverMra: On",
		fmt.Sprintf("xConfiguration CollaborationEdge CUCM %d ActivationDomain: %s", i, s.Activation),
		fmt.Sprintf("xConfiguration CollaborationEdge CUCM %d ServiceDomain 1: %s", i, s.Domain))
	a := s.World.Activation
	a.Domain = s.Activation
	a.SetServiceDomain("cluster", s.Domain)
	return &Onboarding{s, maker}, err
}

// CloseOnboarding takes it away again.
func (o *Onboarding) CloseOnboarding(ctx context.Context) error {
	i := o.publisher()
	err := deploy.Type(ctx, o.Pair.Core, "xConfiguration CollaborationEdge AllowOnboardingOverMra: Off",
		fmt.Sprintf(`xConfiguration CollaborationEdge CUCM %d ActivationDomain: ""`, i),
		fmt.Sprintf(`xConfiguration CollaborationEdge CUCM %d ServiceDomain 1: ""`, i),
		fmt.Sprint("xCommand DomainDelete DomainId: ", IndexOf(o.Pair.Core, o.Activation)))
	if err != nil {
		return err
	}
	lines := []string{"xConfiguration CollaborationEdge AllowOnboardingOverMra: Off", fmt.Sprint("xCommand DomainDelete DomainId: ", IndexOf(o.Pair.Edge, o.Activation))}
	print := trust.Fingerprint(o.Maker.Certificate())
	if slices.ContainsFunc(o.Pair.Edge.Trust().Manufacturers(), func(c *x509.Certificate) bool { return trust.Fingerprint(c) == print }) {
		lines = append(lines, "xCommand ManufacturerCADelete Fingerprint: "+print)
	}
	return deploy.Type(ctx, o.Pair.Edge, lines...)
}

// publisher is the home cluster's entry among core's.
func (s *Stage) publisher() int {
	snap := s.Pair.Core.Store().Snapshot()
	for _, i := range snap.Indexes(xapi.CUCMAddress.Item) {
		if snap.Str(xapi.CUCMAddress, i) == s.World.Home.Publisher().Host {
			return i
		}
	}
	return 0
}

// Fresh is a phone as it comes out of its box: with the certificate that a
// manufacturer gave it. maker nil: without one.
func (s *Stage) Fresh(maker *trust.CA, device, domain string) (*Client, error) {
	cfg := lab.BrowserConfig{
		Edge: netip.AddrPortFrom(s.Pair.Outer, 8443), ServerName: pair.EdgeName, Domain: domain, CA: s.Pair.CA,
	}
	if maker != nil {
		var err error
		if cfg.Cert, cfg.Key, err = maker.Issue(trust.IssueOptions{CommonName: "CP-8845-" + device, Client: true}); err != nil {
			return nil, err
		}
	}
	b, err := lab.NewBrowser(cfg)
	if err != nil {
		return nil, err
	}
	s.browsers = append(s.browsers, b)
	return &Client{Browser: b}, nil
}

// ActivationBase is the activation service on the home cluster's publisher.
func (s *Stage) ActivationBase() string {
	return "https://" + s.World.Home.Publisher().Host + ":8443"
}

// An Onboarded phone knows where it belongs, and has signed in there.
type Onboarded struct {
	*Client
	Domain string // its service domain
	Tokens *lab.Activated
}

// Onboard does all that a phone does from its box to its service domain: the
// cloud tells the activation domain, the code gives tokens, the device's file
// redirects, and the phone signs in where that leads.
func (o *Onboarding) Onboard(ctx context.Context, device, code string) (*Onboarded, error) {
	var cloud lab.CloudRedirect
	if err := json.Unmarshal(o.World.Activation.Cloud(), &cloud); err != nil {
		return nil, err
	}
	box, err := o.Fresh(o.Maker, device, cloud.ServiceDomain)
	if err != nil {
		return nil, err
	}
	tokens, err := box.Activate(ctx, o.ActivationBase(), device, code)
	if err != nil {
		return nil, err
	}
	box.Credentials = Bearer(tokens.Access)
	if _, _, err := box.SignIn(ctx); err != nil {
		return nil, fmt.Errorf("sign-in in the activation domain: %w", err)
	}
	file, err := box.Get(ctx, "https://"+o.World.Home.Publisher().Host+":6972/"+device+".cnf.xml")
	if err != nil || file.Status != http.StatusOK {
		return nil, fmt.Errorf("device file: %+v, %v", file, err)
	}
	domain, err := lab.ServiceDomain(file.Body)
	if err != nil {
		return nil, err
	}
	at, err := o.Fresh(o.Maker, device, domain)
	if err != nil {
		return nil, err
	}
	at.Credentials = Bearer(tokens.Access)
	if _, _, err := at.SignIn(ctx); err != nil {
		return nil, fmt.Errorf("sign-in in the service domain %s: %w", domain, err)
	}
	return &Onboarded{at, domain, tokens}, nil
}

// Package login puts sign-in in force for a domain of a running pair: two call
// control clusters and voicemail become nodes of the domain's deployment, live
// through the shell, and users sign in at edge as clients do. Tests and cmd/lab
// call it.
package login

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"

	"sallyport/appliance"
	"sallyport/test/deploy"
	"sallyport/test/lab"
	"sallyport/test/pair"
)

// The deployment of its own that Open makes.
const (
	Name   = "Clusters"
	Number = 3
	Domain = "uc.example.com"
)

// Stage is a pair whose users of one domain must sign in.
type Stage struct {
	Pair       *pair.Pair
	World      *lab.World // that they sign in to
	Domain     string
	Activation string // domain where their phones redeem codes

	deployment int
	browsers   []*lab.Browser
}

// Open makes a deployment with a domain of its own.
func Open(ctx context.Context, p *pair.Pair) (*Stage, error) {
	s := &Stage{Pair: p, World: p.World, Domain: Domain, Activation: ActivationDomain, deployment: Number}
	if err := deploy.Type(ctx, p.Edge, `xCommand DomainAdd Name: `+Domain+` Edgesip: On`); err != nil {
		return nil, err
	}
	return s, s.tell(ctx, deploymentLines(Number)...)
}

// OpenDefault puts the clusters into the default deployment, so that the pair's
// own users must sign in.
func OpenDefault(ctx context.Context, p *pair.Pair) (*Stage, error) {
	return OpenIn(ctx, p, p.World, 1)
}

// OpenIn puts the clusters of a world into a deployment that has its domain.
func OpenIn(ctx context.Context, p *pair.Pair, w *lab.World, deployment int) (*Stage, error) {
	s := &Stage{Pair: p, World: w, Domain: w.Domain, Activation: "activate." + w.Domain, deployment: deployment}
	return s, s.tell(ctx)
}

// tell gives core the lines, and has it discover the clusters.
func (s *Stage) tell(ctx context.Context, lines ...string) error {
	return s.tellTo(ctx, s.Pair.Core, lines...)
}

// deploymentLines make the deployment of its own on a core.
func deploymentLines(number int) []string {
	return []string{
		fmt.Sprintf(`xCommand DeploymentAdd Name: "%s" DeploymentId: %d`, Name, number),
		fmt.Sprintf(`xCommand DomainAdd Name: %s Edgesip: On DeploymentId: %d`, Domain, number),
	}
}

// tellTo is tell for a core.
func (s *Stage) tellTo(ctx context.Context, core *appliance.Node, lines ...string) error {
	w := s.World
	user, password := lab.AXLAccount()
	account := fmt.Sprintf("Axlusername: %s Axlpassword: %s DeploymentId: %d", user, password, s.deployment)
	mailUser, mailPassword := lab.VoicemailAdmin()
	return deploy.Type(ctx, core, append(lines,
		fmt.Sprintf("xCommand CUCMConfigAdd Address: %s %s", w.Home.Publisher().Host, account),
		fmt.Sprintf("xCommand CUCMConfigAdd Address: %s %s", w.Remote.Publisher().Host, account),
		fmt.Sprintf("xCommand UcxnConfigAdd Address: %s Username: %s Password: %s DeploymentId: %d", w.Home.Voicemail, mailUser, mailPassword, s.deployment),
		"xConfiguration CollaborationEdge LegacyCred: On")...)
}

// Undo takes the clusters away again; the domain stays, and nobody has to sign
// in for it.
func (s *Stage) Undo(ctx context.Context) error {
	w := s.World
	return deploy.Type(ctx, s.Pair.Core, "xConfiguration CollaborationEdge LegacyCred: Off",
		"xCommand CUCMConfigDelete Address: "+w.Home.Publisher().Host, "xCommand CUCMConfigDelete Address: "+w.Remote.Publisher().Host,
		fmt.Sprintf("xCommand UcxnConfigDelete Address: %s", w.Home.Voicemail))
}

// A Client is somebody outside with credentials and the cookies of one device.
type Client struct {
	*lab.Browser
	Credentials http.Header
}

// Client makes one; Close ends it.
func (s *Stage) Client(user, password string) (*Client, error) {
	b, err := lab.NewBrowser(lab.BrowserConfig{
		Edge: netip.AddrPortFrom(s.Pair.Outer, 8443), ServerName: pair.EdgeName, Domain: s.Domain, CA: s.Pair.CA,
	})
	if err != nil {
		return nil, err
	}
	s.browsers = append(s.browsers, b)
	return &Client{b, lab.Basic(user, password)}, nil
}

// User is a client of a user of the world.
func (s *Stage) User(user string) (*Client, error) { return s.Client(user, lab.Users()[user]) }

// Close lets go of the clients.
func (s *Stage) Close() {
	for _, b := range s.browsers {
		b.Close()
	}
}

// Services are what clients ask for when they sign in.
func Services() []string {
	return []string{"_cisco-uds", "_cuplogin", "_cisco-phone-tftp", "tftpServer"}
}

// SignIn signs the client in; any other answer than a 200 is an error.
func (c *Client) SignIn(ctx context.Context) (*lab.EdgeConfig, *lab.Page, error) {
	config, page, err := c.Browser.SignIn(ctx, c.Credentials, Services()...)
	if err == nil && config == nil {
		err = fmt.Errorf("status %d: %s", page.Status, page.Body)
	}
	return config, page, err
}

// Get fetches an inside URL with the client's credentials and cookies.
func (c *Client) Get(ctx context.Context, inside string) (*lab.Page, error) {
	return c.DoAs(ctx, c.Credentials, http.MethodGet, inside, nil)
}

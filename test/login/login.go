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

// The zones of the nodes.
const (
	homeZone      = 11
	remoteZone    = 12
	voicemailZone = 13
)

// Stage is a pair whose users of one domain must sign in.
type Stage struct {
	Pair   *pair.Pair
	Domain string

	deployment int
	browsers   []*lab.Browser
}

// Open makes a deployment with a domain of its own.
func Open(ctx context.Context, p *pair.Pair) (*Stage, error) {
	s := &Stage{Pair: p, Domain: Domain, deployment: Number}
	if err := deploy.Type(ctx, p.Edge, `xCommand DomainAdd Name: `+Domain+` Edgesip: On`); err != nil {
		return nil, err
	}
	return s, s.tell(ctx,
		fmt.Sprintf(`xCommand DeploymentAdd Name: "%s" DeploymentId: %d`, Name, Number),
		fmt.Sprintf(`xCommand DomainAdd Name: %s Edgesip: On DeploymentId: %d`, Domain, Number),
	)
}

// OpenDefault puts the clusters into the default deployment, so that the pair's
// own users must sign in.
func OpenDefault(ctx context.Context, p *pair.Pair) (*Stage, error) {
	s := &Stage{Pair: p, Domain: pair.Domain, deployment: 1}
	return s, s.tell(ctx)
}

// tell gives core the lines, and those that make the clusters known.
func (s *Stage) tell(ctx context.Context, lines ...string) error {
	w := s.Pair.World
	for _, z := range []struct {
		index int
		name  string
		types string
		peers []netip.Addr
	}{
		{homeZone, "Home cluster", "UnifiedCM,TFTP", addresses(w.Home)},
		{remoteZone, "Remote cluster", "UnifiedCM,TFTP", addresses(w.Remote)},
		{voicemailZone, "Voicemail", "UnityConnection", []netip.Addr{w.Home.Voicemail, w.Home.Voicemail.Next()}},
	} {
		zone := fmt.Sprintf("xConfiguration Zones Zone %d ", z.index)
		lines = append(lines, zone+`Name: "`+z.name+`"`, zone+"Type: Neighbor",
			fmt.Sprintf("%sNeighbor DeploymentId: %d", zone, s.deployment), zone+"Neighbor Monitor: No", zone+`Neighbor NodeType: "`+z.types+`"`)
		for i, a := range z.peers {
			lines = append(lines, fmt.Sprintf(`%sNeighbor Peer %d Address: "%s"`, zone, i+1, a))
		}
	}
	return deploy.Type(ctx, s.Pair.Core, append(lines, "xConfiguration CollaborationEdge LegacyCred: On")...)
}

func addresses(c *lab.Cluster) (out []netip.Addr) {
	for _, n := range c.Nodes {
		out = append(out, n.Addr)
	}
	return out
}

// Undo takes the clusters away again; the domain stays, and nobody has to sign
// in for it.
func (s *Stage) Undo(ctx context.Context) error {
	return deploy.Type(ctx, s.Pair.Core, "xConfiguration CollaborationEdge LegacyCred: Off",
		fmt.Sprintf("xCommand ZoneDelete ZoneId: %d", homeZone), fmt.Sprintf("xCommand ZoneDelete ZoneId: %d", remoteZone),
		fmt.Sprintf("xCommand ZoneDelete ZoneId: %d", voicemailZone))
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

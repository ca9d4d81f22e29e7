package login

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"sallyport/appliance"
	"sallyport/appliance/xapi"
	"sallyport/test/deploy"
	"sallyport/test/lab"
	"sallyport/test/pair"
)

// SSO is a stage whose users sign in at an identity provider.
type SSO struct {
	*Stage
	IdP *lab.IdP
}

// Keys lets core know the home cluster's token keys, as an administrator brings
// them.
func (s *Stage) Keys(ctx context.Context) error {
	if err := s.file("authz.key", s.World.Tokens.KeyFile()); err != nil {
		return err
	}
	return deploy.Type(ctx, s.Pair.Core,
		fmt.Sprintf("xCommand AuthzKeyImport Publisher: %s File: authz.key DeploymentId: %d", s.World.Home.Publisher().Host, s.deployment),
		"xConfiguration CollaborationEdge OauthLocal: On")
}

func (s *Stage) file(name string, text []byte) error {
	return os.WriteFile(filepath.Join(s.Pair.Core.Folder(), name), text, 0o600)
}

// index is the stage's domain among those of core.
func (s *Stage) index() int { return IndexOf(s.Pair.Core, s.Domain) }

// IndexOf is the row of a domain among those of a node, 0 if it has none.
func IndexOf(n *appliance.Node, domain string) int {
	snap := n.Store().Snapshot()
	for _, i := range snap.Indexes(xapi.SIPDomainName.Item) {
		if snap.Str(xapi.SIPDomainName, i) == domain {
			return i
		}
	}
	return 0
}

// OpenSSO associates the stage's domain with an identity provider of its own.
func (s *Stage) OpenSSO(ctx context.Context) (*SSO, error) {
	idp, err := lab.NewIdP()
	if err != nil {
		return nil, err
	}
	if err := s.file("idp.xml", idp.Metadata()); err != nil {
		return nil, err
	}
	err = deploy.Type(ctx, s.Pair.Core,
		"xCommand EdgeSSOIdPImport Name: Company File: idp.xml",
		fmt.Sprintf("xConfiguration SIP Domain %d IdP: Company", s.index()),
		"xConfiguration CollaborationEdge SsoEnabled: On",
		"xConfiguration CollaborationEdge OauthSso: On",
		"xConfiguration CollaborationEdge LegacySso: On",
		fmt.Sprintf("xCommand EdgeSSOMetadataExport Domain: %s Edge: %s File: sp.xml", s.Domain, pair.EdgeName))
	if err != nil {
		return nil, err
	}
	sp, err := os.ReadFile(filepath.Join(s.Pair.Core.Folder(), "sp.xml"))
	if err != nil {
		return nil, err
	}
	return &SSO{s, idp}, idp.Trust(sp)
}

// CloseSSO takes the identity provider away again.
func (s *SSO) CloseSSO(ctx context.Context) error {
	return deploy.Type(ctx, s.Pair.Core,
		"xConfiguration CollaborationEdge SsoEnabled: Off", "xConfiguration CollaborationEdge OauthSso: Off", "xConfiguration CollaborationEdge LegacySso: Off",
		fmt.Sprintf(`xConfiguration SIP Domain %d IdP: ""`, s.index()), "xCommand EdgeSSOIdPDelete Name: Company")
}

// Begin asks for a code or a token and returns where the browser is sent.
func (c *Client) Begin(ctx context.Context, kind string) (string, error) {
	q := url.Values{"response_type": {kind}, "realm": {"local"}, "client_id": {"C" + strings.Repeat("0a", 32)}, "state": {"7"}}
	page, err := c.Fetch(ctx, http.MethodGet, c.LaneURL("authorize")+"?"+q.Encode(), nil, nil)
	if err != nil {
		return "", err
	}
	if page.Status != http.StatusFound {
		return "", fmt.Errorf("authorize: %d %s", page.Status, page.Body)
	}
	return page.Header.Get("Location"), nil
}

// Post brings a form to a lane.
func (c *Client) Post(ctx context.Context, to string, form url.Values) (*lab.Page, error) {
	return c.Fetch(ctx, http.MethodPost, to, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, strings.NewReader(form.Encode()))
}

// Vouched goes to the identity provider and back, and returns where the client
// ends.
func (s *SSO) Vouched(ctx context.Context, c *Client, kind, user string) (*url.URL, error) {
	away, err := c.Begin(ctx, kind)
	if err != nil {
		return nil, err
	}
	to, form, err := s.IdP.Answer(away, user, "")
	if err != nil {
		return nil, err
	}
	page, err := c.Post(ctx, to, form)
	if err != nil {
		return nil, err
	}
	if page.Status != http.StatusFound {
		return nil, fmt.Errorf("fedlet: %d %s", page.Status, page.Body)
	}
	return url.Parse(page.Header.Get("Location"))
}

// Tokens are what a code or a refresh token is good for.
type Tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// Exchange brings a code or a refresh token to the token endpoint.
func (c *Client) Exchange(ctx context.Context, form url.Values) (t Tokens, err error) {
	page, err := c.Post(ctx, c.LaneURL("access_token"), form)
	if err != nil {
		return t, err
	}
	if page.Status != http.StatusOK {
		return t, fmt.Errorf("access_token: %d %s", page.Status, page.Body)
	}
	if err := json.Unmarshal(page.Body, &t); err != nil {
		return t, err
	}
	if t.Access == "" || t.Refresh == "" {
		return t, errors.New("access_token: no tokens")
	}
	return t, nil
}

// Code is the form that brings a code.
func Code(at *url.URL) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {at.Query().Get("code")}}
}

// Bearer is the header of a client with a token.
func Bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

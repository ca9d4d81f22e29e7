package core

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"sallyport/appliance/auth"
	"sallyport/appliance/httpproxy"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// maxSSOTokens bounds the opaque tokens whose owners core remembers.
const maxSSOTokens = 50_000

// newSSO joins single sign-on to the servers behind the HTTPS gate.
func (c *Core) newSSO() *auth.SSO {
	return auth.NewSSO(auth.SSOConfig{
		Log: c.log, Clock: c.cfg.Clock, Rand: rand.Reader, Tokens: c.cfg.State.Table("ssotokens", maxSSOTokens),
		Key: sync.OnceValues(c.spKey),
		Home: func(ctx context.Context, deployment int, user string) ([]string, error) {
			return c.http.Nodes(ctx, deployment, user)
		},
		MayTry: func(deployment int, user, source string) (time.Duration, bool) {
			return c.http.MayTry(deployment, user, source)
		},
		NoGuess:  func(deployment int, source string, right bool) { c.http.NoGuess(deployment, source, right) },
		Upstream: roundTripper(func(r *http.Request) (*http.Response, error) { return c.http.RoundTrip(r) }),
	})
}

// roundTripper is a function that is an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (c *Core) spKey() (auth.SPKey, error) {
	key, cert, err := c.trust.SAMLKey(rand.Reader)
	return auth.SPKey{Key: key, Certificate: cert}, err
}

// lanes are what clients ask for below their domain before they have signed in.
func (c *Core) lanes() map[string]httpproxy.Lane {
	lane := func(f func(http.ResponseWriter, *http.Request, auth.Client)) httpproxy.Lane {
		return func(w http.ResponseWriter, r *http.Request, v httpproxy.Visitor) {
			f(w, r, auth.Client{Domain: v.Domain, Deployment: v.Deployment, Source: v.Source, Trace: v.Trace, URL: v.URL, Pin: v.Pin})
		}
	}
	all := map[string]httpproxy.Lane{
		"authorize": func(w http.ResponseWriter, r *http.Request, v httpproxy.Visitor) {
			c.saml.came(v.Domain, v.URL("fedlet"))
			lane(c.sso.Authorize)(w, r, v)
		},
		"fedlet":  lane(c.sso.Fedlet),
		"oauthcb": lane(c.sso.OAuthCB), "access_token": lane(c.sso.AccessToken),
	}
	maps.Copy(all, c.cfg.Lanes)
	return all
}

// verifySSO tells whose an opaque token is that was given through core.
func (c *Core) verifySSO(deployment int, token string, err error) (user string, expires time.Time, _ error) {
	if user, expires, ok := c.sso.Verify(deployment, token); ok {
		return user, expires, nil
	}
	return "", time.Time{}, err
}

// deleteTokens forgets tokens, and with them the edges' memory of the user.
func (c *Core) deleteTokens(ctx context.Context, user string) *xapi.Node {
	n := c.sso.DeleteTokens(user)
	c.Ask(ctx, auth.MethodForget, []byte(user))
	return xapi.NewNode("Result").Int("Tokens", n)
}

// ServiceProvider is core's SAML metadata for a domain, with the assertion
// consumers of edges by their hosts.
func (c *Core) ServiceProvider(domain string, edges []string) ([]byte, error) {
	plan := c.plan.Load()
	if _, ok := plan.Topology.OfDomain(domain); !ok {
		return nil, fmt.Errorf("domain %s is not served here", domain)
	}
	key, err := c.spKey()
	if err != nil {
		return nil, err
	}
	var consumers []string
	for _, host := range edges {
		v := httpproxy.Visitor{Domain: uc.Canonical(domain), Face: httpproxy.Face{Host: host, HTTPS: webPort}}
		consumers = append(consumers, v.URL("fedlet"))
	}
	text, err := key.Metadata(uc.Canonical(domain), consumers, c.cfg.Clock())
	if err != nil {
		return nil, err
	}
	return text, c.noteExport(uc.Canonical(domain), key.Certificate, consumers)
}

// webPort is where clients reach edges, unless those say otherwise.
const webPort = 8443

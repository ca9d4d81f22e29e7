package login

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sallyport/test/deploy"
	"sallyport/test/lab"
)

// TestSignOnAnswer: clients are told by the settings how to sign in, and by the
// home cluster where it is asked.
func TestSignOnAnswer(t *testing.T) {
	s := stage(t, Open)
	w := s.Pair.World
	ask := func(query string) string {
		t.Helper()
		c, err := s.User("alice")
		if err != nil {
			t.Fatal(err)
		}
		page, err := c.Fetch(t.Context(), http.MethodGet, c.LaneURL("get_edge_sso")+query, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if page.Status != http.StatusOK {
			return fmt.Sprint(page.Status)
		}
		return string(page.Body)
	}
	core := func(lines ...string) {
		t.Helper()
		for i := range lines {
			lines[i] = "xConfiguration CollaborationEdge " + lines[i]
		}
		if err := deploy.Type(t.Context(), s.Pair.Core, lines...); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(when, query string, status, token bool) {
		t.Helper()
		body := ask(query)
		want := fmt.Sprintf(`<Status enabled="%t"></Status><Token enabled="%t"></Token>`, status, token)
		if !strings.Contains(body, want) || strings.Contains(body, "<Uri>https://edge.example.com:8443/") != (status || token) {
			t.Errorf("%s: %s, want %s", when, body, want)
		}
	}
	expect("nothing is on", "?email=alice@example.com", false, false)
	core("OauthLocal: On")
	expect("tokens are on", "?email=alice@example.com", false, true)
	core("SsoEnabled: On", "OauthSso: On")
	expect("single sign-on too", "?username=alice", true, true)
	core("InternalCheck: Yes")
	expect("the home cluster knows neither", "?username=alice", false, false)
	w.UDS.Set(func(o *lab.UDSOptions) { o.SignOn = func() (bool, bool) { return false, true } })
	expect("the home cluster gives tokens", "?email=alice@example.com", false, true)
	expect("nobody is told more than others", "?username=nobody", false, true)
	core("SsoAlwaysAvailable: On")
	expect("nobody need be asked", "?username=alice", true, true)
	core("SsoAlwaysAvailable: Off")
	for _, a := range []netip.Addr{w.Home.Publisher().Addr, w.Home.Subscriber().Addr, w.Remote.Publisher().Addr, w.Remote.Subscriber().Addr} {
		w.Host(a).SetFault(lab.Fault{Status: http.StatusServiceUnavailable})
	}
	if got := ask("?username=alice"); got != "502" {
		t.Errorf("no cluster answers: %s", got)
	}
}

// TestTokenSignsIn: an access token of the deployment's cluster is as good as
// a password, as long as it lives.
func TestTokenSignsIn(t *testing.T) {
	s := stage(t, Open, "xConfiguration CollaborationEdge OauthLocal: On")
	w := s.Pair.World
	w.UDS.Set(func(o *lab.UDSOptions) { o.Bearer = w.Tokens.Owner })
	bearer := func(token string) *Client {
		t.Helper()
		c, err := s.Client("", "")
		if err != nil {
			t.Fatal(err)
		}
		c.Credentials = http.Header{"Authorization": {"Bearer " + token}}
		return c
	}
	sign := func(when, token string, want int) *Client {
		t.Helper()
		c := bearer(token)
		_, page, err := c.Browser.SignIn(t.Context(), c.Credentials)
		if err != nil || page.Status != want {
			t.Fatalf("%s: %+v, %v; want %d", when, page, err, want)
		}
		return c
	}
	good := w.Tokens.Access("alice", time.Hour)
	c := sign("by the key that discovery brought", good, 200)
	own := s.uds(w.Home, "/cucm-uds/user/alice/devices")
	if err := s.gets(t.Context(), c, own, 200); err != nil {
		t.Error(err)
	}
	// A renewed token goes on with the same login, another user's does not.
	c.Credentials = bearer(w.Tokens.Access("alice", time.Hour)).Credentials
	if err := s.gets(t.Context(), c, own, 200); err != nil {
		t.Error("renewed: ", err)
	}
	c.Credentials = bearer(w.Tokens.Access("bob", time.Hour)).Credentials
	if err := s.gets(t.Context(), c, own, 401); err != nil {
		t.Error("bob's: ", err)
	}
	c.Credentials = lab.Basic("alice", lab.Users()["alice"])
	if err := s.gets(t.Context(), c, own, 401); err != nil {
		t.Error("a password in a token's place: ", err)
	}
	for _, kind := range []string{"expired", "stranger", "forged", "none", "refresh", "tampered"} {
		token, err := w.Tokens.Bad(kind, "alice")
		if err != nil {
			t.Fatal(err)
		}
		sign(kind, token, 401)
	}
	if err := deploy.Type(t.Context(), s.Pair.Core, "xConfiguration CollaborationEdge OauthLocal: Off"); err != nil {
		t.Fatal(err)
	}
	sign("tokens are off", good, 403)
}

// TestVerifyOriginServer: a cluster whose certificate nobody vouches for is
// asked nothing, unless an administrator wants it.
func TestVerifyOriginServer(t *testing.T) {
	s := stage(t, Open)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	b := netip.MustParseAddr(s.Pair.WebServer()).As4()
	b[2], b[3] = b[2]+1, 0
	strange, err := lab.NewWorld(ctx, lab.WorldConfig{Domain: "strange.example.com", Net: netip.AddrFrom4(b), CA: s.Pair.CA})
	if err != nil {
		t.Fatal(err)
	}
	defer strange.Close()
	err = deploy.Type(ctx, s.Pair.Core,
		`xCommand DeploymentAdd Name: "Strange" DeploymentId: 4`, `xCommand DomainAdd Name: strange.example.com Edgesip: On DeploymentId: 4`,
		`xConfiguration Zones Zone 20 Name: "Strange"`, `xConfiguration Zones Zone 20 Type: Neighbor`, `xConfiguration Zones Zone 20 Neighbor DeploymentId: 4`,
		`xConfiguration Zones Zone 20 Neighbor Monitor: No`, `xConfiguration Zones Zone 20 Neighbor NodeType: "UnifiedCM"`,
		fmt.Sprintf(`xConfiguration Zones Zone 20 Neighbor Peer 1 Address: "%s"`, strange.Home.Publisher().Addr))
	if err != nil {
		t.Fatal(err)
	}
	there := &Stage{Pair: s.Pair, Domain: "strange.example.com"}
	defer there.Close()
	for _, step := range []struct {
		verify string
		want   int
	}{{"On", 502}, {"Off", 200}, {"On", 502}} {
		if err := deploy.Type(ctx, s.Pair.Core, "xConfiguration EdgeConfigServer VerifyOriginServer: "+step.verify); err != nil {
			t.Fatal(err)
		}
		if err := there.refused(ctx, "alice", lab.Users()["alice"], step.want); err != nil {
			t.Errorf("VerifyOriginServer %s: %v", step.verify, err)
		}
	}
	if got := len(strange.UDS.Seen()); got == 0 {
		t.Error("the strange cluster was never asked")
	}
}

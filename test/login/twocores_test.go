package login

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"sallyport/appliance"
	"sallyport/test/deploy"
	"sallyport/test/lab"
	"sallyport/test/pair"
)

// TestTwoCores: users of one edge sign in at either of two cores and stay with
// theirs, whatever comes between; when it goes they sign in anew at the other,
// and stay there when it is back.
func TestTwoCores(t *testing.T) {
	s := stage(t, Open)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	second, err := s.Pair.AddCore(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.tellTo(ctx, second, deploymentLines(s.deployment)...); err != nil {
		t.Fatal(err)
	}
	if err := deploy.Type(ctx, second, "xConfiguration EdgeConfigServer RateLimitLogins: 0"); err != nil {
		t.Fatal(err)
	}
	await(t, func() error { return s.Pair.AwaitLink(ctx) })
	sessions := func(n *appliance.Node) string {
		t.Helper()
		status, err := n.Status(ctx, "EdgeConfigProvisioning")
		if err != nil {
			t.Fatal(err)
		}
		return leaf(status, "Sessions Total")
	}
	inside := s.uds(s.Pair.World.Home, "/cucm-uds/user/alice")
	var clients []*Client
	for i := range 12 { // from as many places: some come to each core
		c, err := s.from(s.Pair.Client(100+i), "alice")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.SignIn(ctx); err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	one, two := sessions(s.Pair.Core), sessions(second)
	if one == "0" || two == "0" {
		t.Fatalf("%s logins at one core, %s at the other: both are to be used", one, two)
	}
	for range 3 {
		for i, c := range clients {
			if err := s.gets(ctx, c, inside, 200); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
		}
	}
	if a, b := sessions(s.Pair.Core), sessions(second); a != one || b != two {
		t.Errorf("logins became %s and %s by fetching", a, b)
	}

	// The second core goes: its users are told to sign in, and do.
	if err := s.Pair.Stop("core2"); err != nil {
		t.Fatal(err)
	}
	var moved []*Client
	for i, c := range clients {
		status := 0
		await(t, func() error { // until edge knows that it is gone
			page, err := c.Get(ctx, inside)
			if err != nil {
				return err
			}
			if status = page.Status; !slices.Contains([]int{200, 401}, status) {
				return &lab.PageError{Status: status, Page: page}
			}
			return nil
		})
		if status == http.StatusUnauthorized {
			moved = append(moved, c)
			if _, _, err := c.SignIn(ctx); err != nil {
				t.Fatalf("client %d: %v", i, err)
			}
		}
		if err := s.gets(ctx, c, inside, 200); err != nil {
			t.Errorf("client %d with one core: %v", i, err)
		}
	}
	if len(moved) == 0 || len(moved) == len(clients) {
		t.Errorf("%d of %d clients had to sign in anew", len(moved), len(clients))
	}
	if err := s.Pair.Start("core2"); err != nil {
		t.Fatal(err)
	}
	await(t, func() error { return s.Pair.AwaitLink(ctx) })
	for i, c := range clients {
		if err := s.gets(ctx, c, inside, 200); err != nil {
			t.Errorf("client %d when the core is back: %v", i, err)
		}
	}
}

// from is a client of a user at an address of its own.
func (s *Stage) from(at netip.Addr, user string) (*Client, error) {
	b, err := lab.NewBrowser(lab.BrowserConfig{
		Edge: netip.AddrPortFrom(s.Pair.Outer, 8443), ServerName: pair.EdgeName, Domain: s.Domain, CA: s.Pair.CA, Local: at,
	})
	if err != nil {
		return nil, err
	}
	s.browsers = append(s.browsers, b)
	return &Client{b, lab.Basic(user, lab.Users()[user])}, nil
}

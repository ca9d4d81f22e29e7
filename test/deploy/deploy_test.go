package deploy

import (
	"context"
	"strings"
	"testing"
	"time"

	"sallyport/test/lab"
	"sallyport/test/pair"
	"sallyport/test/room"
)

// place is the part of loopback that the pairs of these tests live in.
var place string

func TestMain(m *testing.M) { pair.Main(m, &place) }

// stage is a pair with both deployments and a phone of the first.
type stage struct {
	*Staging
	live *lab.Phone
	log  *room.LogBook
}

func open(t *testing.T, cfg pair.Config) *stage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	s := &stage{log: &room.LogBook{}}
	cfg.Net, cfg.LogOut = place, s.log
	p, err := pair.New(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	if s.Staging, err = Open(ctx, p); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if s.live, err = p.Phone("alice", 440); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.live.Close)
	if err := s.live.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.live.Register(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTwoWorlds tells the story of two deployments on one pair, with Path and
// without.
func TestTwoWorlds(t *testing.T) {
	for name, cfg := range map[string]pair.Config{"path": {}, "contact": {NoPath: true}} {
		t.Run(name, func(t *testing.T) {
			s := open(t, cfg)
			for _, a := range s.Attempts(s.live) {
				ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
				if err := a.Do(ctx); err != nil {
					t.Errorf("%s: %v", a.Says, err)
				}
				cancel()
			}
			for _, rule := range []string{
				`zone Call control is of deployment \"Default deployment\"`,
				`zone Staging call control is of deployment \"Staging\"`,
				`no rule for this server`,
			} {
				if !strings.Contains(s.log.String(), rule) {
					t.Errorf("the log does not name %s", rule)
				}
			}
			if t.Failed() {
				t.Log(s.log.String())
			}
		})
	}
}

// TestMovingADomain gives a domain to the other deployment while its user is
// registered.
func TestMovingADomain(t *testing.T) {
	s := open(t, pair.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	phone, err := s.Phone(ctx, "dave", 1200)
	if err != nil {
		t.Fatal(err)
	}
	if err := phone.Register(ctx); err != nil {
		t.Fatal(err)
	}
	// Live, the domain goes to the other deployment: the way is closed at once,
	// in both directions, and opens where the domain is now.
	if err := Type(ctx, s.Pair.Core, "xConfiguration SIP Domain 2 DeploymentId: 1"); err != nil {
		t.Fatal(err)
	}
	wait(ctx, t, func() error { return s.Trespass(ctx, s.host(1), s.World.Registrar.Bindings("dave")) })
	if err := phone.Register(ctx); err == nil {
		t.Error("registered at a call control that does not know the domain")
	}
	if seen := s.Pair.World.Registrar.Received(); silent("live", seen, "dave@"+Domain) == nil {
		t.Error("the registration did not follow its domain")
	}
	if err := Type(ctx, s.Pair.Core, "xConfiguration SIP Domain 2 DeploymentId: 2"); err != nil {
		t.Fatal(err)
	}
	wait(ctx, t, func() error { return phone.Register(ctx) })
}

// TestNodesByHTTP asks a call control itself, which automatic rules let its own
// users reach: nothing listens there, so whoever is let through meets 502.
func TestNodesByHTTP(t *testing.T) {
	s := open(t, pair.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := Type(ctx, s.Pair.Core, `xConfiguration Zones Zone 2 Neighbor NodeType: TFTP`); err != nil {
		t.Fatal(err)
	}
	ask := func(domain string, status int) error {
		b, err := s.Browser(domain)
		if err != nil {
			return err
		}
		defer b.Close()
		page, err := b.Get(ctx, "http://"+s.Pair.Registrar()+":6970/jabber-config.xml")
		if err != nil {
			return err
		}
		return want("is the status", page.Status, status)
	}
	wait(ctx, t, func() error { return ask(pair.Domain, 502) })
	if err := ask(Domain, 403); err != nil {
		t.Error(err)
	}
	if !strings.Contains(s.log.String(), "node of deployment Default deployment") {
		t.Error("the log does not name whose node it is")
	}
}

// wait tries until a change is in force.
func wait(ctx context.Context, t *testing.T, try func() error) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-tick.C:
		}
	}
}

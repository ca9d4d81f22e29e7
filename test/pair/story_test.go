package pair

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"

	"sallyport/appliance/xapi"
	"sallyport/test/lab"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata/stories that do not fit")

// The stories by the pair that they are told on. They run one after the other:
// every pair of this process lives at the same addresses. What is in "every" is
// told on every kind of registrar where phones can register.
func TestStories(t *testing.T) {
	for _, set := range []struct {
		name string
		cfg  Config
		more func(*Pair) error
		as   string // whose stories are told; "" = those of its own
	}{
		{name: "plain", cfg: Config{Path: lab.PathLazy}},
		{name: "off", cfg: Config{NoPath: true}},
		{name: "strict-udp", cfg: Config{Path: lab.PathStrict, Core: neighbor("UDP", 5060), World: registrar(func(c *lab.RegistrarConfig) {
			c.NoRecordRoute = true
		})}},
		{name: "outbound-tls", cfg: Config{Path: lab.PathOutbound, Core: neighbor("TLS", 5061)}},
		{name: "power", cfg: Config{}},
		{name: "many", cfg: Config{}, more: many},
		{name: "veiled", cfg: Config{Edge: []string{"xConfiguration Zones Zone 1 SIP HideIdentifiers: On"}}},
		{name: "asks", cfg: Config{Path: lab.PathStrict, World: registrar(func(c *lab.RegistrarConfig) { c.ChallengeCalls = true })}},
		{name: "delegated", cfg: signIn("Delegated", 5060, registrar(openDoor))},
		{name: "token", cfg: signIn("Token", 5060, registrar(openDoor))},
		{name: "oauth", cfg: signIn("Token", 5091, func(w *lab.WorldConfig) {
			w.OAuth = true
			registrar(func(c *lab.RegistrarConfig) { c.TCP = netip.AddrPortFrom(c.TCP.Addr(), 5091) })(w)
		})},
		{name: "trunk", cfg: Config{}, more: trunk},
		{name: "ice", cfg: Config{Path: lab.PathOutbound, Core: append(neighbor("TLS", 5061), passICE...), Edge: TURNLines()}},
		{name: "ice-b2bua", as: "ice", cfg: Config{Path: lab.PathOutbound, Core: append(neighbor("TLS", 5061), passICE...), Edge: TURNLines(),
			World: registrar(func(c *lab.RegistrarConfig) { c.B2BUA, c.PassICE = true, true })}},
		{name: "ice-many", cfg: Config{Path: lab.PathOutbound, Core: append(neighbor("TLS", 5061), passICE...),
			World: registrar(func(c *lab.RegistrarConfig) { c.B2BUA, c.PassICE = true, true })}, more: many},
		{name: "b2bua", cfg: Config{Path: lab.PathOutbound, Core: append(neighbor("TLS", 5061), passICE...),
			World: registrar(func(c *lab.RegistrarConfig) { c.B2BUA = true })}},
		{name: "push", cfg: Config{Path: lab.PathOutbound, Core: neighbor("TLS", 5061)}, more: wakes},
		{name: "push-off", cfg: Config{NoPath: true}, more: wakes},
		{name: "persist", cfg: Config{World: persistent}},
		{name: "persist-off", cfg: Config{World: persistent, Core: []string{"xConfiguration CollaborationEdge RFC3327Enabled: Off"}}},
		{name: "open", cfg: Config{World: registrar(func(c *lab.RegistrarConfig) { c.Open = true })}},
	} {
		t.Run(set.name, func(t *testing.T) {
			s := open(t, set.cfg)
			if set.more != nil {
				if err := set.more(s.pair); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range files(t, cmp.Or(set.as, set.name)) {
				t.Run(filepath.Base(f), func(t *testing.T) { s.tell(t, f) })
			}
			if s.seen == 0 {
				t.Error("nothing was read for inside addresses")
			}
		})
	}
}

// files are the stories of a set.
func files(t *testing.T, set string) []string {
	t.Helper()
	var all []string
	for _, dir := range []string{set, "every"} {
		some, err := filepath.Glob(filepath.Join("testdata", "stories", dir, "*.txtar"))
		if err != nil || len(some) == 0 {
			t.Fatalf("%s has no stories: %v", dir, err)
		}
		if !slices.Contains([]string{"ice", "ice-many", "open", "power", "many", "push", "push-off", "asks", "delegated", "token", "oauth", "persist", "persist-off"}, set) || dir == set {
			all = append(all, some...)
		}
	}
	return all
}

// neighbor is how core meets call control.
func neighbor(transport string, port int) []string {
	return []string{
		"xConfiguration Zones Zone 2 Neighbor SIP Transport: " + transport,
		fmt.Sprintf("xConfiguration Zones Zone 2 Neighbor SIP Port: %d", port),
		"xConfiguration Zones Zone 2 Neighbor SIP TLS Verify Mode: On",
	}
}

// passICE has two clients outside find a direct path.
var passICE = []string{
	"xConfiguration Zones Zone 1 TraversalClient SIP Media ICEPassThrough Support: On",
	"xConfiguration Zones Zone 2 Neighbor SIP Media ICEPassThrough Support: On",
}

// signIn has the users of the domain prove who they are in another way.
func signIn(mode string, port int, world func(*lab.WorldConfig)) Config {
	way := "xConfiguration SIP Domain 1 Authentication: " + mode
	return Config{Edge: []string{way}, Core: append(neighbor("TCP", port), way), World: world}
}

// openDoor is a registrar that trusts whoever comes from core.
func openDoor(c *lab.RegistrarConfig) { c.Open = true }

// persistent is call control that keeps the calls of clients that roam.
func persistent(w *lab.WorldConfig) {
	w.Registrar = func(c *lab.RegistrarConfig) { c.Persist = true }
}

func registrar(f func(*lab.RegistrarConfig)) func(*lab.WorldConfig) {
	return func(w *lab.WorldConfig) { w.Registrar = f }
}

// many adds a second edge and a second core, each linked with both of the
// others.
func many(p *Pair) error {
	// The second edge stands at 0.2 and 1.4, the second core at 1.3.
	outer, inner := p.at("0.2"), p.at("1.4")
	_, err := p.Add(Spec{xapi.Edge, "edge2", append(p.edgeLines(),
		`xConfiguration SystemUnit Name: "edge2"`,
		`xConfiguration IP DNS Hostname: "edge2"`,
		`xConfiguration Ethernet 1 IP V4 Address: "`+outer+`"`,
		`xConfiguration Ethernet 2 IP V4 Address: "`+inner+`"`,
	), []string{"edge2.example.com"}, []string{outer, inner}})
	if err != nil {
		return err
	}
	second := `xConfiguration Zones Zone 1 TraversalClient Peer 2 Address: "` + inner + `"`
	if exit := p.Core.Console("test").Exec(context.Background(), second, io.Discard); exit != 0 {
		return fmt.Errorf("core takes no second edge: exit %d", exit)
	}
	_, err = p.AddCore(context.Background(), second)
	return err
}

// trunk gives core endpoints of its own and a trunk to call control.
func trunk(p *Pair) error { return tell(p, p.TrunkLines()) }

// tell has core take lines.
func tell(p *Pair, lines []string) error {
	for _, line := range lines {
		if exit := p.Core.Console("test").Exec(context.Background(), line, io.Discard); exit != 0 {
			return fmt.Errorf("core does not take %s: exit %d", line, exit)
		}
	}
	return AwaitApplied(context.Background(), p.Core)
}

// atEdge2 moves a phone to the second edge.
func atEdge2(p *Pair) func(*lab.PhoneConfig) {
	return func(c *lab.PhoneConfig) {
		c.Server = netip.AddrPortFrom(netip.MustParseAddr(p.at("0.2")), 5061)
		c.ServerName = "edge2.example.com"
	}
}

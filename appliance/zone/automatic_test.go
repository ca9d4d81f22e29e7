package zone

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

func configured(lines ...string) *Plan {
	text := ""
	for _, l := range append([]string{
		"Zones Zone 1 Name: Own", "Zones Zone 1 Type: Neighbor", "Zones Zone 1 Neighbor Peer 1 Address: 10.0.0.9",
		"Zones Policy SearchRules Rule 1 Name: Late", "Zones Policy SearchRules Rule 1 Mode: AnyAlias", "Zones Policy SearchRules Rule 1 Target Name: Own",
		"Zones Policy SearchRules Rule 1 Target Type: Zone",
	}, lines...) {
		text += "xConfiguration " + l + "\n"
	}
	return PlanFrom(config.NewSnapshotForTest(xapi.Core, text))
}

func names(hops []Hop) (out []string) {
	for _, h := range hops {
		out = append(out, h.Zone.Name)
	}
	return out
}

func TestAutomaticZones(t *testing.T) {
	p := configured().WithNodes([]Node{
		{Host: "ucm.example.com", Addresses: []string{"10.0.0.20"}, TCP: 5060, TLS: 5061, OAuth: 5091, Verify: true, Path: true},
		{Host: "2001:db8::20", TCP: 5060},
	})
	const tcp, tls, oauth = "CEtcp-ucm.example.com", "CEtls-ucm.example.com", "CEOAuth ucm.example.com"
	for name, c := range map[string]struct {
		q    Query
		want []string
	}{
		"any way":               {Query{Alias: "2001@UCM.example.com"}, []string{tcp, tls, oauth, "Own"}},
		"plain":                 {Query{Alias: "sip:2001@ucm.example.com", Service: Plain}, []string{tcp, "Own"}},
		"secure":                {Query{Alias: "2001@ucm.example.com", Service: Secure}, []string{tls, "Own"}},
		"by token":              {Query{Alias: "2001@ucm.example.com", Service: Tokens}, []string{oauth, "Own"}},
		"the host alone":        {Query{Alias: "ucm.example.com"}, []string{tcp, tls, oauth, "Own"}},
		"IPv6":                  {Query{Alias: "2001@[2001:db8::20]"}, []string{"CEtcp-2001:db8::20"}},
		"a way that it has not": {Query{Alias: "2001@[2001:db8::20]", Service: Tokens}, []string{"CEtcp-2001:db8::20"}},
		"somebody else":         {Query{Alias: "2001@example.com"}, []string{"Own"}},
		"from the node itself":  {Query{Alias: "2001@ucm.example.com", Source: tcp, Service: Plain}, []string{"Own"}},
	} {
		if got := names(p.Next(c.q)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	z := p.Zone("cetls-UCM.example.com")
	if z == nil || z.Port != 5061 || z.Transport != "TLS" || !z.TLSVerify || !z.Path || !z.Automatic || z.Index != firstAutomatic+2 {
		t.Errorf("zone: %+v", z)
	}
	if p.Peer("10.0.0.20") != p.Zone(tcp) || p.Peer("ucm.example.com") != p.Zone(tcp) || p.Peer("10.0.0.9").Name != "Own" {
		t.Error("a peer is not found by its address or name")
	}
	own, v6 := p.Zone("Own"), p.Zone("CEtcp-2001:db8::20")
	for a, want := range map[string]*Zone{
		"10.0.0.9": own, "::ffff:10.0.0.9": own, "10.0.0.20": p.Zone(tcp), "2001:db8::20": v6, "10.0.0.21": nil,
	} {
		if got := p.PeerAt(netip.MustParseAddr(a)); got != want {
			t.Errorf("at %s: %+v, want %+v", a, got, want)
		}
	}
	at := netip.MustParseAddr("10.0.0.9")
	if n := testing.AllocsPerRun(10, func() { p.PeerAt(at) }); n != 0 {
		t.Errorf("asking for a peer makes %v pieces of garbage", n)
	}
}

// TestPeerSpelledOddly: an IPv6 address may be written in several ways.
func TestPeerSpelledOddly(t *testing.T) {
	p := configured(`Zones Zone 1 Neighbor Peer 1 Address: "2001:DB8:0::0020"`)
	if z := p.PeerAt(netip.MustParseAddr("2001:db8::20")); z == nil || z.Name != "Own" {
		t.Errorf("found %+v", z)
	}
}

// TestAutomaticRulesComeInTheirTurn: an administrator's rule of a lower number
// comes first, and may stop the search.
func TestAutomaticRulesComeInTheirTurn(t *testing.T) {
	node := []Node{{Host: "ucm.example.com", TCP: 5060}}
	rule := []string{
		"Zones Policy SearchRules Rule 2 Name: Early", "Zones Policy SearchRules Rule 2 Priority: 40", "Zones Policy SearchRules Rule 2 Mode: AnyAlias",
		"Zones Policy SearchRules Rule 2 Target Name: Own", "Zones Policy SearchRules Rule 2 Target Type: Zone",
	}
	if got := names(configured(rule...).WithNodes(node).Next(Query{Alias: "2001@ucm.example.com"})); !slices.Equal(got, []string{"Own", "CEtcp-ucm.example.com"}) {
		t.Errorf("early rule: %v", got)
	}
	stop := append(rule, "Zones Policy SearchRules Rule 2 Progress: Stop")
	if got := names(configured(stop...).WithNodes(node).Next(Query{Alias: "2001@ucm.example.com"})); !slices.Equal(got, []string{"Own"}) {
		t.Errorf("stopped: %v", got)
	}
}

// TestConfiguredZoneOfTheSameName is not replaced.
func TestConfiguredZoneOfTheSameName(t *testing.T) {
	p := configured("Zones Zone 2 Name: CEtcp-ucm.example.com", "Zones Zone 2 Type: Neighbor").WithNodes([]Node{{Host: "ucm.example.com", TCP: 5060}})
	if z := p.Zone("CEtcp-ucm.example.com"); z.Automatic || len(p.Zones) != 2 {
		t.Errorf("%+v of %d", z, len(p.Zones))
	}
}

func fourHundred() *Plan {
	var nodes []Node
	for i := range 400 {
		nodes = append(nodes, Node{Host: fmt.Sprintf("ucm%d.example.com", i), TCP: 5060, TLS: 5061, OAuth: 5091})
	}
	return configured().WithNodes(nodes)
}

func TestManyNodes(t *testing.T) {
	p := fourHundred()
	if len(p.Zones) != 1201 || len(names(p.Next(Query{Alias: "1@ucm399.example.com"}))) != 4 {
		t.Errorf("%d zones", len(p.Zones))
	}
}

// BenchmarkManyNodes shows that a search does not grow with the nodes.
func BenchmarkManyNodes(b *testing.B) {
	for name, p := range map[string]*Plan{"none": configured(), "400": fourHundred()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				p.Next(Query{Alias: "2001@ucm200.example.com", Service: Plain})
			}
		})
	}
}

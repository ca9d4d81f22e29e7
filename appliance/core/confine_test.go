package core

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/flow"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
	"sallyport/appliance/zone"
)

func twoDeployments(more ...string) *config.Snapshot {
	return config.NewSnapshotForTest(xapi.Core, append([]string{
		"CollaborationEdge Enabled: On",
		"CollaborationEdgeDeployments 1 UserReadableName: Live", "CollaborationEdgeDeployments 2 UserReadableName: Staging",
		"SIP Domain 1 Name: example.com", "SIP Domain 1 Edge: On",
		"SIP Domain 2 Name: staging.example.com", "SIP Domain 2 Edge: On", "SIP Domain 2 DeploymentId: 2",
		"Zones Zone 1 Name: Edge", "Zones Zone 1 Type: TraversalClient", "Zones Zone 1 TraversalClient Peer 1 Address: 10.9.0.1",
		"Zones Zone 2 Name: Ucm", "Zones Zone 2 Type: Neighbor", "Zones Zone 2 Neighbor Peer 1 Address: 10.0.0.20",
		"Zones Zone 3 Name: Lab", "Zones Zone 3 Type: Neighbor", "Zones Zone 3 Neighbor Peer 1 Address: ucm.lab.example.com",
		"Zones Zone 3 Neighbor DeploymentId: 2", "Zones Zone 3 Neighbor NodeType: TFTP",
	}, more...)...)
}

func TestConfine(t *testing.T) {
	p, err := PlanFrom(twoDeployments(), zone.PlanFrom(twoDeployments()), discovered{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	live, lab := target{zone: "Ucm", host: "10.0.0.20"}, target{zone: "Lab", host: "ucm.lab.example.com"}
	labByHost, phone := target{zone: inside, host: "UCM.lab.example.com"}, target{zone: inside, host: "10.0.7.7"}
	for name, c := range map[string]struct {
		deployment int
		of, want   []target
		refused    bool
	}{
		"own":              {1, []target{live}, []target{live}, false},
		"another's":        {1, []target{lab}, nil, true},
		"by host":          {1, []target{labByHost}, nil, true},
		"own by host":      {2, []target{labByHost}, []target{labByHost}, false},
		"first is foreign": {2, []target{live, lab}, []target{lab}, false},
		"no node":          {2, []target{phone}, []target{phone}, false},
		"nothing":          {2, nil, nil, false},
	} {
		got, rule := p.confine(c.deployment, c.of)
		if !slices.Equal(got, c.want) || (rule != "") != c.refused {
			t.Errorf("%s: %v, %q", name, got, rule)
		}
	}
	if _, rule := p.confine(1, []target{lab}); rule != `deployment "Live": zone Lab is of deployment "Staging"` {
		t.Errorf("the rule is %s", rule)
	}
	if d, ok := p.Domain("staging.example.com"); !ok || d.Deployment != 2 || len(p.domains) != 2 {
		t.Errorf("domain %+v of %v", d, p.domains)
	}
}

// TestConfineEndpoints: what registered at core itself is of its domain's
// deployment, whichever way a call to it was found: by a remote user, or by a
// number that the name service gives an address for.
func TestConfineEndpoints(t *testing.T) {
	c := planned(t,
		"CollaborationEdgeDeployments 2 UserReadableName: Staging",
		"SIP Domain 2 Name: rooms.example.net", "SIP Domain 2 DeploymentId: 2")
	c.locals = locals{Bindings: flow.NewBindings(flow.BindingsConfig{Total: 1, PerUser: 1, Clock: time.Now}), core: c}
	room := flow.Binding{ID: 1, Key: flow.Key{AOR: "room@rooms.example.net"}, Contact: "<sip:room@10.0.0.77>", Confirmed: true, Expires: time.Now().Add(time.Hour)}
	if err := c.locals.Restore(room); err != nil {
		t.Fatal(err)
	}
	plan, to := c.plan.Load(), uri(t, "sip:room@rooms.example.net")
	byNumber, err := c.enumTargets(t.Context(), plan, to.String(), zone.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for way, ts := range map[string][]target{
		"by a remote user": c.search(to, outlet{tokens: c.tokens, book: c.book, zone: "Edge", sealed: "Edge"}, invite(t)),
		"by its number":    byNumber,
	} {
		if mine, _ := plan.confine(2, ts); len(mine) != 1 {
			t.Errorf("%s: its own deployment reaches %v", way, mine)
		}
		if mine, rule := plan.confine(1, ts); len(mine) > 0 || rule == "" {
			t.Errorf("%s: another deployment reaches %v", way, mine)
		}
	}
}

// TestPartnersAreNotOurs: edge does not know the domains whose endpoints
// register at core; nobody outside speaks for them either.
func TestPartnersAreNotOurs(t *testing.T) {
	c := planned(t, "SIP Domain 2 Name: rooms.example.net")
	for from, want := range map[string]bool{
		"<sip:room@ROOMS.example.net>": true, "<sip:carol@example.com>": true, "<sip:ext@partner.example>": false,
	} {
		if _, ours := c.ours(parse(t, "INVITE sip:carol@example.com SIP/2.0\nFrom: "+from)); ours != want {
			t.Errorf("%s: ours is %v", from, ours)
		}
	}
}

func TestTokensAreForOneDomain(t *testing.T) {
	tok := tokens{trust.NewKeyring(rand.Reader)}
	user := tok.sealAnchor(purposePath, anchor{7, 9, "b.example"})
	if a, err := tok.openAnchor(purposePath, user, []string{"a.example", "b.example"}); err != nil || a != (anchor{7, 9, "b.example"}) {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := tok.openAnchor(purposePath, user, []string{"a.example"}); err == nil {
		t.Errorf("a token of a domain that is gone opens as %+v", a)
	}
	if _, err := tok.openAnchor(purposePath, user, nil); err == nil {
		t.Error("a token opens without any domain")
	}
	back := tok.sealWayBack(within("Edge", "a.example"), wayBack{session: 3})
	if _, err := tok.openWayBack(within("Edge", "b.example"), back); err == nil {
		t.Error("a client's route token opens in another domain")
	}
}

func TestCheck(t *testing.T) {
	if err := Check(twoDeployments()); err != nil {
		t.Error(err)
	}
	for line, want := range map[string]string{
		"SIP Domain 2 DeploymentId: 3":                                                                           "domain staging.example.com is in deployment 3, which does not exist",
		"SIP Domain 3 Name: EXAMPLE.com\nSIP Domain 3 DeploymentId: 2":                                           "domain example.com is in two deployments, Live and Staging; it can be in one only",
		"Zones Zone 3 Neighbor Peer 2 Address: 10.0.0.20":                                                        "node 10.0.0.20 is in two deployments, Live and Staging; it can be in one only",
		"SIP Domain 1 Authzone: Lab":                                                                             `domain example.com is in deployment "Live", but registers at zone "Lab" of deployment "Staging"`,
		"CollaborationEdgeDeployments 7 DeploymentId: 2":                                                         `deployments "Staging" and "" both have the number 2`,
		"CollaborationEdge AllowList Rule 1 Url: http://ucm.lab.example.com/":                                    `allow list rule 1: ucm.lab.example.com is a node of deployment "Staging", which users of "Live" may not reach`,
		"CollaborationEdge AllowList Rule 1 Url: http://a/\nCollaborationEdge AllowList Rule 1 Deployment: Gone": `allow list rule 1: there is no deployment "Gone"`,
	} {
		err := Check(twoDeployments(line))
		if err == nil || !slices.Contains(strings.Split(err.Error(), "\n"), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}

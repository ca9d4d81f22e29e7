package httpproxy

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/allow"
	"sallyport/appliance/config"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

func TestGatePlan(t *testing.T) {
	on := []string{
		"CollaborationEdge Enabled: On", "CollaborationEdge HTTPS Port: 9443",
		"Ethernet 1 IP V4 Address: 192.0.2.1", "Ethernet 1 IP V6 Address: 2001:db8::1",
	}
	p := GatePlanFrom(config.NewSnapshotForTest(xapi.Edge, on...))
	want := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:9443"), netip.MustParseAddrPort("[2001:db8::1]:9443")}
	if !slices.Equal(p.Listen, want) {
		t.Errorf("listens on %v, want %v", p.Listen, want)
	}
	if !p.Equal(GatePlanFrom(config.NewSnapshotForTest(xapi.Edge, on...))) {
		t.Error("the same snapshot gives another plan")
	}
	if off := GatePlanFrom(config.NewSnapshotForTest(xapi.Edge, on[1:]...)); len(off.Listen) > 0 {
		t.Errorf("without remote access it listens on %v", off.Listen)
	}
}

// house is two deployments: the default one with two nodes, and Lab.
func house(t *testing.T) *uc.Topology {
	t.Helper()
	top, err := uc.New(uc.Facts{
		Deployments: []uc.Deployment{{ID: 1, Name: "Main"}, {ID: 2, Name: "Lab"}},
		Domains:     []uc.Domain{{Name: "Example.COM", Deployment: 1}, {Name: "inside.example.com", Deployment: 1}, {Name: "lab.example.com", Deployment: 2}},
		Nodes: []uc.Node{
			{Host: "ucm1.example.com", Zone: "Call control", Types: []uc.NodeType{uc.UnifiedCM, uc.TFTP}, Deployment: 1},
			{Host: "ucm1.example.com", Zone: "Call control TLS", Types: []uc.NodeType{uc.UnifiedCM}, Deployment: 1},
			{Host: "10.0.0.9", Zone: "Lab", Deployment: 2},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return top
}

func TestPlan(t *testing.T) {
	top := house(t)
	rules := []string{
		"SIP Domain 1 Name: Example.COM", "SIP Domain 1 Edge: On", "SIP Domain 2 Name: inside.example.com", "SIP Domain 2 Edge: Off",
		"SIP Domain 3 Name: lab.example.com", "SIP Domain 3 Edge: On", "SIP Domain 4 Name: nowhere.example.com", "SIP Domain 4 Edge: On",
		"CollaborationEdge AllowList DefaultMethods: GET,HEAD",
		"CollaborationEdge AllowList Rule 1 Url: https://pages.example.com:8443/news/", "CollaborationEdge AllowList Rule 1 Authorization: On",
		"CollaborationEdge AllowList Rule 1 MatchType: prefix", "CollaborationEdge AllowList Rule 1 Deployment: main",
		"CollaborationEdge AllowList Rule 7 Url: http://10.0.0.9/x",
		"CollaborationEdge AllowList Rule 7 HttpMethods: get", "CollaborationEdge AllowList Rule 7 Deployment: Lab",
		"CollaborationEdge AllowList Test 1 Url: http://10.0.0.9/x", "CollaborationEdge AllowList Test 1 Deployment: Lab",
	}
	snap := func(more ...string) *config.Snapshot {
		return config.NewSnapshotForTest(xapi.Core, append(append([]string{"CollaborationEdge Enabled: On"}, rules...), more...)...)
	}
	p, err := PlanFrom(snap(), top)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"example.com": "1", "lab.example.com": "2"}; !maps.Equal(p.Domains, want) {
		t.Errorf("domains %v, want %v", p.Domains, want)
	}
	var got []string
	for _, r := range p.Rules {
		got = append(got, strings.Join([]string{r.Name, r.URL(), r.Match.String(), r.Deployment, strings.Join(r.Methods, ","), onOff(r.Authorization)}, " | "))
	}
	want := []string{"rule 1 | https://pages.example.com:8443/news/ | prefix | 1 |  | On", "rule 7 | http://10.0.0.9:80/x | exact | 2 | GET | Off"}
	if !slices.Equal(got, want) {
		t.Errorf("rules %q, want %q", got, want)
	}
	if !slices.Equal(p.Methods, []string{"GET", "HEAD"}) || !slices.Equal(p.Types, []string{"UnifiedCM", "TFTP"}) {
		t.Errorf("default methods %v, types %v", p.Methods, p.Types)
	}
	seen := map[string]bool{}
	for _, r := range p.Automatic {
		key := r.URL() + strings.Join(r.Methods, ",")
		if seen[key] || r.Host != "ucm1.example.com" || r.Deployment != "1" {
			t.Errorf("automatic rule %+v", r)
		}
		seen[key] = true
	}

	bad := snap("CollaborationEdge AllowList Rule 8 Url: http://a/../b", "CollaborationEdge AllowList Rule 9 Url: ftp://a/",
		"CollaborationEdge AllowList Rule 10 Url: http://a/", "CollaborationEdge AllowList Rule 10 Deployment: Live",
		"CollaborationEdge AllowList Rule 11 Url: http://10.0.0.9/y")
	p, err = PlanFrom(bad, top)
	for _, want := range []string{"rule 8", "rule 9", `rule 10: there is no deployment "Live"`,
		`rule 11: 10.0.0.9 is a node of deployment "Lab", which users of "Main" may not reach`} {
		if err == nil || !strings.Contains(err.Error(), want) || len(p.Rules) != 2 {
			t.Errorf("%d rules are left beside bad ones, %v lacks %s", len(p.Rules), err, want)
		}
	}
	off := config.NewSnapshotForTest(xapi.Core, rules...)
	if Check(bad, top) == nil || Check(snap(), top) != nil || Check(off, top) != nil {
		t.Error("the check before a commit is wrong")
	}
	if Check(snap("CollaborationEdge AllowList Test 1 Deployment: Live"), top) == nil {
		t.Error("a test of no deployment passes the check")
	}
	if p, err := PlanFrom(off, top); err != nil || len(p.Rules)+len(p.Automatic)+len(p.Domains) > 0 {
		t.Errorf("without remote access: %+v, %v", p, err)
	}
}

// TestDecideConfines holds that a node is reached from its own deployment only,
// whatever a rule says that was made before the node was known.
func TestDecideConfines(t *testing.T) {
	p := Plan{Nodes: map[string]string{"ucm1": "1"}, Names: map[string]string{"1": "Main", "2": "Lab"}}
	for _, deployment := range []string{"1", "2"} {
		r, err := allow.ParseURL("http://ucm1/x")
		if err != nil {
			t.Fatal(err)
		}
		r.Methods, r.Deployment = []string{"GET"}, deployment
		p.Rules = append(p.Rules, r)
	}
	target := allow.Target{Scheme: "http", Host: "ucm1", Port: 80, Path: "/x"}
	if rule, why := p.Decide(p.List(), "GET", target, "1", false); rule == nil {
		t.Error("its own users may not reach it: ", why)
	}
	if rule, why := p.Decide(p.List(), "GET", target, "2", false); rule != nil || why != "node of deployment Main" {
		t.Errorf("%+v, %q", rule, why)
	}
}

// TestWhoMustSignIn: by the domain's setting, else where there is both
// somebody to ask and a way to sign in.
func TestWhoMustSignIn(t *testing.T) {
	top := house(t)
	base := []string{
		"CollaborationEdge Enabled: On", "SIP Domain 1 Name: example.com", "SIP Domain 1 Edge: On",
		"SIP Domain 2 Name: lab.example.com", "SIP Domain 2 Edge: On",
	}
	for lines, want := range map[string]string{
		"":                                 "",
		"CollaborationEdge LegacyCred: On": "example.com password",
		"CollaborationEdge OauthLocal: On": "example.com token",
		"CollaborationEdge OauthSso: On":   "example.com token",
		"CollaborationEdge LegacySso: On":  "example.com",
		"CollaborationEdge LegacyCred: On|CollaborationEdge LegacySso: Exclusive":                                "example.com",
		"CollaborationEdge LegacyCred: On|SIP Domain 1 Edgelogin: Off":                                           "password",
		"SIP Domain 2 Edgelogin: On":                                                                             "lab.example.com",
		"CollaborationEdge LegacyCred: On|CollaborationEdge OauthLocal: On|SIP Domain 2 Edgelogin: On":           "example.com lab.example.com password token",
		"CollaborationEdge LegacyCred: On|CollaborationEdge Enabled: Off|SIP Domain 2 Edgelogin: On":             "",
		"CollaborationEdge LegacyCred: On|SIP Domain 1 Edgelogin: Auto|EdgeConfigServer VerifyOriginServer: Off": "example.com password loose",
	} {
		all := slices.Clone(base)
		if lines != "" {
			all = append(all, strings.Split(lines, "|")...)
		}
		p, err := PlanFrom(config.NewSnapshotForTest(xapi.Core, all...), top)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range slices.Sorted(maps.Keys(p.Login.Domains)) {
			if p.Login.Domains[d] {
				got = append(got, d)
			}
		}
		for word, on := range map[string]bool{"password": p.Login.Password, "token": p.Login.Token, "loose": p.Login.Loose} {
			if on {
				got = append(got, word)
			}
		}
		slices.Sort(got)
		wanted := strings.Fields(want)
		slices.Sort(wanted)
		if !slices.Equal(got, wanted) {
			t.Errorf("%s: %v, want %v", lines, got, wanted)
		}
	}
}

func TestLifeOfALogin(t *testing.T) {
	for _, c := range []struct{ ttl, purge, want int }{
		{28800, 43200, 28800}, {43200, 28800, 28800}, {0, 600, 600}, {600, 0, 600}, {0, 0, maxLife},
	} {
		if got := lifeOf(c.ttl, c.purge); got != time.Duration(c.want)*time.Second {
			t.Errorf("%d and %d: %s", c.ttl, c.purge, got)
		}
	}
}

// TestFilesGetNoCredentials: what is fetched in the clear and needs none does
// not carry them.
func TestFilesGetNoCredentials(t *testing.T) {
	for prefix, want := range map[allow.Target]bool{
		{Scheme: "http", Host: "a", Port: 6970}:  true,
		{Scheme: "https", Host: "a", Port: 6972}: false,
		{Scheme: "https", Host: "a", Port: 6970}: false,
		{Scheme: "http", Host: "a", Port: 7080}:  false,
	} {
		if got := openFiles(prefix); got != want {
			t.Errorf("%s: %v", prefix.Origin(), got)
		}
	}
}

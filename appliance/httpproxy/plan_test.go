package httpproxy

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"sallyport/appliance/config"
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

func TestPlan(t *testing.T) {
	rules := []string{
		"SIP Domain 1 Name: Example.COM", "SIP Domain 1 Edge: On", "SIP Domain 2 Name: inside.example.com", "SIP Domain 2 Edge: Off",
		"CollaborationEdge AllowList DefaultMethods: GET,HEAD",
		"CollaborationEdgeDeployments 1 DeploymentId: 1", "CollaborationEdgeDeployments 1 UserReadableName: Main",
		"CollaborationEdge AllowList Rule 1 Url: https://cucm1.example.com:8443/cucm-uds/",
		"CollaborationEdge AllowList Rule 1 MatchType: prefix", "CollaborationEdge AllowList Rule 1 Deployment: main",
		"CollaborationEdge AllowList Rule 7 Url: http://tftp.example.com:6970/x",
		"CollaborationEdge AllowList Rule 7 HttpMethods: get", "CollaborationEdge AllowList Rule 7 Deployment: Lab",
	}
	snap := func(more ...string) *config.Snapshot {
		return config.NewSnapshotForTest(xapi.Core, append(append([]string{"CollaborationEdge Enabled: On"}, rules...), more...)...)
	}
	p, err := PlanFrom(snap())
	if err != nil {
		t.Fatal(err)
	}
	if d, ok := p.Domains["example.com"]; !ok || d != "" || len(p.Domains) != 1 {
		t.Errorf("domains %v", p.Domains)
	}
	var got []string
	for _, r := range p.Rules {
		got = append(got, strings.Join([]string{r.Name, r.URL(), r.Match.String(), r.Deployment, strings.Join(r.Methods, ",")}, " | "))
	}
	want := []string{"rule 1 | https://cucm1.example.com:8443/cucm-uds/ | prefix |  | ", "rule 7 | http://tftp.example.com:6970/x | exact | lab | GET"}
	if !slices.Equal(got, want) {
		t.Errorf("rules %q, want %q", got, want)
	}
	if !slices.Equal(p.Methods, []string{"GET", "HEAD"}) {
		t.Errorf("default methods %v", p.Methods)
	}

	bad := snap("CollaborationEdge AllowList Rule 8 Url: http://a/../b", "CollaborationEdge AllowList Rule 9 Url: ftp://a/")
	p, err = PlanFrom(bad)
	if err == nil || !strings.Contains(err.Error(), "rule 8") || !strings.Contains(err.Error(), "rule 9") || len(p.Rules) != 2 {
		t.Errorf("%d rules are left beside bad ones, %v", len(p.Rules), err)
	}
	if Check(bad) == nil || Check(snap()) != nil {
		t.Error("the check before a commit is wrong")
	}
	if p, err := PlanFrom(config.NewSnapshotForTest(xapi.Core, rules...)); err != nil || len(p.Rules) > 0 || len(p.Domains) > 0 {
		t.Errorf("without remote access: %+v, %v", p, err)
	}
}

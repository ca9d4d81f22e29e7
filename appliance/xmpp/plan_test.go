package xmpp

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sallyport/appliance/config"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// replaced has a line in place of the one of the same row.
func replaced(lines []string, line string) []string {
	row, _, _ := strings.Cut(line, ":")
	out := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.HasPrefix(l, row+":") })
	return append(out, line)
}

func TestGatePlan(t *testing.T) {
	lines := []string{
		"Ethernet 1 IP V4 Address: 192.0.2.1", "Ethernet 2 IP V4 Address: 10.0.0.1", "IP External Interface: LAN1",
		"SIP Domain 1 Name: a.example", "SIP Domain 1 Edge: On", "SIP Domain 2 Name: Chat.Example", "SIP Domain 2 Edgexmpp: On",
		"SIP Domain 2 Authzone: second",
	}
	p := GatePlanFrom(config.NewSnapshotForTest(xapi.Edge, lines...))
	if len(p.Listen)+len(p.Domains) > 0 {
		t.Errorf("remote access is off, and chat has %v", p)
	}
	lines = append(lines, "CollaborationEdge Enabled: On")
	p = GatePlanFrom(config.NewSnapshotForTest(xapi.Edge, lines...))
	want := GatePlan{
		Listen:  []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:5222")},
		Domains: map[string]string{"chat.example": "second"}, DSCP: 24,
	}
	if !p.Equal(want) {
		t.Errorf("got %v, want %v", p, want)
	}
	p = GatePlanFrom(config.NewSnapshotForTest(xapi.Edge, replaced(lines, "SIP Domain 2 Edgexmpp: Off")...))
	if len(p.Listen) > 0 {
		t.Error("edge listens without a chat domain")
	}
}

func TestServerPlan(t *testing.T) {
	lines := []string{
		"CollaborationEdge Enabled: On",
		"SIP Domain 1 Name: a.example", "SIP Domain 1 Edgexmpp: On", "SIP Domain 2 Name: b.example", "SIP Domain 2 Edgexmpp: On",
		"SIP Domain 3 Name: c.example", "SIP Domain 3 Edgexmpp: On", "SIP Domain 3 DeploymentId: 2", "SIP Domain 4 Name: d.example",
		"XMPP Node 1 Address: IMP1.inside", "XMPP Node 1 Domains: a.example, B.example,d.example",
		"XMPP Node 2 Address: imp2.inside", "XMPP Node 2 Domains: a.example", "XMPP Node 2 Port: 5223", "XMPP Node 2 Transport: TCP",
		"XMPP Node 3 Address: imp3.inside", "XMPP Node 3 Domains: c.example", "XMPP Node 3 TLS Verify Mode: Off",
	}
	top, err := uc.New(uc.Facts{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := PlanFrom(config.NewSnapshotForTest(xapi.Core, lines...), top)
	one, two := Node{"imp1.inside", 5222, true, true}, Node{"imp2.inside", 5223, false, true}
	want := map[string][]Node{"a.example": {one, two}, "b.example": {one}, "c.example": {{"imp3.inside", 5222, true, false}}}
	if err != nil || !reflect.DeepEqual(p.Domains, want) {
		t.Errorf("got %v, %v; want %v", p.Domains, err, want)
	}
	wrong := config.NewSnapshotForTest(xapi.Core, replaced(lines, "XMPP Node 2 Domains: a.example,typo.example")...)
	if err := Check(wrong); err == nil || !strings.Contains(err.Error(), "XMPP Node 2: typo.example") {
		t.Error(err)
	}
}

// A node of one deployment serves no user of another, whatever the rows say.
func TestDeploymentsAreApart(t *testing.T) {
	top, err := uc.New(uc.Facts{
		Deployments: []uc.Deployment{{ID: 2, Name: "staging"}},
		Nodes:       []uc.Node{{Host: "imp.live", Deployment: 1}, {Host: "imp.staging", Deployment: 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := PlanFrom(config.NewSnapshotForTest(xapi.Core,
		"CollaborationEdge Enabled: On",
		"SIP Domain 1 Name: live.example", "SIP Domain 1 Edgexmpp: On",
		"SIP Domain 2 Name: staging.example", "SIP Domain 2 Edgexmpp: On", "SIP Domain 2 DeploymentId: 2",
		"XMPP Node 1 Address: imp.live", "XMPP Node 1 Domains: live.example,staging.example",
		"XMPP Node 2 Address: imp.staging", "XMPP Node 2 Domains: staging.example",
	), top)
	if err == nil || !strings.Contains(err.Error(), "imp.live belongs to deployment") {
		t.Error(err)
	}
	if got := fmt.Sprint(p.Domains); got != "map[live.example:[imp.live:5222] staging.example:[imp.staging:5222]]" {
		t.Error(got)
	}
}

// 75 domains cost a stream no more than one: its nodes are looked up by name.
func TestManyDomains(t *testing.T) {
	lines := []string{"CollaborationEdge Enabled: On"}
	for i := range 75 {
		lines = append(lines, fmt.Sprintf("SIP Domain %d Name: d%d.example", i+1, i), fmt.Sprintf("SIP Domain %d Edgexmpp: On", i+1),
			fmt.Sprintf("XMPP Node %d Address: imp%d.inside", i+1, i), fmt.Sprintf("XMPP Node %d Domains: d%d.example", i+1, i))
	}
	top, _ := uc.New(uc.Facts{})
	p, err := PlanFrom(config.NewSnapshotForTest(xapi.Core, lines...), top)
	if err != nil || len(p.Domains) != 75 || p.Domains["d74.example"][0].Host != "imp74.inside" {
		t.Errorf("%v, %v", p.Domains, err)
	}
}

// A port that somebody else has is told, tried again, and forgotten with the
// wish for it.
func TestListenerThatFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	at := netip.MustParseAddrPort(taken.Addr().String())
	var told []bool
	g := NewGate(GateConfig{OnListen: func(_ netip.AddrPort, err error) { told = append(told, err == nil) }})
	p := GatePlan{Listen: []netip.AddrPort{at}}
	for range 2 {
		if g.Apply(p) == nil {
			t.Error("a taken port is no error")
		}
	}
	if err := g.Apply(GatePlan{}); err != nil || fmt.Sprint(told) != "[false false true]" {
		t.Errorf("%v, %v", told, err)
	}
}

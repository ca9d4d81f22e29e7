package traversal

import (
	"fmt"
	"strings"
	"testing"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

func TestPlanFrom(t *testing.T) {
	for _, c := range []struct {
		name  string
		role  xapi.Role
		lines []string
		want  []string
		err   string
	}{
		{"edge, two interfaces", xapi.Edge, []string{
			"SystemUnit Name: Edge1", "IP DNS Hostname: edge1", "IP DNS Domain Name: example.com",
			"Ethernet 1 IP V4 Address: 198.51.100.1", "Ethernet 2 IP V4 Address: 10.0.0.1", "Ethernet 2 IP V6 Address: fd00::1",
			"Zones Zone 3 Name: Traversal", "Zones Zone 3 Type: TraversalServer",
			"Zones Zone 3 TraversalServer SIP TLS Verify Subject Name: core.example.com",
			"Zones Zone 3 TraversalServer TCPProbe KeepAliveInterval: 7",
		}, []string{
			"node edge1.example.com",
			"server Traversal 10.0.0.1:7001 true core.example.com {7s 2s 5 0s}",
			"server Traversal [fd00::1]:7001 true core.example.com {7s 2s 5 0s}",
			"tunnels 10.0.0.1:2222", "tunnels [fd00::1]:2222",
		}, ""},
		{"edge, outside is LAN 2", xapi.Edge, []string{
			"Ethernet 1 IP V4 Address: 10.0.0.1", "Ethernet 2 IP V4 Address: 198.51.100.1", "IP External Interface: LAN2",
			"Traversal Server SSH Port: 2022",
			"Zones Zone 1 Name: T", "Zones Zone 1 Type: TraversalServer", "Zones Zone 1 TraversalServer SIP Port: 7011",
			"Zones Zone 1 TraversalServer SIP TLS Verify Mode: Off",
		}, []string{"node ", "server T 10.0.0.1:7011 false  {20s 2s 5 0s}", "tunnels 10.0.0.1:2022"}, ""},
		{"edge, one interface, remote access forces the name check", xapi.Edge, []string{
			"Ethernet 1 IP V4 Address: 10.0.0.1", "Zones Zone 1 Name: T", "Zones Zone 1 Type: TraversalServer",
			"Zones Zone 1 TraversalServer SIP TLS Verify Mode: Off", "Zones Zone 1 TraversalServer Collaboration Edge: On",
		}, []string{"node ", "server T 10.0.0.1:7001 true  {20s 2s 5 0s}", "tunnels 10.0.0.1:2222"}, ""},
		{"edge, one port twice", xapi.Edge, []string{
			"Ethernet 1 IP V4 Address: 10.0.0.1", "Zones Zone 1 Name: A", "Zones Zone 1 Type: TraversalServer",
			"Zones Zone 2 Name: B", "Zones Zone 2 Type: TraversalServer",
		}, []string{"node ", "server A 10.0.0.1:7001 true  {20s 2s 5 0s}", "tunnels 10.0.0.1:2222"}, "zones A and B both want port 7001"},
		{"edge without a zone listens nowhere", xapi.Edge, []string{"Ethernet 1 IP V4 Address: 10.0.0.1"}, []string{"node "}, ""},
		{"zone with SIP off", xapi.Edge, []string{
			"Zones Zone 1 Name: A", "Zones Zone 1 Type: TraversalServer", "Zones Zone 1 SIP Mode: Off",
		}, []string{"node "}, ""},
		{"core", xapi.Core, []string{
			"SystemUnit Name: Core1",
			"Zones Zone 2 Name: Traversal", "Zones Zone 2 Type: TraversalClient",
			"Zones Zone 2 TraversalClient Peer 1 Address: edge1.example.com", "Zones Zone 2 TraversalClient Peer 3 Address: 10.0.0.2",
			"Zones Zone 2 TraversalClient RetryInterval: 30",
			"Zones Zone 4 Name: Phones", "Zones Zone 4 Type: Neighbor", "Zones Zone 4 Neighbor Peer 1 Address: ucm.example.com",
		}, []string{"node Core1", "client Traversal edge1.example.com 7001 2222 30s", "client Traversal 10.0.0.2 7001 2222 30s"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			sn := config.NewSnapshotForTest(c.role, c.lines...)
			p, err := PlanFrom(sn, c.role)
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			if got, want := describe(p), strings.Join(c.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if again, _ := PlanFrom(sn, c.role); !again.Equal(p) {
				t.Error("the same snapshot gives another plan")
			}
		})
	}
}

func describe(p Plan) string {
	out := []string{"node " + p.Node}
	for _, s := range p.Servers {
		out = append(out, fmt.Sprint("server ", s.Zone, " ", s.Listen, " ", s.VerifyName, " ", s.SubjectName, " ", s.Probe))
	}
	for _, a := range p.Tunnels {
		out = append(out, "tunnels "+a.String())
	}
	for _, c := range p.Clients {
		out = append(out, fmt.Sprint("client ", c.Zone, " ", c.Address, " ", c.Port, " ", c.SSHPort, " ", c.Retry))
	}
	return strings.Join(out, "\n")
}

func TestCoreNeverListens(t *testing.T) {
	core := newNode(t, xapi.Core, newCA(t), []string{"core.example"}, nil)
	if err := core.Apply(edgePlan("edge.example")); err == nil {
		t.Error("core took a plan with listeners")
	}
}

package core

import (
	"slices"
	"strings"
	"testing"

	"sallyport/appliance/discover"
	"sallyport/appliance/sip"
	"sallyport/appliance/uc"
	"sallyport/appliance/zone"
)

// world is the two deployments with a discovered cluster in each.
func world(t *testing.T) *Plan {
	t.Helper()
	var found discovered
	server := func(host string, deployment int, mixed, oauth bool) {
		c := uc.Cluster{Publisher: host, Type: uc.UnifiedCM, Deployment: deployment, Mixed: mixed, SIPOAuth: oauth, Verified: true}
		found.clusters = append(found.clusters, c)
		n := discover.Node{Host: host, Types: []uc.NodeType{uc.UnifiedCM, uc.TFTP}, Calls: true, SIP: 5060, SIPS: 5061, OAuth: 5091, Addresses: []string{"10.8.0." + host[3:4]}}
		found.add(discover.Server{Node: n, Cluster: c, Down: map[uc.NodeType]string{uc.TFTP: "port 6970: gone"}}, true, false)
	}
	server("ucm1.example.com", 1, true, true)
	server("ucm2.staging.example.com", 2, false, false)
	p, err := PlanFrom(twoDeployments(), zone.PlanFrom(twoDeployments()).WithNodes(found.zones), found, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func zonesOf(ts []target) (out []string) {
	for _, t := range ts {
		out = append(out, t.zone)
	}
	return out
}

// A phone of Unified CM registers at the node that it names, in the way that
// the node takes it, and at no node of another deployment.
func TestRegistrationAtADiscoveredNode(t *testing.T) {
	p := world(t)
	for name, c := range map[string]struct {
		to, uri, header string
		want            []string
		refused         string
	}{
		"plain":              {"sip:2001@ucm1.example.com", "sip:ucm1.example.com;transport=tcp", "", []string{"CEtcp-ucm1.example.com"}, ""},
		"secure":             {"sip:2001@ucm1.example.com", "sip:ucm1.example.com;transport=tls", "", []string{"CEtls-ucm1.example.com"}, ""},
		"by token":           {"sip:2001@ucm1.example.com", "sip:ucm1.example.com", "Bearer token=x", []string{"CEOAuth ucm1.example.com"}, ""},
		"by its port":        {"sip:2001@ucm1.example.com", "sip:ucm1.example.com:5091", "", []string{"CEOAuth ucm1.example.com"}, ""},
		"of the domain":      {"sip:2001@example.com", "sip:ucm1.example.com:5060", "", []string{"CEtcp-ucm1.example.com"}, ""},
		"says nothing":       {"sip:2001@ucm1.example.com", "sip:ucm1.example.com", "", []string{"CEtcp-ucm1.example.com", "CEtls-ucm1.example.com", "CEOAuth ucm1.example.com"}, ""},
		"another deployment": {"sip:2001@example.com", "sip:ucm2.staging.example.com:5060", "", nil, `zone CEtcp-ucm2.staging.example.com is of deployment`},
		"its own deployment": {"sip:2001@ucm2.staging.example.com", "sip:ucm2.staging.example.com", "", []string{"CEtcp-ucm2.staging.example.com"}, ""},
	} {
		to, request := uri(t, c.to), uri(t, c.uri)
		m := message(t, "REGISTER "+c.uri+" SIP/2.0", c.header)
		d, ok := p.Domain(to.Host)
		if !ok {
			t.Errorf("%s: %s is not served", name, to.Host)
			continue
		}
		ts, rule := p.confine(d.Deployment, p.registrars(d, "Edge", to, request, wayOf(m, request)))
		if got := zonesOf(ts); !slices.Equal(got, c.want) || !strings.Contains(rule, c.refused) {
			t.Errorf("%s: %v, %q; want %v, %q", name, got, rule, c.want, c.refused)
		}
		for _, target := range ts {
			if !target.path {
				t.Errorf("%s: no Path to %s", name, target.zone)
			}
		}
	}
}

// message is a REGISTER, with credentials if there are any.
func message(t *testing.T, line, credentials string) *sip.Message {
	t.Helper()
	text := line + "\r\nVia: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:2001@ucm1.example.com>;tag=1\r\n" +
		"To: <sip:2001@ucm1.example.com>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n"
	if credentials != "" {
		text += "Authorization: " + credentials + "\r\n"
	}
	m, err := sip.Parse([]byte(text + "Content-Length: 0\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What comes from a discovered node belongs to its zone, and so its
// deployment; a service that is down is down alone.
func TestDiscoveredNodesInTheTopology(t *testing.T) {
	p := world(t)
	if z := p.Zones.Peer("10.8.0.2"); z == nil || z.Name != "CEtcp-ucm2.staging.example.com" {
		t.Errorf("the node's address is of zone %+v", z)
	}
	for host, want := range map[string]int{"ucm1.example.com": 1, "UCM2.staging.example.com": 2} {
		if of, ok := p.Topology.OfHost(host); !ok || of != want {
			t.Errorf("%s is of deployment %d, %v", host, of, ok)
		}
	}
	for _, n := range p.Topology.NodesOf("ucm1.example.com") {
		if n.Host != "ucm1.example.com" || n.Down {
			t.Errorf("%+v", n)
		}
	}
	for _, n := range p.Topology.Nodes() {
		if n.Discovered && n.Down != n.Is(uc.TFTP) {
			t.Errorf("%+v", n)
		}
	}
	if _, ok := p.Domain("ucm9.example.com"); ok {
		t.Error("a node that nobody discovered is served")
	}
}

// A contradiction with what was discovered is a finding; one of the
// configuration alone stays an error.
func TestClashes(t *testing.T) {
	snap := twoDeployments()
	found := discovered{nodes: []uc.Node{{Host: "10.0.0.20", Deployment: 2, Discovered: true}}}
	_, err := topologyFrom(snap, zone.PlanFrom(snap), found)
	c := clashes{snap: snap}
	if err == nil || c.of(err, ofTopology) != nil || len(c.found) != 1 || !strings.Contains(c.found[0], "10.0.0.20 is in two deployments") {
		t.Errorf("%v: %v", err, c.found)
	}
	bad := twoDeployments("SIP Domain 3 Name: x.example.com", "SIP Domain 3 DeploymentId: 9")
	_, err = topologyFrom(bad, zone.PlanFrom(bad), discovered{})
	if c := (clashes{snap: bad}); err == nil || c.of(err, ofTopology) == nil {
		t.Errorf("a fault of the configuration is lost: %v", err)
	}
}

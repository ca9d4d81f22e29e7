package main

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
	"sallyport/board/nic"
)

func TestNetworkPlan(t *testing.T) {
	snap := config.NewSnapshotForTest(xapi.Edge,
		"Ethernet 1 IP V4 Address: 192.0.2.1", "Ethernet 1 IP V4 SubnetMask: 255.255.255.128", "Ethernet 1 IP V6 Address: 2001:db8::1",
		"Ethernet 2 IP V4 Address: 10.0.0.1", "Ethernet 2 VLAN: 7", "Ethernet 2 MTU: 9000",
		"IP Gateway: 192.0.2.126", "IP Route 3 Address: 10.0.0.0", "IP Route 3 PrefixLength: 8", "IP Route 3 Gateway: 10.0.0.254", "IP Route 3 Interface: LAN2",
		"DNS Server 1 Address: 10.0.0.53", "IP DNS Domain Name: example.com",
		"Firewall Rule 1 Address: 10.0.0.0", "Firewall Rule 1 PrefixLength: 8", "Firewall Rule 1 Port Start: 22", "Firewall Rule 1 Interface: LAN2",
		"Firewall Rule 2 Action: Drop", "Firewall Rule 2 Priority: 200", "Firewall Rule 3 State: Disabled")
	p, err := networkPlan(snap, "edge")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Links[0].Addresses; len(got) != 2 || got[0].String() != "192.0.2.1/25" || got[1].String() != "2001:db8::1/64" {
		t.Error(got)
	}
	if l := p.Links[1]; l.VLAN != 7 || l.MTU != 9000 || l.Addresses[0].String() != "10.0.0.1/24" {
		t.Errorf("%+v", l)
	}
	if r := p.Routes; len(r) != 1 || r[0].To.String() != "10.0.0.0/8" || r[0].LAN != 2 {
		t.Errorf("%+v", r)
	}
	if p.Gateway4.String() != "192.0.2.126" || p.Search != "example.com" || len(p.DNS) != 1 || p.PortFirst != 30000 {
		t.Errorf("%+v", p)
	}
	if f := p.Firewall; len(f) != 2 || f[0].First != 22 || f[0].LAN != 2 || f[0].From.String() != "10.0.0.0/8" || f[1].Action != nic.Drop {
		t.Errorf("%+v", f)
	}
	if q, _ := networkPlan(snap, "edge"); !p.Equal(q) {
		t.Error("the same snapshot, another plan")
	}
}

// TestFirewallServices names ports by what they serve, also when they change.
func TestFirewallServices(t *testing.T) {
	for service, want := range map[string]string{
		"Custom": "tcp 5-6 ", "SSH": "tcp 2022-2022 ", "SIP": "tcp 5060-5060 tcp 5061-5061 udp 5060-5060 ", "HTTPS": "tcp 8443-8443 ",
		"Chat": "tcp 5222-5222 ", "Media": "udp 36000-59999 ", "Link": "tcp 2222-2222 tcp 7011-7011 udp 2776-2776 udp 2777-2777 ",
	} {
		p, err := networkPlan(config.NewSnapshotForTest(xapi.Edge,
			"Ethernet 1 IP V4 Address: 192.0.2.1", "Ethernet 2 IP V4 Address: 10.0.0.1", "Administration SSH Port: 2022",
			"Zones Zone 1 Name: core", "Zones Zone 1 Type: TraversalServer", "Zones Zone 1 TraversalServer SIP Port: 7011",
			"Firewall Rule 4 Service: "+service, "Firewall Rule 4 Port Start: 5", "Firewall Rule 4 Port End: 6",
			"Firewall Rule 4 Address: 198.51.100.0", "Firewall Rule 4 PrefixLength: 24", "Firewall Rule 4 Action: Reject"), "edge")
		got := ""
		for _, r := range p.Firewall {
			got += fmt.Sprintf("%s %d-%d ", r.Protocol, r.First, r.Last)
			if r.Index != 4 || r.Action != nic.Reject || r.From.Bits() != 24 {
				t.Errorf("%s: %+v", service, r)
			}
		}
		if got != want || err != nil {
			t.Errorf("%s: %q, want %q (%v)", service, got, want, err)
		}
	}
}

// TestFamilies leaves out what the node does not use.
func TestFamilies(t *testing.T) {
	lines := []string{
		"Ethernet 1 IP V4 Address: 192.0.2.1", "Ethernet 1 IP V6 Address: 2001:db8::1", "Ethernet 1 IP V6 DHCP Mode: On",
		"Ethernet 2 IP V6 AutoConfiguration Mode: On", "Ethernet 2 IP V4 DHCP Mode: On", "IP Gateway: 192.0.2.254", "IP V6 Gateway: 2001:db8::ff",
	}
	for protocol, want := range map[string]string{
		"Both": "[192.0.2.1/24 2001:db8::1/64] false true | true true | 192.0.2.254 2001:db8::ff | [192.0.2.1 2001:db8::1]",
		"IPv4": "[192.0.2.1/24] false false | true false | 192.0.2.254 invalid IP | [192.0.2.1]",
		"IPv6": "[2001:db8::1/64] false true | false true | invalid IP 2001:db8::ff | [2001:db8::1]",
	} {
		snap := config.NewSnapshotForTest(xapi.Edge, append(lines, "IPProtocol: "+protocol)...)
		p, err := networkPlan(snap, "edge")
		one, two := p.Links[0], p.Links[1]
		got := fmt.Sprintf("%v %v %v | %v %v | %v %v | %v", one.Addresses, one.DHCP, one.DHCP6, two.DHCP, two.Auto6, p.Gateway4, p.Gateway6, snap.Outside(xapi.Edge))
		if got != want || err != nil {
			t.Errorf("%s: %s, want %s (%v)", protocol, got, want, err)
		}
	}
}

// TestLeased6 writes what was given into the configuration, once.
func TestLeased6(t *testing.T) {
	store, err := config.Open(filepath.Join(t.TempDir(), "config.db"), config.Options{Role: xapi.Edge})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	l := nic.Lease{LAN: 2, Address: netip.MustParsePrefix("2001:db8::77/64"), Server: netip.MustParseAddr("fe80::1")}
	for range 2 {
		if err := leased(store, l); err != nil {
			t.Fatal(err)
		}
	}
	snap := store.Snapshot()
	if _, v6 := snap.Interface(2); v6.String() != "2001:db8::77" || snap.Int(xapi.EthernetV6PrefixLength, 2) != 64 {
		t.Error(v6)
	}
}

// TestNetworkPlanFaults keeps what makes sense beside what does not.
func TestNetworkPlanFaults(t *testing.T) {
	p, err := networkPlan(config.NewSnapshotForTest(xapi.Core,
		"Ethernet 1 IP V4 Address: 192.0.2.1", "Ethernet 1 IP V4 SubnetMask: 255.0.255.0",
		"IP Route 1 Address: 2001:db8::", "IP Route 1 Gateway: 10.0.0.1", "IP Gateway: 127.0.0.1",
		"IP Ephemeral PortRange Start: 40000", "Firewall Rule 1 Transport: Any", "Firewall Rule 1 Port Start: 5"), "core")
	for _, want := range []string{"255.0.255.0", "IP Route 1", "PortRange", "Firewall Rule 1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not told: %v", want, err)
		}
	}
	if len(p.Links[0].Addresses) != 1 || len(p.Routes) != 0 || len(p.Firewall) != 0 || p.Gateway4.IsValid() {
		t.Errorf("%+v", p)
	}
}

// TestOneArmedEdge is administered from where it says.
func TestOneArmedEdge(t *testing.T) {
	one := []string{"Ethernet 1 IP V4 Address: 192.0.2.1", "Zones Zone 1 Name: core", "Zones Zone 1 Type: TraversalServer",
		"Firewall Management 1 Address: 10.0.0.0", "Firewall Management 1 PrefixLength: 8", "Firewall Management 2 Address: 2001:db8::5", "Firewall Management 2 PrefixLength: 128"}
	snap := config.NewSnapshotForTest(xapi.Edge, one...)
	p, err := networkPlan(snap, "edge")
	if err != nil {
		t.Fatal(err)
	}
	allowed, dropped := map[int]int{}, map[int]bool{}
	for _, r := range p.Firewall {
		switch r.Action {
		case nic.Allow:
			allowed[r.First]++
		case nic.Drop:
			dropped[r.First] = true
			if r.Priority <= managementAllow {
				t.Error("dropped before it is allowed")
			}
		}
	}
	for _, door := range []int{22, 2222, 7001, 2776, 2777} {
		if allowed[door] != 2 || !dropped[door] {
			t.Errorf("port %d: %d allowed, dropped %v", door, allowed[door], dropped[door])
		}
	}
	if dropped[5061] || dropped[8443] {
		t.Error("clients are kept out")
	}
	two := config.NewSnapshotForTest(xapi.Edge, append(one, "Ethernet 2 IP V4 Address: 10.0.0.1")...)
	if p, _ := networkPlan(two, "edge"); len(p.Firewall) != 0 || oneArmed(two, "edge") {
		t.Errorf("an edge with two interfaces: %+v", p.Firewall)
	}
	if oneArmed(snap, "core") {
		t.Error("core has no outside")
	}
}

func TestMarksPlan(t *testing.T) {
	marks := marksPlan(config.NewSnapshotForTest(xapi.Core, "QoS Signaling: 40", "IP QoS Mode: DiffServ", "IP QoS Value: 8", "Zones Zone 1 Name: e", "Zones Zone 1 Type: TraversalClient"))
	want := map[string]int{"tcp 5061-0": 40, "tcp 7001-0": 40, " 0-0": 8}
	for _, m := range marks {
		if name := fmt.Sprintf("%s %d-%d", m.Protocol, m.First, m.Last); want[name] == m.DSCP {
			delete(want, name)
		}
	}
	if len(want) != 0 {
		t.Errorf("missing %v in %+v", want, marks)
	}
	for _, m := range marksPlan(config.NewSnapshotForTest(xapi.Core)) {
		if m.Protocol == "" {
			t.Error("all packets are marked without DiffServ")
		}
	}
}

func TestFirewallStatus(t *testing.T) {
	snap := config.NewSnapshotForTest(xapi.Edge, "Firewall Rule 7 Action: Drop", "Firewall Rule 7 Description: the scanner")
	root := xapi.NewNode("Firewall")
	firewallStatus(root, []nic.Count{{Rule: nic.Rule{Index: 7, Action: nic.Drop}, Packets: 3, Bytes: 180}, {Rule: nic.Rule{}}}, snap)
	var got []string
	root.Walk(func(path string, leaf *xapi.Node) { got = append(got, path+"="+leaf.Value) })
	for _, want := range []string{"Rule 1 Number=7", "Rule 1 Description=the scanner", "Rule 1 Action=Drop", "Rule 2 Action=Allow"} {
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%s is not in %q", want, got)
		}
	}
}

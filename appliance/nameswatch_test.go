package appliance

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"sallyport/appliance/xapi"
)

// zoneServer answers from a zone file, which may be changed.
func zoneServer(t *testing.T) (at netip.AddrPort, set func(string)) {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var zone atomic.Pointer[[]dns.RR]
	set = func(text string) {
		var all []dns.RR
		p := dns.NewZoneParser(strings.NewReader(text), "", "")
		p.SetDefaultTTL(60)
		for rr, ok := p.Next(); ok; rr, ok = p.Next() {
			all = append(all, rr)
		}
		if p.Err() != nil {
			t.Fatal(p.Err())
		}
		zone.Store(&all)
	}
	set("")
	up := make(chan struct{})
	s := &dns.Server{PacketConn: pc, NotifyStartedFunc: func() { close(up) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		for _, rr := range *zone.Load() {
			if h := rr.Header(); h.Name == q.Question[0].Name && h.Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
		w.WriteMsg(m)
	})}
	done := make(chan struct{})
	go func() { defer close(done); s.ActivateAndServe() }()
	<-up
	t.Cleanup(func() { s.Shutdown(); <-done })
	return netip.MustParseAddrPort(pc.LocalAddr().String()), set
}

func nameTrouble(n *Node) (out []int) {
	for _, a := range n.Alarms() {
		if a.Alarm.ID == 25030 || a.Alarm.ID >= 74033 && a.Alarm.ID <= 74039 || a.Alarm.ID == 74043 {
			out = append(out, a.Alarm.ID)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestWatchNames: a node looks after its names by itself, at once when its
// settings change, lowers what is mended, and stops where it is told to.
func TestWatchNames(t *testing.T) {
	edge := node(t, xapi.Edge, `xConfiguration IP DNS Hostname: "edge"`, `xConfiguration IP DNS Domain Name: "example.com"`,
		"xConfiguration CollaborationEdge Enabled: On", "xConfiguration SIP Domain 1 Name: example.com", "xConfiguration SIP Domain 1 Edge: On")
	at, set := zoneServer(t)
	set("edge.example.com. IN A 203.0.113.1\n")
	edge.servers.plan.Store(&namePlan{servers: []netip.AddrPort{at}})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- edge.watchNames(ctx) }()
	await := func(why string, want ...int) {
		t.Helper()
		deadline := time.Now().Add(10 * time.Second)
		for got := nameTrouble(edge); fmt.Sprint(got) != fmt.Sprint(want); got = nameTrouble(edge) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: alarms %v, want %v", why, got, want)
			}
			time.Sleep(10 * time.Millisecond) // a real socket: nothing tells
		}
	}
	shell := func(line string) {
		t.Helper()
		var out strings.Builder
		c := edge.Console("test")
		defer c.Close()
		if exit := c.Exec(t.Context(), line, &out); exit != 0 {
			t.Fatalf("%s: %s", line, out.String())
		}
	}
	await("no service records", 74034)
	set("edge.example.com. IN A 203.0.113.1\n_collab-edge._tls.example.com. IN SRV 10 10 8443 edge.example.com.\n_sips._tcp.example.com. IN SRV 10 10 5061 edge.example.com.\n")
	shell("xConfiguration SIP TLS Port: 5071") // what changes is looked at now
	await("a port that DNS does not have", 74034)
	shell("xConfiguration SIP TLS Port: 5061")
	await("mended")
	set("edge.example.com. IN A 203.0.113.1\n_collab-edge._tls.example.com. IN SRV 10 10 8443 edge.example.com.\n_sips._tcp.example.com. IN SRV 10 10 5061 edge.example.com.\n_cisco-uds._tcp.example.com. IN SRV 10 10 8443 cucm1.example.com.\n")
	shell(`xConfiguration IP DNS Hostname: "other"`)
	await("another name, and an inside record", 74033, 74036, 74043)
	status, err := edge.Status(t.Context(), "DNSCheck")
	if err != nil || status.Children[0].Name == "" {
		t.Errorf("%+v, %v", status, err)
	}
	shell("xConfiguration IP DNS Check Interval: 0")
	await("not wanted")
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestNamesOfCore: what core asks for, and that an alarm stays while no server
// tells whether it still holds.
func TestNamesOfCore(t *testing.T) {
	core := node(t, xapi.Core, `xConfiguration IP DNS Hostname: "core"`, `xConfiguration IP DNS Domain Name: "inside.example.com"`,
		"xConfiguration CollaborationEdge Enabled: On", "xConfiguration SIP Domain 1 Name: example.com", "xConfiguration SIP Domain 1 Edge: On",
		`xConfiguration Zones Zone 1 Name: "Edge"`, "xConfiguration Zones Zone 1 Type: TraversalClient", "xConfiguration Zones Zone 1 TraversalClient Peer 1 Address: edge.example.com",
		`xConfiguration Zones Zone 2 Name: "Call control"`, "xConfiguration Zones Zone 2 Type: Neighbor", "xConfiguration Zones Zone 2 Neighbor Peer 1 Address: cucm1")
	at, set := zoneServer(t)
	set("core.inside.example.com. IN A 192.0.2.9\n9.2.0.192.in-addr.arpa. IN PTR core.inside.example.com.\nedge.example.com. IN A 192.0.2.5\ncucm1. IN A 192.0.2.1\n1.2.0.192.in-addr.arpa. IN PTR cucm1.\n")
	core.servers.plan.Store(&namePlan{servers: []netip.AddrPort{at}})
	look := func(why string, want ...int) {
		t.Helper()
		core.lookNames(t.Context(), core.ownNames(core.store.Snapshot()))
		if got := nameTrouble(core); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: alarms %v, want %v", why, got, want)
		}
	}
	look("edge has no way back, the node no domain", 25030, 74038)
	core.servers.plan.Store(&namePlan{servers: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}})
	look("no server", 25030, 74038, 74039)
	core.servers.plan.Store(&namePlan{servers: []netip.AddrPort{at}})
	set("core.inside.example.com. IN A 192.0.2.9\n9.2.0.192.in-addr.arpa. IN PTR core.inside.example.com.\nedge.example.com. IN A 192.0.2.5\n5.2.0.192.in-addr.arpa. IN PTR edge.example.com.\ncucm1. IN A 192.0.2.1\n1.2.0.192.in-addr.arpa. IN PTR cucm1.\n")
	look("mended", 74038)
}

// TestNamesInside: clients on premises are to find the clusters that were
// discovered, in the domains of their deployment, unless there are no such
// clients.
func TestNamesInside(t *testing.T) {
	w := newCampus(t, 9)
	core := node(t, xapi.Core, `xConfiguration IP DNS Hostname: "core"`, "xConfiguration IP DNS Domain Name: example.com", "xConfiguration CollaborationEdge Enabled: On",
		"xConfiguration SIP Domain 1 Name: example.com", "xConfiguration SIP Domain 1 Edge: On",
		"xConfiguration SIP Domain 2 Name: example.org", "xConfiguration SIP Domain 2 Edge: On", "xConfiguration CollaborationEdgeDeployments 2 UserReadableName: Other", "xConfiguration CollaborationEdgeDeployments 2 DeploymentId: 2", "xConfiguration SIP Domain 2 DeploymentId: 2")
	if err := core.trust.InstallCA(w.ca.PEM()); err != nil {
		t.Fatal(err)
	}
	inside := func(want ...string) {
		t.Helper()
		if got := core.ownNames(core.store.Snapshot()).UDS; !slices.Equal(got, want) {
			t.Errorf("%v are looked for inside, want %v", got, want)
		}
	}
	inside()
	line := func(line string) {
		t.Helper()
		var out strings.Builder
		if exit := (seen{core, t}).Exec(t.Context(), line, &out); exit != 0 {
			t.Fatalf("%s: %s", line, out.String())
		}
	}
	line("xCommand CUCMConfigAdd Address: " + w.prefix + "21 Axlusername: axl Axlpassword: axl-secret")
	inside("example.com")
	at, set := zoneServer(t)
	core.servers.plan.Store(&namePlan{servers: []netip.AddrPort{at}})
	set("core.example.com. IN A 192.0.2.9\n9.2.0.192.in-addr.arpa. IN PTR core.example.com.\n")
	core.lookNames(t.Context(), core.ownNames(core.store.Snapshot()))
	if got := nameTrouble(core); fmt.Sprint(got) != "[74034]" {
		t.Errorf("no record inside: alarms %v", got)
	}
	line("xConfiguration IP DNS Check OnPremises: Off")
	inside()
	core.servers.plan.Store(&namePlan{servers: []netip.AddrPort{at}})
	core.lookNames(t.Context(), core.ownNames(core.store.Snapshot()))
	if got := nameTrouble(core); len(got) > 0 {
		t.Errorf("nobody on premises: alarms %v", got)
	}
}

package dnscheck

import (
	"net/netip"
	"strings"
	"testing"
)

const publicZone = `
_collab-edge._tls.example.com. IN SRV 10 10 8443 edge.example.com.
_sips._tcp.example.com. IN SRV 10 10 5061 edge.example.com.
_collab-edge._tls.staging.org. IN SRV 10 10 8443 edge.staging.org.
_sips._tcp.staging.org. IN SRV 10 10 5061 edge.staging.org.
edge.example.com. IN A 203.0.113.1
edge.staging.org. IN AAAA 2001:db8::1
`

const insideZone = `
core.example.com. IN A 192.0.2.9
edge-inside.example.com. IN A 192.0.2.5
cucm1.uc.example.com. IN A 192.0.2.1
_cisco-uds._tcp.example.com. IN SRV 10 10 8443 cucm1.uc.example.com.
9.2.0.192.in-addr.arpa. IN PTR core.example.com.
5.2.0.192.in-addr.arpa. IN PTR edge-inside.example.com.
1.2.0.192.in-addr.arpa. IN PTR cucm1.uc.example.com.
`

func ownEdge(at netip.AddrPort) Own {
	return Own{
		Edge: true, Name: "edge.example.com", Domain: "example.com", Names: []string{"edge.example.com", "*.staging.org"},
		Domains: []string{"example.com", "staging.org"}, SIPS: 5061, HTTPS: 8443, Servers: []netip.AddrPort{at},
	}
}

func ownCore(at netip.AddrPort) Own {
	return Own{
		Name: "core.example.com", Domain: "example.com", Domains: []string{"example.com"}, Peers: []string{"edge-inside.example.com"},
		Nodes: []string{"cucm1.uc.example.com"}, Internal: []string{"uc.example.com"}, UDS: []string{"example.com"}, Servers: []netip.AddrPort{at},
	}
}

// TestOwn: what a node finds of itself, a change of DNS or of its own settings
// at a time.
func TestOwn(t *testing.T) {
	for _, c := range []struct {
		name     string
		old, new string // of the zone
		change   func(*Own)
		kind     Kind
		want     string // "" if nothing is to be found
	}{
		{name: "edge"},
		{name: "edge without a name", change: func(o *Own) { o.Name = "" }},
		{"no SRV", "_collab-edge._tls.staging.org.", "x.staging.org.", nil, NoService, "There is no SRV record _collab-edge._tls.staging.org"},
		{"no SIP SRV", "_sips._tcp.example.com.", "x.example.com.", nil, NoService, "There is no SRV record _sips._tcp.example.com"},
		{"port", "8443 edge.example.com.", "443 edge.example.com.", nil, NoService, "leads to port 443 of edge.example.com, which serves clients at 8443"},
		{"port of ours", "", "", func(o *Own) { o.SIPS = 5062 }, NoService, "serves clients at 5062"},
		{"outside", "SRV 10 10 8443 edge.staging.org.", "SRV 10 10 8443 edge.example.net.\nedge.example.net. IN A 203.0.113.9", nil, Outside, "outside edge's domain example.com"},
		{"mismatch", "", "", func(o *Own) { o.Names = o.Names[:1] }, Mismatch, "_collab-edge._tls.staging.org leads to no name of this edge (edge.example.com)"},
		{"no address", "edge.example.com. IN A", "other.example.com. IN A", nil, NoAddress, "edge.example.com has no address"},
		{"underscore", "", "", func(o *Own) { o.Name = "my_edge.example.com" }, Underscore, "my_edge.example.com has an underscore"},
		{"inside record outside", "_sips._tcp.example.com.", "_cisco-uds._tcp.example.com. IN SRV 10 10 8443 cucm1.example.com.\n_sips._tcp.example.com.", nil, InsideSeen, "_cisco-uds._tcp.example.com can be seen with edge's name servers"},
		{"underscore in DNS", "SRV 10 10 5061 edge.staging.org.", "SRV 10 10 5061 the_edge.staging.org.\nthe_edge.staging.org. IN A 203.0.113.9", nil, Underscore, "the_edge.staging.org, whose underscore"},
	} {
		v, at := serve(t)
		zone := publicZone
		if c.old != "" {
			zone = strings.Replace(publicZone, c.old, c.new, 1)
		}
		v.set(t, "", zone)
		judge(t, c.name, ownEdge(at), c.change, c.kind, c.want)
	}
	for _, c := range []struct {
		name     string
		old, new string
		change   func(*Own)
		kind     Kind
		want     string
	}{
		{name: "core"},
		{"own reverse", "IN PTR core.", "IN PTR other.", nil, NoReverse, "192.0.2.9 of core.example.com does not lead back"},
		{"node's reverse", "1.2.0.192", "77.2.0.192", nil, NoReverse, "192.0.2.1 of cucm1.uc.example.com does not lead back to it: create a PTR record"},
		{"edge's address", "edge-inside.example.com. IN A", "x.example.com. IN A", nil, NoAddress, "edge-inside.example.com has no address"},
		{"no inside record", "_cisco-uds._tcp.", "_cisco-uds._udp.", nil, NoService, "There is no SRV record _cisco-uds._tcp.example.com inside"},
		{"nobody on premises", "_cisco-uds._tcp.", "_cisco-uds._udp.", func(o *Own) { o.UDS = nil }, 0, ""},
		{"inside port", "8443 cucm1", "443 cucm1", nil, NoService, "leads to port 443 of cucm1.uc.example.com; Unified CM serves clients at 8443"},
		{"inside target", "8443 cucm1", "8443 old", nil, NoService, "leads to old.uc.example.com, which no discovered cluster lists"},
		{"inside target without an address", "8443 cucm1", "8443 old", nil, NoAddress, "old.uc.example.com has no address"},
		{"short name", "", "", func(o *Own) { o.Nodes, o.Domain = append(o.Nodes, "cucm2"), "uc.example.com" }, ShortName, "users of example.com take it for cucm2.example.com: list it as cucm2.uc.example.com"},
		{"short name at home", "", "", func(o *Own) { o.Nodes = []string{"cucm2"} }, NoAddress, "cucm2 has no address"},
	} {
		v, at := serve(t)
		zone := insideZone
		if c.old != "" {
			zone = strings.Replace(insideZone, c.old, c.new, 1)
		}
		v.set(t, "", zone)
		judge(t, c.name, ownCore(at), c.change, c.kind, c.want)
	}
}

func judge(t *testing.T, name string, o Own, change func(*Own), kind Kind, want string) {
	t.Helper()
	if change != nil {
		change(&o)
	}
	found, silent := o.Run(t.Context())
	if len(silent) > 0 {
		t.Errorf("%s: nothing is known of %v", name, silent)
	}
	if want == "" {
		if len(found) > 0 {
			t.Errorf("%s: %+v", name, found)
		}
		return
	}
	for _, f := range found {
		if f.Kind == kind && strings.Contains(f.Text, want) {
			return
		}
	}
	t.Errorf("%s: %+v, want %q", name, found, want)
}

// TestOwnServers: a domain has its own server, a dead one is told of once and
// passed over, and nothing is said of names that nobody answered for.
func TestOwnServers(t *testing.T) {
	v, at := serve(t)
	v.set(t, "", publicZone)
	other, otherAt := serve(t)
	other.set(t, "", "_collab-edge._tls.staging.org. IN SRV 10 10 8443 edge.staging.org.\nedge.staging.org. IN A 203.0.113.1\n")
	dead := netip.MustParseAddrPort("127.0.0.1:1")
	o := ownEdge(at)
	o.Servers = []netip.AddrPort{dead, at}
	o.ByDomain = []DomainServer{{"staging.org", otherAt}}
	found, silent := o.Run(t.Context())
	kinds := map[Kind]int{}
	for _, f := range found {
		kinds[f.Kind]++
	}
	if len(silent) != 0 || kinds[NoServer] != 1 || kinds[NoService] != 1 || len(found) != 2 {
		t.Errorf("%+v, nothing is known of %v", found, silent)
	}
	o.Servers, o.ByDomain = []netip.AddrPort{dead}, nil
	if found, silent = o.Run(t.Context()); len(found) != 1 || found[0].Kind != NoServer || len(silent) != 5 {
		t.Errorf("%+v, nothing is known of %v", found, silent)
	}
	o.Servers = nil
	if found, silent = o.Run(t.Context()); len(found)+len(silent) != 0 {
		t.Errorf("without servers: %+v %v", found, silent)
	}
}

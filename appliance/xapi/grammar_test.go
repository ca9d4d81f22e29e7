package xapi

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	for _, tc := range []struct {
		role       Role
		line, want string
	}{
		{Both, "SIP TLS Port", "SIP TLS Port"},
		{Both, "sip tls port", "SIP TLS Port"},
		{Core, "zon zon 7 neig pe 2 addr", "Zones Zone 7 Neighbor Peer 2 Address"},
		{Edge, "SIP Mo", "SIP Mode"},
		{Both, "SIP Mod", "SIP Mode"},
		{Both, "Administration SSH AuthorizedKey 3 Key", "Administration SSH AuthorizedKey 3 Key"},
		{Both, "SIP TSL Port", `"TSL" after "SIP" is not known; did you mean TLS?; allowed: Advanced, Authentication, Domain, Mode, PreRoutedRouteHeader, Registration, TCP, TLS, UDP`},
		{Both, "SIP T Port", `"T" after "SIP" is not unique; allowed: TCP, TLS`},
		{Both, "Zones Zone 1001 Name", `"1001" after "Zones Zone" is not a number from 1 to 1000`},
		{Both, "Zones Zone Name", `"Name" after "Zones Zone" is not a number from 1 to 1000`},
		{Both, "SIP TLS", `"SIP TLS" is not the end of a path; allowed: Mode, Port`},
		{Both, "SIP Mode Now", `"Now" after "SIP Mode" is too much: the path ends before it`},
		{Edge, "SIP UDP Mode", `"UDP" after "SIP" is not known; did you mean TCP?; allowed: Advanced, Authentication, Domain, Mode, PreRoutedRouteHeader, TCP, TLS`},
	} {
		p, err := FindItem(tc.role, strings.Fields(tc.line))
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = p.String()
		}
		if got != tc.want {
			t.Errorf("%q: got %s, want %s", tc.line, got, tc.want)
		}
	}
}

// TestEveryPathFindsItself also holds the storage key against the path.
func TestEveryPathFindsItself(t *testing.T) {
	tree := Tree(Both)
	for _, it := range Items() {
		idx := []int{1, 2}[:it.Indexes()]
		p, err := tree.Find(strings.Fields(it.At(idx...)))
		if err != nil || p.Item != it || !slices.Equal(p.Idx, idx) {
			t.Errorf("%s finds %v, %v", it.At(idx...), p, err)
		}
	}
	if got, want := ZoneName.Key(7), "zones/zone/00007/name"; got != want {
		t.Errorf("key %s, want %s", got, want)
	}
	if got, want := len(tree.Items()), len(Items()); got != want {
		t.Errorf("tree holds %d rows, want %d", got, want)
	}
}

func TestParse(t *testing.T) {
	host, name := &Item{Path: "H", Kind: Host, Max: 128}, &Item{Path: "N", Kind: DNSName, Max: 128}
	for _, tc := range []struct {
		it         *Item
		text, want string
	}{
		{SIPTLSPort.Item, "05061", "5061"},
		{SIPTLSPort.Item, "80", `SIP TLS Port: "80" is out of range; allowed: a number from 1024 to 65534`},
		{SIPTLSPort.Item, "high", `SIP TLS Port: "high" is not a number; allowed: a number from 1024 to 65534`},
		{SIPTLSPort.Item, "", `SIP TLS Port: is not a number; allowed: a number from 1024 to 65534`},
		{SIPMode.Item, "on", "On"},
		{SIPMode.Item, "Onn", `SIP Mode: "Onn" is not one of the values; allowed: On, Off; did you mean On?`},
		{RuleProtocol.Item, "h323", `Zones Policy SearchRules Rule [1..2000] Protocol: "h323" is known, but not supported here: there is no H.323 here; allowed: Any, SIP`},
		{AllowListDefaultMethods.Item, "put, get,GET", "GET,PUT"},
		{AllowListDefaultMethods.Item, "", ""},
		{AllowListDefaultMethods.Item, "GET,PATCH", `CollaborationEdge AllowList DefaultMethods: "PATCH" is not one of the values; allowed: a comma list of OPTIONS, GET, HEAD, POST, PUT, DELETE`},
		{EthernetV4Address.Item, "192.0.2.1", "192.0.2.1"},
		{EthernetV4Address.Item, "2001:db8::1", `Ethernet [1..2] IP V4 Address: "2001:db8::1" is an address of another kind`},
		{EthernetV6Address.Item, "2001:DB8:0::1", "2001:db8::1"},
		{EthernetV6Address.Item, "::ffff:192.0.2.1", `Ethernet [1..2] IP V6 Address: "::ffff:192.0.2.1" is an address of another kind; allowed: an IPv6 address such as 2001:db8::10`},
		{EthernetV6Address.Item, "fe80::1%eth0", `Ethernet [1..2] IP V6 Address: "fe80::1%eth0" is an address of another kind`},
		{host, "[2001:db8::1]", "2001:db8::1"},
		{host, "UCM1.Example.COM.", "ucm1.example.com"},
		{host, "192.0.2.300", `H: "192.0.2.300" looks like an address, but is none; allowed: an address or a host name`},
		{host, "a_b.example.com", `H: "a_b.example.com" is not a name; allowed: an address or a host name`},
		{name, "_sips._tcp.example.com", "_sips._tcp.example.com"},
		{name, "-a.example.com", `N: "-a.example.com" is not a name`},
		{ZoneName.Item, "", "Zones Zone [1..1000] Name: must not be empty; allowed: text of 1 to 50 characters"},
		{ZoneName.Item, "a\nb", "Zones Zone [1..1000] Name: holds a character that cannot be shown"},
		{ZoneName.Item, "a\x9bb", "Zones Zone [1..1000] Name: holds a character that cannot be shown"},
		{ZoneName.Item, "a\u202eb", "Zones Zone [1..1000] Name: holds a character that cannot be shown"},
		{ZoneName.Item, "größe", "größe"},
		{ZoneName.Item, strings.Repeat("é", 50), strings.Repeat("é", 50)},
		{ZoneName.Item, strings.Repeat("é", 51), `Zones Zone [1..1000] Name: "` + strings.Repeat("é", 20)},
		{AdminAccountPassword.Item, "geheim\n", "Authentication Account Admin Account [1..15] Password: holds a character that cannot be shown"},
	} {
		got, err := tc.it.Parse(tc.text)
		if err != nil {
			got = err.Error()
			if v := new(ValueError); !errors.As(err, &v) {
				t.Errorf("%s %q: error is no ValueError", tc.it.Path, tc.text)
			}
		}
		if got != tc.want && (err == nil || !strings.HasPrefix(got, tc.want)) {
			t.Errorf("%s %q:\n got %s\nwant %s", tc.it.Path, tc.text, got, tc.want)
		}
	}
}

func TestSpace(t *testing.T) {
	for it, want := range map[*Item]string{
		SIPTLSPort.Item: "<1024..65534>", ZoneName.Item: "<S: 1,50>", SIPMode.Item: "<On/Off>",
		AdminAccountPassword.Item: "<Password>", EthernetV6Address.Item: "<S: 0,39>",
		AllowListDefaultMethods.Item: "<OPTIONS,GET,HEAD,POST,PUT,DELETE>",
	} {
		if got := it.Space(); got != want {
			t.Errorf("%s: %s, want %s", it.Path, got, want)
		}
	}
}

func TestFindCommand(t *testing.T) {
	for _, tc := range []struct{ line, want string }{
		{"DomainAdd Name: example.com", "DomainAdd [Name: example.com]"},
		{"domain add example.com", "DomainAdd [example.com]"},
		{"HTTP Allow List Rule Add URL: x", "HTTPAllowListRuleAdd [URL: x]"},
		{"httpallowlistrulede x", "HTTPAllowListRuleDelete [x]"},
		{"HTTPAllowList RuleAdd x", "HTTPAllowListRuleAdd [x]"},
		{"DomanAdd", `"DomanAdd" is not known; did you mean DomainAdd?; allowed: `},
		{"Admin", `"Admin" is not unique; allowed: AdminAccountAdd, AdminAccountDelete`},
	} {
		c, rest, err := FindCommand(Core, strings.Fields(tc.line))
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = c.Name + " [" + strings.Join(rest, " ") + "]"
		}
		if got != tc.want && (err == nil || !strings.HasPrefix(got, tc.want)) {
			t.Errorf("%q: got %s, want %s", tc.line, got, tc.want)
		}
	}
	if _, _, err := FindCommand(Core, nil); err == nil {
		t.Error("no words find a command")
	}
	a, ok := FindAbsentCommand(strings.Fields("option key add 123"))
	if !ok || !strings.Contains(a.Why, "licence") {
		t.Errorf("absent command: %v, %v", a, ok)
	}
}

func TestBind(t *testing.T) {
	for _, tc := range []struct {
		cmd  *Command
		args []Arg
		want string
	}{
		{DomainAdd, []Arg{{"name", "Example.COM"}, {"Edges", "on"}}, "Edgesip=On Name=example.com"},
		{DomainAdd, []Arg{{"", "example.com"}, {"", "On"}, {"", "Off"}}, "Edgesip=On Edgexmpp=Off Name=example.com"},
		{DomainAdd, []Arg{{"Edgesip", "Off"}, {"", "example.com"}, {"", "On"}}, "Edgesip=Off Edgexmpp=On Name=example.com"},
		{DomainAdd, []Arg{{"", "a.example"}, {"", "On"}, {"", "Off"}, {"", "On"}, {"", "x"}}, `DomainAdd: too many values: "x" has no parameter left`},
		{DomainAdd, nil, "DomainAdd needs Name <S: 1,128>: Name of the domain."},
		{DomainAdd, []Arg{{"Name", "a"}, {"Name", "b"}}, "Name is given more often than allowed"},
		{DomainAdd, []Arg{{"Name.1", "a"}}, `"Name.1" after "DomainAdd" takes no number; allowed: Name, Edgesip, Edgexmpp, Sip`},
		{DomainAdd, []Arg{{"Nome", "a"}}, `"Nome" after "DomainAdd" is not known; did you mean Name?; allowed: Name, Edgesip, Edgexmpp, Sip`},
		{DomainAdd, []Arg{{"Xmppfederation", "On"}}, `"Xmppfederation" after "DomainAdd" is known, but not supported here: chat with other companies`},
		{CSRGenerate, []Arg{{"CommonName", "a.example"}, {"San.1", "b.example"}, {"San.2", "c.example"}}, "CommonName=a.example San=b.example,c.example"},
		{CSRGenerate, []Arg{{"", "a.example"}, {"", "b.example"}, {"", "c.example"}}, "CommonName=a.example San=b.example,c.example"},
		{DisconnectCall, []Arg{{"Call", "1"}, {"CallSerialNumber", "x"}}, "DisconnectCall needs exactly one of Call, CallSerialNumber"},
		{DisconnectCall, []Arg{{"", "4"}}, "Call=4"},
	} {
		args, err := tc.cmd.Bind(tc.args)
		got := show(args)
		if err != nil {
			got = err.Error()
		}
		if got != tc.want && (err == nil || !strings.HasPrefix(got, tc.want)) {
			t.Errorf("%s %v:\n got %s\nwant %s", tc.cmd.Name, tc.args, got, tc.want)
		}
	}
}

func show(args Args) string {
	var out []string
	for name, values := range args {
		out = append(out, name+"="+strings.Join(values, ","))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestNode(t *testing.T) {
	zones := NewNode("Zones")
	zones.Add("Searches").Int("Current", 0).Int("Total", 7)
	for n, name := range []string{"edge1", "edge2"} {
		z := zones.Nth("Zone", n+1).Str("Name", name).Leaf("Status", "Active")
		z.Add("TraversalClient").Nth("Peer", 1).Str("Address", "192.0.2.1")
	}
	for _, tc := range []struct{ find, want string }{
		{"Zone 2 Name", "Name=edge2"},
		{"zone na", "Name=edge1 Name=edge2"},
		{"Sea tot", "Total=7"},
		{"Zone 1 Trav Peer 1 Addr", "Address=192.0.2.1"},
		{"Zone", "Zone 1= Zone 2="},
		{"Zone 3", `"3" after "Zone" is not there`},
		{"Zome", `"Zome" after "Zones" is not known; did you mean Zone?; allowed: Searches, Zone`},
	} {
		found, err := zones.Find(strings.Fields(tc.find)...)
		var out []string
		for _, n := range found {
			out = append(out, n.Label()+"="+n.Value)
		}
		got := strings.Join(out, " ")
		if err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%q: got %s, want %s", tc.find, got, tc.want)
		}
	}
	var leaves []string
	zones.Walk(func(path string, leaf *Node) { leaves = append(leaves, path+"="+leaf.Value) })
	if len(leaves) != 8 || leaves[4] != "Zone 1 TraversalClient Peer 1 Address=192.0.2.1" {
		t.Errorf("leaves %q", leaves)
	}
	if !NewNode("Calls").Empty() || zones.Empty() {
		t.Error("emptiness is told wrongly")
	}
}

func TestNearest(t *testing.T) {
	names := []string{"Mode", "Port", "TLS", "TCP", "Neighbor", "TraversalServer"}
	for word, want := range map[string]string{
		"tsl": "TLS", "Neighbour": "Neighbor", "TraversalSever": "TraversalServer",
		"xyzzy": "", "": "", strings.Repeat("Port", 40): "",
	} {
		if got := Nearest(word, names); got != want {
			t.Errorf("nearest to %q: %q, want %q", word, got, want)
		}
	}
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{``, `a`, `\`, `"`, `\"`, `\\"`, `(\d+)@.*\.`, `a\\`, `"" \" "`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got, rest, err := Unquote(Quote(value) + " tail")
		if err != nil || got != value || rest != " tail" {
			t.Fatalf("%q quotes as %s, which reads as %q, %q, %v", value, Quote(value), got, rest, err)
		}
	})
}

// FuzzUnquote wants whatever can be read to be printed so that it reads the same.
func FuzzUnquote(f *testing.F) {
	for _, s := range []string{`"`, `""`, `"a\"b"`, `"\\"`, `"\d" x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !strings.HasPrefix(text, `"`) {
			return
		}
		value, rest, err := Unquote(text)
		if err != nil {
			return
		}
		if again, _, err := Unquote(Quote(value)); err != nil || again != value || !strings.HasSuffix(text, rest) {
			t.Fatalf("%q reads as %q, then as %q, %v", text, value, again, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"On", "5061", "192.0.2.1", "::1", "a.example", "GET,PUT", "größe"} {
		f.Add(s)
	}
	items := Items()
	f.Fuzz(func(t *testing.T, text string) {
		for _, it := range items {
			once, err := it.Parse(text)
			if err != nil {
				continue
			}
			if twice, err := it.Parse(once); err != nil || twice != once {
				t.Fatalf("%s: %q becomes %q, then %q, %v", it.Path, text, once, twice, err)
			}
		}
	})
}

func TestFlag(t *testing.T) {
	for _, c := range []struct {
		args []Arg
		want string
	}{
		{[]Arg{{Name: "URLFile", Value: "a.csv"}, {Value: "-partial"}}, "On"},
		{[]Arg{{Value: "-Partial"}, {Name: "URLFile", Value: "a.csv"}}, "On"},
		{[]Arg{{Name: "URLFile", Value: "a.csv"}, {Name: "Partial", Value: "off"}}, "Off"},
		{[]Arg{{Name: "URLFile", Value: "a.csv"}}, ""},
	} {
		args, err := HTTPAllowListRuleAdd.Bind(c.args)
		if err != nil || args.First("Partial") != c.want || args.First("URLFile") != "a.csv" {
			t.Errorf("%v: %v, %v", c.args, args, err)
		}
	}
	if args, err := HTTPAllowListRuleDelete.Bind([]Arg{{Name: "URLFile", Value: "a.csv"}, {Value: "-partial"}}); err == nil {
		t.Errorf("a flag of another command is taken: %v", args)
	}
}

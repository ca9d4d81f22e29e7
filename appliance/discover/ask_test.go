package discover

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/trust"
	"sallyport/appliance/uc"
	"sallyport/test/lab"
)

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

func TestCallManager(t *testing.T) {
	s := newSite(t)
	a := s.callManager("14.0.1.12900(161)", "pub.example.com", "sub.example.com")
	a.SetParam("ClusterSecurityMode", "1").SetParam("ClusterSIPOAuthMode", "1").SetParam("OAuthRefreshLoginFlow", "1").
		SetParam("OAuthRefreshTokenExpiryTimer", "60").SetParam("OrganizationTopLevelDomain", "example.com").SetParam("ClusterFullyQualifiedDomainName", "ucm.example.com *.example.com")
	a.SetNodes(
		lab.AXLNode{Host: "Pub.Example.com", Services: []string{"Cisco Tftp"}},
		lab.AXLNode{Host: "sub.example.com", Services: []string{"Cisco CallManager"}, SIP: [3]int{5070, 5071, 5191}},
		lab.AXLNode{Host: "imp.example.com", Presence: true},
	)
	out, err := s.d.Ask(t.Context(), source(uc.UnifiedCM, "pub.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	f := out.Found
	if f.Version != "14.0.1.12900(161)" || !f.Mixed || !f.SIPOAuth || !f.Refresh || !slices.Equal(f.Domains, []string{"example.com", "ucm.example.com"}) {
		t.Errorf("cluster: %+v", f)
	}
	want := []Node{
		{Host: "pub.example.com", Types: []uc.NodeType{uc.UnifiedCM, uc.TFTP}, Version: f.Version, Publisher: true, Addresses: []string{"192.0.2.p"}, SIP: 5060, SIPS: 5061, OAuth: 5091, Web: 8443},
		{Host: "sub.example.com", Types: []uc.NodeType{uc.UnifiedCM}, Version: f.Version, Addresses: []string{"192.0.2.s"}, Calls: true, SIP: 5070, SIPS: 5071, OAuth: 5191, Web: 8443},
	}
	if fmt.Sprint(f.Nodes) != fmt.Sprint(want) {
		t.Errorf("nodes\n%+v, want\n%+v", f.Nodes, want)
	}
	if !slices.Equal(f.Presence, []string{"imp.example.com"}) {
		t.Errorf("presence nodes: %v", f.Presence)
	}
	seen := a.Seen()
	if seen[0] != "10.5 getCCMVersion" || seen[1] != "14.0 listProcessNode" {
		t.Errorf("versions asked in: %v", seen[:2])
	}
	if self := a.Self(); self["core.example.com"] != "core.example.com,core2.example.com" {
		t.Errorf("Expressway-C rows: %v", self)
	}
}

func TestEveryVersion(t *testing.T) {
	for version, want := range map[string]string{
		"10.5.2.10000(5)": "10.5", "11.5.1.21900(40)": "11.5", "12.0.1": "12.0", "12.5.1.11900(146)": "12.5",
		"14.0.1": "14.0", "15.0.1.12900(234)": "15.0", "16.0.1": "15.0", "8.6.2": "8.5",
	} {
		s := newSite(t)
		a := s.callManager(version, "pub.example.com")
		out, err := s.d.Ask(t.Context(), source(uc.UnifiedCM, "pub.example.com"))
		if err != nil || out.Found.Version != version {
			t.Errorf("%s: %+v, %v", version, out.Found, err)
			continue
		}
		if !slices.Contains(a.Seen(), want+" listProcessNode") {
			t.Errorf("%s is asked in %v", version, a.Seen())
		}
	}
}

// TestRefusals holds each way in which a publisher cannot be added to its
// sentence; the publisher stays unknown.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*site, *lab.AXL, *lab.Host, *Source)
		want   string
	}{
		"wrong password": {func(_ *site, _ *lab.AXL, _ *lab.Host, src *Source) { src.Password = "guess" }, "the user name or the password is wrong"},
		"no role":        {func(_ *site, a *lab.AXL, _ *lab.Host, _ *Source) { a.SetRole(false) }, "Standard AXL API Access"},
		"throttled":      {func(_ *site, _ *lab.AXL, h *lab.Host, _ *Source) { h.SetFault(lab.Fault{Status: 503}) }, "too busy to answer (503); try again in a minute"},
		"broken":         {func(_ *site, _ *lab.AXL, h *lab.Host, _ *Source) { h.SetFault(lab.Fault{Status: 500}) }, "500 Internal Server Error"},
		"not there":      {func(_ *site, _ *lab.AXL, h *lab.Host, _ *Source) { h.SetFault(lab.Fault{Status: 404}) }, "answers /axl/ with 404 Not Found"},
		"unreachable":    {func(s *site, _ *lab.AXL, _ *lab.Host, src *Source) { src.Publisher = "elsewhere.example.com" }, "port 8443 or 443: it cannot be reached"},
		"down":           {func(_ *site, _ *lab.AXL, h *lab.Host, _ *Source) { h.Stop() }, "port 8443 or 443: it cannot be reached"},
		"unknown version": {func(_ *site, a *lab.AXL, _ *lab.Host, _ *Source) { a.SetVersion("3.3.5") },
			"takes none of the AXL versions 8.5 to 15.0"},
		"no version": {func(_ *site, a *lab.AXL, _ *lab.Host, _ *Source) {
			a.Override("getCCMVersion", lab.AXLAnswer{Status: 200, Body: "<html>hello</html>"})
		}, "the answer is not one of AXL"},
		"fault": {func(_ *site, a *lab.AXL, _ *lab.Host, _ *Source) {
			a.Override("listProcessNode", lab.AXLAnswer{Status: 500, Body: "<Envelope><Body><Fault><faultstring>Database\ndown</faultstring></Fault></Body></Envelope>"})
		}, `the server says "Database down"`},
		"no publisher of its kind": {func(_ *site, a *lab.AXL, _ *lab.Host, _ *Source) {
			a.SetNodes(lab.AXLNode{Host: "imp.example.com", Presence: true})
		}, "lists no server of its own kind"},
		"endless answer": {func(_ *site, a *lab.AXL, _ *lab.Host, _ *Source) {
			a.Override("listProcessNode", lab.AXLAnswer{Status: 200, Body: "<return><row><a>" + strings.Repeat("x", maxAnswer)})
		}, "longer than any cluster's"},
		"too many nodes": {func(_ *site, a *lab.AXL, _ *lab.Host, _ *Source) {
			var all []lab.AXLNode
			for i := range MaxNodes + 1 {
				all = append(all, lab.AXLNode{Host: fmt.Sprintf("n%d.example.com", i)})
			}
			a.SetNodes(all...)
		}, "it lists 401 servers; 400 are the most"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			a := lab.NewAXL("15.0.1", "pub.example.com")
			h, src := s.host("pub.example.com", a), source(uc.UnifiedCM, "pub.example.com")
			c.change(s, a, h, &src)
			_, err := s.d.Ask(t.Context(), src)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "Unified CM publisher ") {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if strings.Contains(fmt.Sprint(err), src.Password) {
				t.Errorf("the password is in %v", err)
			}
			if f := s.d.Facts(); len(f.Clusters)+len(f.Servers) > 0 || len(s.alarms.List()) > 0 {
				t.Errorf("something has changed: %+v", f)
			}
		})
	}
}

func TestSelfSignedPublisher(t *testing.T) {
	s := newSite(t)
	other, err := trust.NewCA("other", nil)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := other.Issue(trust.IssueOptions{Names: []string{"pub.example.com"}, Server: true})
	if err != nil {
		t.Fatal(err)
	}
	conf, err := lab.ServerTLS(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s.hostWith("pub.example.com", conf, lab.NewAXL("15.0.1", "pub.example.com"))
	src := source(uc.UnifiedCM, "pub.example.com")
	_, err = s.d.Ask(t.Context(), src)
	for _, want := range []string{"authority that is not in the trusted CA list", "CACertificateInstall", "CertificatePreflight"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	src.Verify = false
	if _, err := s.d.Ask(t.Context(), src); err != nil {
		t.Errorf("with validation off: %v", err)
	}
}

func TestBusyPublisherIsAskedAgain(t *testing.T) {
	s := newSite(t)
	a, left := lab.NewAXL("15.0.1", "pub.example.com"), 2
	s.host("pub.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if left > 0 {
			left--
			w.WriteHeader(503)
			return
		}
		a.ServeHTTP(w, r)
	}))
	if _, err := s.d.Ask(t.Context(), source(uc.UnifiedCM, "pub.example.com")); err != nil {
		t.Error(err)
	}
}

func TestPresence(t *testing.T) {
	s := newSite(t)
	a := lab.NewPresenceAXL("14.0.1", "chat.example.com", "imp1.example.com", "imp2.example.com")
	a.SetTable("tcaliases", lab.AXLRow{{"tcalias", "conference-2"}, {"peerclusterid", "Cluster9"}})
	s.host("imp1.example.com", a)
	out, err := s.d.Ask(t.Context(), source(uc.IMPresence, "imp1.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	f := out.Found
	if len(f.Nodes) != 2 || !f.Nodes[0].Publisher || !f.Nodes[1].is(uc.IMPresence) || !slices.Equal(f.Domains, []string{"chat.example.com"}) || !slices.Equal(f.Peers, []string{"Cluster9"}) {
		t.Errorf("%+v %+v", f, f.Nodes)
	}
}

func TestVoicemail(t *testing.T) {
	s := newSite(t)
	s.host("cuc1.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch user, _, _ := r.BasicAuth(); {
		case r.URL.Path == "/vmrest/version":
			fmt.Fprint(w, "<VersionInformation><name>vmrest</name><version>15.0.1.10</version></VersionInformation>")
		case user != "axl":
			w.WriteHeader(401)
		default:
			fmt.Fprint(w, `<VmsServers total="2"><VmsServer><ServerName>cuc2</ServerName><ClusterMemberId>1</ClusterMemberId><HostName>cuc2.example.com</HostName></VmsServer>`+
				`<VmsServer><ServerName>cuc1</ServerName><ClusterMemberId>0</ClusterMemberId><HostName>cuc1.example.com</HostName></VmsServer></VmsServers>`)
		}
	}))
	out, err := s.d.Ask(t.Context(), source(uc.UnityConnection, "cuc1.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	if f := out.Found; f.Version != "15.0.1.10" || len(f.Nodes) != 2 || f.Nodes[0].Host != "cuc1.example.com" || !f.Nodes[0].Publisher || !f.Nodes[1].is(uc.UnityConnection) {
		t.Errorf("%+v %+v", f, f.Nodes)
	}
	wrong := source(uc.UnityConnection, "cuc1.example.com")
	wrong.User = "someone"
	if _, err := s.d.Ask(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "the user name or the password is wrong") {
		t.Errorf("wrong account: %v", err)
	}
}

func TestTrustStores(t *testing.T) {
	s := newSite(t)
	a := s.callManager("15.0.1", "pub.example.com")
	ask := func() []Advice {
		t.Helper()
		out, err := s.d.Ask(t.Context(), source(uc.UnifiedCM, "pub.example.com"))
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(out.Found.Advice, func(x Advice) bool { return x.Check != "trust" })
	}
	if got := ask(); len(got) != 2 || !strings.Contains(got[0].Text, "CallManager-trust") || !strings.Contains(got[1].Text, "tomcat-trust") {
		t.Errorf("without our authority: %v", got)
	}
	ours := string(s.ca.PEM())
	a.SetTable("certificate",
		lab.AXLRow{{"certificate", ours}, {"name", "CallManager-trust"}, {"enum", "4"}}, lab.AXLRow{{"certificate", ours}, {"name", "tomcat-trust"}, {"enum", "6"}})
	if got := ask(); len(got) > 0 {
		t.Errorf("with our authority: %v", got)
	}
}

// keyPair makes the keys of a cluster.
func keyPair(t *testing.T) (private *rsa.PrivateKey, pkcs8PEM, publicDER, sealing []byte) {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	if publicDER, err = x509.MarshalPKIXPublicKey(&private.PublicKey); err != nil {
		t.Fatal(err)
	}
	sealing = make([]byte, sealingSize)
	rand.Read(sealing)
	return private, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), publicDER, sealing
}

func TestTokenKeysOutliveARestart(t *testing.T) {
	s := newSite(t)
	a := s.callManager("15.0.1", "pub.example.com")
	_, private, public, sealing := keyPair(t)
	a.SetTable("authzkeys", lab.KeyRow(private, sealing))
	src := source(uc.UnifiedCM, "pub.example.com")
	s.add(src)
	check := func(when string, d *Discoverer) {
		t.Helper()
		all := d.TokenKeys()
		if len(all) != 1 || all[0].Publisher != "pub.example.com" || !slices.Equal(all[0].Signing, public) || !slices.Equal(all[0].Sealing, sealing) {
			t.Errorf("%s: %+v", when, all)
		}
		if f := d.Facts(); len(f.Clusters) != 1 || len(f.Servers) != 1 || f.Servers[0].SIP != 5060 {
			t.Errorf("%s: %+v", when, f)
		}
	}
	check("asked", s.d)
	again := s.discoverer()
	again.Apply(Plan{Sources: []Source{src}, Refresh: time.Hour})
	check("after a restart", again)
	again.Apply(Plan{})
	if f := again.Facts(); len(f.Clusters) > 0 || len(again.TokenKeys()) > 0 || s.state.Table("discovered", tableSize).Len() > 0 {
		t.Errorf("a deleted publisher leaves %+v", f)
	}
}

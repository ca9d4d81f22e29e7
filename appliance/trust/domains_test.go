package trust

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shown is the first name of the certificate that a client is shown who asks
// for a name.
func shown(t *testing.T, server *tls.Config, name string) string {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		tls.Server(a, server).Handshake()
	}()
	c := tls.Client(b, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	b.Close()
	<-done
	return c.ConnectionState().PeerCertificates[0].DNSNames[0]
}

func TestDomainCertificateBySNI(t *testing.T) {
	now := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	dir := t.TempDir()
	tr, err := Open(dir, clock)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := NewCA("lab", clock)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(life time.Duration, names ...string) (cert, key []byte) {
		cert, key, err := ca.Issue(IssueOptions{Names: names, Server: true, NotAfter: now.Add(life)})
		if err != nil {
			t.Fatal(err)
		}
		return cert, key
	}
	year := 365 * 24 * time.Hour
	if err := tr.InstallServer(issue(year, "edge.example.com", "plain.example.net")); err != nil {
		t.Fatal(err)
	}
	handed := map[Purpose]*tls.Config{}
	for _, p := range []Purpose{SIPOutside, HTTPSOutside, XMPPOutside, TURNOutside} {
		handed[p] = tr.ServerConfig(p) // before the domain: it must be seen live
	}
	cert, key := issue(60*24*time.Hour, "expe.staging.com", "staging.com")
	if err := tr.InstallDomain("staging.com", cert, key); err == nil || !strings.Contains(err.Error(), "domain_create") {
		t.Errorf("no place: %v", err)
	}
	for _, bad := range []string{"", "com", "*.staging.com", "../x.y", "a b.com", "sta/ging.com"} {
		if tr.CreateDomain(bad) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	for _, d := range []string{"Staging.com.", "example.net"} {
		if err := tr.CreateDomain(d); err != nil {
			t.Fatal(err)
		}
	}
	if err := tr.CreateDomain("staging.com"); err == nil {
		t.Error("a domain has two places")
	}
	if err := tr.InstallDomain("example.net", cert, key); err == nil || !strings.Contains(err.Error(), "neither example.net") {
		t.Errorf("a foreign certificate: %v", err)
	}
	if err := tr.InstallDomain("staging.com", cert, key); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"expe.staging.com": "expe.staging.com", "EXPE.staging.com": "expe.staging.com", "staging.com": "expe.staging.com",
		"edge.example.com": "edge.example.com", "other.staging.com": "edge.example.com", "notstaging.com": "edge.example.com",
		"plain.example.net": "edge.example.com", "": "edge.example.com",
	} {
		for p, config := range handed {
			if got := shown(t, config, name); got != want {
				t.Errorf("%s for %q: %s, want %s", p, name, got, want)
			}
		}
	}
	link, err := tr.ServerConfig(LinkServer).GetConfigForClient(&tls.ClientHelloInfo{ServerName: "expe.staging.com"})
	if err != nil || link.Certificates[0].Leaf.DNSNames[0] != "edge.example.com" {
		t.Errorf("the link is shown a domain's certificate: %v", err)
	}
	if !tr.Bears("expe.staging.com") || !tr.Bears("edge.example.com") || tr.Bears("x.staging.com") {
		t.Error("what names the node bears is wrong")
	}

	if f := tr.DomainFindings(now); len(f) != 0 {
		t.Errorf("%+v", f)
	}
	if f := tr.DomainFindings(now.Add(40 * 24 * time.Hour)); len(f) != 1 || f[0].Kind != ExpiresSoon || f[0].Subject != "staging.com" {
		t.Errorf("soon: %+v", f)
	}
	if f := tr.DomainFindings(now.Add(90 * 24 * time.Hour)); len(f) != 1 || f[0].Kind != Expired {
		t.Errorf("over: %+v", f)
	}

	again, err := Open(dir, clock)
	if err != nil {
		t.Fatal(err)
	}
	if got := shown(t, again.ServerConfig(HTTPSOutside), "expe.staging.com"); got != "expe.staging.com" || len(again.Domains()) != 2 {
		t.Errorf("after a restart: %s, %+v", got, again.Domains())
	}
	if err := tr.RemoveDomainCertificate("staging.com"); err != nil {
		t.Fatal(err)
	}
	if got := shown(t, handed[SIPOutside], "expe.staging.com"); got != "edge.example.com" {
		t.Errorf("after it was taken away: %s", got)
	}
	if err := tr.DeleteDomain("staging.com"); err != nil || len(tr.Domains()) != 1 {
		t.Errorf("%v, %+v", err, tr.Domains())
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*staging*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDomainRequest(t *testing.T) {
	tr, err := Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := Request{CommonName: "expe.staging.com", Names: []string{"staging.com"}, RSABits: 2048, Digest: "sha384", Organization: "Example"}
	if _, err := tr.GenerateDomainCSR("staging.com", r); err == nil {
		t.Error("a request for a domain without a place")
	}
	if err := tr.CreateDomain("staging.com"); err != nil {
		t.Fatal(err)
	}
	csr, err := tr.GenerateDomainCSR("staging.com", r)
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := tr.PendingDomainCSR("staging.com"); err != nil || string(kept) != string(csr) || !tr.Domains()[0].Pending {
		t.Errorf("%v: the request is not kept", err)
	}
	ca, err := NewCA("lab", nil)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Sign(csr, IssueOptions{Server: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.InstallDomain("staging.com", cert, nil); err != nil {
		t.Fatal(err)
	}
	d := tr.Domains()[0]
	if d.Pending || d.Leaf == nil || d.Leaf.PublicKeyAlgorithm != x509.RSA {
		t.Errorf("%+v", d)
	}
	if info, err := os.Stat(filepath.Join(tr.dir, "domain-staging.com.pem")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	for _, bad := range []Request{{CommonName: "a.b", Digest: "md5"}, {CommonName: "a.b", RSABits: 512}, {}} {
		if _, err := tr.GenerateDomainCSR("staging.com", bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

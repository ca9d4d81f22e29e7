package trust

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func newTrust(t *testing.T, clock func() time.Time) *Trust {
	t.Helper()
	tr, err := Open(t.TempDir(), clock)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func newTestCA(t *testing.T, name string) *CA {
	t.Helper()
	ca, err := NewCA(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func issue(t *testing.T, ca *CA, o IssueOptions) (cert, key []byte) {
	t.Helper()
	cert, key, err := ca.Issue(o)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// ready is a trust with a certificate for names and its authority.
func ready(t *testing.T, ca *CA, names ...string) *Trust {
	t.Helper()
	tr := newTrust(t, nil)
	cert, key := issue(t, ca, IssueOptions{Names: names})
	if err := errors.Join(tr.InstallServer(cert, key), tr.InstallCA(ca.PEM())); err != nil {
		t.Fatal(err)
	}
	return tr
}

// shake connects a client to a server over loopback and returns both ends'
// errors after one byte each way.
func shake(t *testing.T, server, client *tls.Config) (c, s *tls.Conn, clientErr, serverErr error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	done := make(chan error, 1)
	go func() {
		raw, err := ln.Accept()
		if err != nil {
			done <- err
			return
		}
		t.Cleanup(func() { raw.Close() })
		s = tls.Server(raw, server)
		done <- exchange(s)
	}()
	raw, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	c = tls.Client(raw, client)
	clientErr = exchange(c)
	if clientErr != nil {
		raw.Close()
	}
	return c, s, clientErr, <-done
}

func exchange(c *tls.Conn) error {
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if err := c.Handshake(); err != nil {
		return err
	}
	if _, err := c.Write([]byte{1}); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 1))
	return err
}

func TestHandshakes(t *testing.T) {
	ca, other := newTestCA(t, "Example CA"), newTestCA(t, "Example CA") // the same name
	edge := ready(t, ca, "edge.example", "10.0.0.1", "::1")
	core := ready(t, ca, "core.example")
	both := ready(t, ca, "core.example")
	if err := both.InstallCA(other.PEM()); err != nil || len(both.CAs()) != 2 {
		t.Fatalf("two authorities of one name: %d, %v", len(both.CAs()), err)
	}
	foreign := ready(t, other, "edge.example")
	foreign.InstallCA(ca.PEM())
	serverOnly := newTrust(t, nil)
	cert, key := issue(t, ca, IssueOptions{Names: []string{"core.example"}, Server: true})
	serverOnly.InstallServer(cert, key)
	serverOnly.InstallCA(ca.PEM())
	wild := ready(t, ca, "*.example.com")
	bare := newTrust(t, nil)
	bare.InstallCA(ca.PEM())

	for _, c := range []struct {
		name           string
		server, client *tls.Config
		fails          string // in either end's error
	}{
		{"plain", edge.ServerConfig(SIPOutside), core.ClientConfig(SIPInside, "edge.example"), ""},
		{"case and dot", edge.ServerConfig(SIPOutside), core.ClientConfig(SIPInside, "EDGE.example."), ""},
		{"IPv4", edge.ServerConfig(SIPOutside), core.ClientConfig(SIPInside, "10.0.0.1"), ""},
		{"IPv6", edge.ServerConfig(SIPOutside), core.ClientConfig(SIPInside, "0:0::1"), ""},
		{"another IP", edge.ServerConfig(SIPOutside), core.ClientConfig(SIPInside, "10.0.0.2"), Unacceptable + ": expected 10.0.0.2"},
		{"another name", edge.ServerConfig(SIPOutside), core.ClientConfig(SIPInside, "core.example"), "the certificate names edge.example, 10.0.0.1, ::1"},
		{"no name", edge.ServerConfig(SIPOutside), core.ClientConfig(SIPInside, ""), "no name to expect"},
		{"mutual", edge.ServerConfig(LinkServer), core.ClientConfig(LinkClient, "edge.example"), ""},
		{"mutual, made for servers only", edge.ServerConfig(LinkServer), serverOnly.ClientConfig(LinkClient, "edge.example"), ""},
		{"mutual, client without certificate", edge.ServerConfig(LinkServer), bare.ClientConfig(LinkClient, "edge.example"), "certificate"},
		{"mutual, client unknown", edge.ServerConfig(LinkServer), foreign.ClientConfig(LinkClient, "edge.example"), "not in the trusted CA list"},
		{"server unknown", foreign.ServerConfig(SIPOutside), core.ClientConfig(SIPInside, "edge.example"), "not in the trusted CA list"},
		{"server of the second authority", foreign.ServerConfig(SIPOutside), both.ClientConfig(SIPInside, "edge.example"), ""},
		{"wildcard inside", wild.ServerConfig(SIPOutside), core.ClientConfig(SIPInside, "a.example.com"), Unacceptable},
		{"wildcard on the link", wild.ServerConfig(LinkServer), core.ClientConfig(LinkClient, "a.example.com"), Unacceptable},
		{"wildcard of a web server", wild.ServerConfig(HTTPSOutside), core.ClientConfig(HTTPSUpstream, "a.example.com"), ""},
		{"wildcard does not cover two labels", wild.ServerConfig(HTTPSOutside), core.ClientConfig(HTTPSUpstream, "a.b.example.com"), Unacceptable},
		{"link needs TLS 1.3", edge.ServerConfig(LinkServer), &tls.Config{MaxVersion: tls.VersionTLS12, InsecureSkipVerify: true}, "version"},
		{"no certificate installed", bare.ServerConfig(SIPOutside), core.ClientConfig(SIPInside, "edge.example"), ErrNoCertificate.Error()},
		{"unverified", foreign.ServerConfig(SIPOutside), core.UnverifiedClientConfig(SIPInside, "x"), ""},
		{"asked only", edge.ServerConfig(SIPInside), foreign.ClientConfig(SIPInside, "edge.example"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, ce, se := shake(t, c.server, c.client)
			switch got := errors.Join(ce, se); {
			case c.fails == "" && got != nil:
				t.Errorf("failed: %v", got)
			case c.fails != "" && (got == nil || !strings.Contains(got.Error(), c.fails)):
				t.Errorf("got %v, want %q", got, c.fails)
			}
		})
	}
}

func TestVerifyPeerLater(t *testing.T) {
	ca := newTestCA(t, "ca")
	edge, core := ready(t, ca, "edge.example"), ready(t, ca, "core.example")
	_, s, ce, se := shake(t, edge.ServerConfig(SIPInside), core.ClientConfig(SIPInside, "edge.example"))
	if ce != nil || se != nil {
		t.Fatal(ce, se)
	}
	if err := edge.VerifyPeer(SIPInside, s.ConnectionState(), "core.example"); err != nil {
		t.Error(err)
	}
	var name *NameError
	if err := edge.VerifyPeer(SIPInside, s.ConnectionState(), "other.example"); !errors.As(err, &name) || name.Want != "other.example" {
		t.Errorf("wrong name: %v", err)
	}
	if err := edge.VerifyPeer(SIPInside, tls.ConnectionState{}, ""); err != ErrNoPeerCertificate {
		t.Errorf("no certificate: %v", err)
	}
}

func TestCommonNameIsIgnored(t *testing.T) {
	ca := newTestCA(t, "ca")
	pemBytes, _ := issue(t, ca, IssueOptions{CommonName: "edge.example", Names: []string{"other.example"}})
	block, _ := pem.Decode(pemBytes)
	cert, _ := x509.ParseCertificate(block.Bytes)
	if err := VerifyPeerName(cert, "edge.example"); err == nil {
		t.Error("the common name was believed")
	}
}

// A certificate is renewed while a connection is up: the connection goes on,
// configs that were handed out use the new one.
func TestRenewalKeepsConnections(t *testing.T) {
	ca := newTestCA(t, "ca")
	edge, core := ready(t, ca, "edge.example"), ready(t, ca, "core.example")
	server, client := edge.ServerConfig(LinkServer), core.ClientConfig(LinkClient, "edge.example")
	c1, s1, ce, se := shake(t, server, client)
	if ce != nil || se != nil {
		t.Fatal(ce, se)
	}
	old := edge.Certificate().SerialNumber
	cert, key := issue(t, ca, IssueOptions{Names: []string{"edge.example"}})
	if err := edge.InstallServer(cert, key); err != nil {
		t.Fatal(err)
	}
	cert, key = issue(t, ca, IssueOptions{Names: []string{"core.example"}})
	core.InstallServer(cert, key)
	c2, s2, ce, se := shake(t, server, client)
	if ce != nil || se != nil {
		t.Fatal(ce, se)
	}
	if got := c2.ConnectionState().PeerCertificates[0].SerialNumber; got.Cmp(old) == 0 || got.Cmp(edge.Certificate().SerialNumber) != 0 {
		t.Error("the new handshake used the old server certificate")
	}
	if got := s2.ConnectionState().PeerCertificates[0].SerialNumber; got.Cmp(core.Certificate().SerialNumber) != 0 {
		t.Error("the new handshake used the old client certificate")
	}
	go s1.Write([]byte("still here"))
	c1.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.ReadFull(c1, make([]byte, 10)); err != nil {
		t.Errorf("the old connection: %v", err)
	}
	// An authority is taken off the list: the next handshake knows.
	if err := edge.RemoveCA(Fingerprint(ca.Certificate())); err != nil {
		t.Fatal(err)
	}
	if _, _, _, se := shake(t, server, client); se == nil {
		t.Error("a removed authority is still trusted")
	}
	if err := edge.RemoveCA("00"); err == nil {
		t.Error("removed what is not there")
	}
}

func TestPolicyIsLive(t *testing.T) {
	ca := newTestCA(t, "ca")
	edge := ready(t, ca, "edge.example")
	server := edge.ServerConfig(SIPOutside)
	old := &tls.Config{MaxVersion: tls.VersionTLS12, InsecureSkipVerify: true}
	if _, _, ce, se := shake(t, server, old); ce != nil || se != nil {
		t.Fatal(ce, se)
	}
	pol := edge.Policy(SIPOutside)
	pol.MinVersion = tls.VersionTLS13
	edge.SetPolicy(SIPOutside, pol)
	if _, _, ce, _ := shake(t, server, old); ce == nil {
		t.Error("TLS 1.2 is still taken")
	}
}

func TestVersions(t *testing.T) {
	for text, want := range map[string][2]uint16{
		"TLSv1.2:TLSv1.3": {tls.VersionTLS12, tls.VersionTLS13},
		"TLSv1.3":         {tls.VersionTLS13, tls.VersionTLS13},
		"TLSv1":           {tls.VersionTLS10, tls.VersionTLS10},
		"":                {}, "TLSv1.2:": {}, "SSLv3": {},
	} {
		low, high, err := Versions(text)
		if low != want[0] || high != want[1] || (err == nil) != (low != 0) {
			t.Errorf("%q: %x %x %v", text, low, high, err)
		}
	}
}

func TestRequestSignInstall(t *testing.T) {
	ca := newTestCA(t, "ca")
	edge := ready(t, ca, "old.example")
	csr, err := edge.GenerateCSR(Request{CommonName: "edge.example", Names: []string{"example.com", "10.0.0.1", "Edge.example."}, Organization: "Example"})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(csr, edge.PendingCSR()) {
		t.Error("the pending request is another")
	}
	cert, err := ca.Sign(csr, IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if edge.Certificate().DNSNames[0] != "old.example" {
		t.Error("a request changed the certificate in use")
	}
	again, err := Open(edge.dir, nil) // a restart while the authority thinks
	if err != nil {
		t.Fatal(err)
	}
	if err := again.InstallServer(cert, nil); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(Names(again.Certificate()), " "); got != "edge.example example.com 10.0.0.1" {
		t.Errorf("names %q", got)
	}
	if again.PendingCSR() != nil {
		t.Error("the key of the request is still pending")
	}
	if err := again.InstallServer(cert, nil); err != nil {
		t.Errorf("renewal with the present key: %v", err)
	}
	foreign, _ := issue(t, ca, IssueOptions{Names: []string{"x.example"}})
	if err := again.InstallServer(foreign, nil); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("a certificate without its key: %v", err)
	}
	for _, bad := range []Request{{}, {CommonName: "a b"}, {CommonName: "x.example", Names: []string{"-x"}}, {CommonName: "x.example", RSABits: 1024},
		{CommonName: strings.Repeat("a", 64) + ".example"}} {
		if _, err := edge.GenerateCSR(bad); err == nil {
			t.Errorf("request %+v was taken", bad)
		}
	}
}

func TestInstallRefuses(t *testing.T) {
	ca := newTestCA(t, "ca")
	tr := newTrust(t, nil)
	cert, key := issue(t, ca, IssueOptions{Names: []string{"a.example"}})
	_, otherKey := issue(t, ca, IssueOptions{Names: []string{"a.example"}})
	for name, try := range map[string]func() error{
		"other key":   func() error { return tr.InstallServer(cert, otherKey) },
		"no key":      func() error { return tr.InstallServer(cert, nil) },
		"garbage":     func() error { return tr.InstallServer([]byte("x"), key) },
		"broken":      func() error { return tr.InstallServer(cert[:len(cert)/2], key) },
		"key garbage": func() error { return tr.InstallServer(cert, []byte("x")) },
		"huge":        func() error { return tr.InstallServer(make([]byte, maxPEM+1), key) },
		"CA garbage":  func() error { return tr.InstallCA([]byte("x")) },
		"CA is a key": func() error { return tr.InstallCA(key) },
	} {
		err := try()
		if err == nil {
			t.Errorf("%s was taken", name)
		} else if bytes.Contains([]byte(err.Error()), key[40:60]) {
			t.Errorf("%s: the error shows the key", name)
		}
	}
	if tr.Certificate() != nil || len(tr.CAs()) != 0 {
		t.Error("a refused file is in use")
	}
}

func TestFilesArePrivateAndSurvive(t *testing.T) {
	ca := newTestCA(t, "ca")
	tr := ready(t, ca, "edge.example")
	key, err := tr.NodeKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := tr.Keyring("edge", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	token := ring.Seal(1, "z", []byte("x"))
	files, _ := os.ReadDir(tr.dir)
	for _, f := range files {
		if info, _ := f.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f.Name(), info.Mode())
		}
		if strings.HasPrefix(f.Name(), ".") {
			t.Errorf("left behind: %s", f.Name())
		}
	}
	again, err := Open(tr.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if k, err := again.NodeKey(nil); err != nil || !k.Equal(key) {
		t.Errorf("the node key changed: %v", err)
	}
	if r, err := again.Keyring("edge", nil); err != nil {
		t.Error(err)
	} else if _, err := r.Open(1, "z", token); err != nil {
		t.Error(err)
	}
	if again.Certificate() == nil || len(again.CAs()) != 1 {
		t.Error("certificates did not survive")
	}
	if _, err := again.Keyring("../x", rand.Reader); err == nil {
		t.Error("a keyring outside the directory")
	}
	cert, key2 := issue(t, ca, IssueOptions{Names: []string{"new.example"}})
	os.WriteFile(filepath.Join(tr.dir, serverFile), append(key2, cert...), 0o600)
	if err := again.Reload(); err != nil || again.Certificate().DNSNames[0] != "new.example" {
		t.Errorf("reload: %v", err)
	}
	os.WriteFile(filepath.Join(tr.dir, serverFile), cert, 0o600)
	if err := again.Reload(); err == nil || again.Certificate() == nil {
		t.Errorf("reload of a broken file: %v", err)
	}
}

func TestWeakCertificates(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skipf("no short keys on this machine: %v", err)
	}
	for _, c := range []*x509.Certificate{
		{PublicKey: short.Public(), SerialNumber: serial()},
		{SignatureAlgorithm: x509.SHA1WithRSA, SerialNumber: serial()},
	} {
		if got := weakness(c); len(got) != 1 || got[0].Kind != Weak {
			t.Errorf("findings %+v", got)
		}
	}
}

func TestFindings(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	ca, err := NewCA("ca", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	days := func(n int) time.Time { return now.AddDate(0, 0, n) }
	for _, c := range []struct {
		name  string
		issue *IssueOptions
		spoil bool
		want  []FindingKind
	}{
		{"nothing installed", nil, false, []FindingKind{Missing}},
		{"good", &IssueOptions{Names: []string{"edge.example"}}, false, nil},
		{"expired", &IssueOptions{Names: []string{"edge.example"}, NotBefore: days(-90), NotAfter: days(-1)}, false, []FindingKind{Expired}},
		{"soon", &IssueOptions{Names: []string{"edge.example"}, NotAfter: days(29)}, false, []FindingKind{ExpiresSoon}},
		{"not soon", &IssueOptions{Names: []string{"edge.example"}, NotAfter: days(31)}, false, nil},
		{"future", &IssueOptions{Names: []string{"edge.example"}, NotBefore: days(1), NotAfter: days(90)}, false, []FindingKind{NotYetValid}},
		{"other name", &IssueOptions{Names: []string{"other.example"}}, false, []FindingKind{LacksName}},
		{"wildcard will do for clients", &IssueOptions{Names: []string{"*.edge.example", "edge.example"}}, false, nil},
		{"file spoilt", &IssueOptions{Names: []string{"edge.example"}}, true, []FindingKind{KeyMismatch}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := newTrust(t, func() time.Time { return now })
			tr.InstallCA(ca.PEM())
			if c.issue != nil {
				cert, key := issue(t, ca, *c.issue)
				if err := tr.InstallServer(cert, key); err != nil {
					t.Fatal(err)
				}
				if _, other := issue(t, ca, *c.issue); c.spoil {
					os.WriteFile(filepath.Join(tr.dir, serverFile), append(other, cert...), 0o600)
				}
			}
			got := tr.Findings(now, []string{"edge.example", ""})
			if len(got) != len(c.want) {
				t.Fatalf("findings %+v", got)
			}
			for i, f := range got {
				if f.Kind != c.want[i] || f.Detail == "" || f.Kind.String() == "unknown" {
					t.Errorf("finding %+v, want %v", f, c.want[i])
				}
			}
		})
	}
	damaged := t.TempDir()
	for _, f := range []string{serverFile, caFile} {
		os.WriteFile(filepath.Join(damaged, f), []byte("half a fi"), 0o600)
	}
	tr, err := Open(damaged, nil)
	if err != nil {
		t.Fatalf("damaged files keep the node from starting: %v", err)
	}
	if got := tr.Findings(now, nil); len(got) != 2 || got[0].Kind != NoAuthority || got[1].Kind != KeyMismatch {
		t.Errorf("damaged files: %+v", got)
	}
	if got := newTrust(t, nil).Findings(now, nil); len(got) != 2 || got[0].Kind != NoAuthority {
		t.Errorf("an empty box: %+v", got)
	}
}

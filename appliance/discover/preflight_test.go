package discover

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/trust"
	"sallyport/appliance/uc"
	"sallyport/test/lab"
)

// TestPreflightRSA: a node with an RSA certificate, one of each kind, and each
// kind judged by itself.
func TestPreflightRSA(t *testing.T) {
	s := newSite(t)
	s.callManager("15.0.1", "pub.example.com", "sub.example.com")
	good, rogue := s.rsa("sub.example.com", true), s.rsa("sub.example.com", false)
	cert, key, err := s.ca.Issue(trust.IssueOptions{Names: []string{"sub.example.com"}, Server: true})
	if err != nil {
		t.Fatal(err)
	}
	ecdsa, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		certs []tls.Certificate
		want  string
	}{
		{"RSA", []tls.Certificate{good}, "RSA true"},
		{"both", []tls.Certificate{good, ecdsa}, "RSA true ECDSA true"},
		{"RSA self-signed", []tls.Certificate{rogue, ecdsa}, "RSA false ECDSA true"},
	} {
		s.hostWith("sub.example.com", &tls.Config{Certificates: c.certs}, nil)
		s.add(source(uc.UnifiedCM, "pub.example.com"))
		got := ""
		for _, f := range s.d.Preflight(t.Context(), "pub.example.com") {
			if f.Node == "sub.example.com" && f.Port == 8443 {
				got += fmt.Sprintf(" %s %t", f.Chain, f.Good)
				if !f.Good && !strings.Contains(f.Verdict, "self-signed") {
					t.Errorf("%s: %s", c.name, f.Verdict)
				}
			}
		}
		if strings.TrimSpace(got) != c.want {
			t.Errorf("%s:%s, want %s", c.name, got, c.want)
		}
	}
}

// rsa makes an RSA certificate, of the site's authority or of its own.
func (s *site) rsa(name string, signed bool) tls.Certificate {
	s.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		s.t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(7), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if !signed {
		der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
		if err != nil {
			s.t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: tmpl.DNSNames}, key)
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := s.ca.Sign(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}), trust.IssueOptions{Server: true})
	if err != nil {
		s.t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	return tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key}
}

// TestPreflightSpare: a port that only some things need is no fault while it is
// closed, and judged as the others where it is served.
func TestPreflightSpare(t *testing.T) {
	s := newSite(t)
	s.callManager("15.0.1", "pub.example.com")
	s.closed = map[string]bool{"pub.example.com:443": true}
	conf, _, err := lab.SelfSigned([]string{"other.example.com"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.hostWith("pub.example.com:9444", conf, nil)
	s.add(source(uc.UnifiedCM, "pub.example.com"))
	for _, f := range s.d.Preflight(t.Context(), "") {
		switch {
		case f.Port == 443 && (!f.Good || !strings.Contains(f.Verdict, "nobody listens")):
			t.Errorf("closed: %+v", f)
		case f.Port == 9444 && (f.Good || !strings.Contains(f.Verdict, "self-signed")):
			t.Errorf("served: %+v", f)
		}
	}
}

// TestPreflightChat: a chat port begins in the clear, and the name of a node or
// of its domain will do.
func TestPreflightChat(t *testing.T) {
	for _, c := range []struct {
		name, greets, consents, bears string
		good                          bool
		want                          string
	}{
		{"by node", chatHello, chatGo, "imp.example.com", true, "would be taken"},
		{"by domain", chatHello, chatGo, "example.com", true, "would be taken"},
		{"another", chatHello, chatGo, "other.example.com", false, "would be refused"},
		{"no STARTTLS", "<stream:stream xmlns:stream='x'><stream:features></stream:features>", "", "imp.example.com", false, "offers no STARTTLS"},
		{"refused", chatHello, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "imp.example.com", false, "refuses STARTTLS"},
		{"babbles", strings.Repeat("x", maxGreeting+1), "", "imp.example.com", false, "greets without an end"},
	} {
		s := newSite(t)
		cert, key, err := s.ca.Issue(trust.IssueOptions{Names: []string{c.bears}, Server: true})
		if err != nil {
			t.Fatal(err)
		}
		conf, err := lab.ServerTLS(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		s.hosts["imp.example.com:5222"] = chatPort(t, conf, c.greets, c.consents)
		all := s.d.fly(t.Context(), []approach{{target: target{"imp.example.com", 5222}, domains: []string{"example.com", "imp.example.com"}}})
		if len(all) != 1 || all[0].Good != c.good || !strings.Contains(all[0].Verdict, c.want) {
			t.Errorf("%s: %+v", c.name, all)
		}
	}
}

const (
	chatHello = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>" +
		"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
	chatGo = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
)

// chatPort greets, consents and begins TLS, on each connection.
func chatPort(t *testing.T, conf *tls.Config, greets, consents string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if _, err := hear(c, ">"); err != nil {
					return
				}
				c.Write([]byte(greets))
				if _, err := hear(c, "/>"); err != nil {
					return
				}
				c.Write([]byte(consents))
				tls.Server(c, conf).Handshake()
			}()
		}
	}()
	return l.Addr().String()
}

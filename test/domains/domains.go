// Package domains gives the edge of a running pair a second edge domain with a
// name and a certificate of its own, set up live through the shell, and holds
// that clients of both domains are served under their own name. Tests and
// cmd/lab call it.
package domains

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"sallyport/test/deploy"
	"sallyport/test/lab"
	"sallyport/test/pair"
)

// The second edge domain, and the name that edge has in it.
const (
	Domain   = "example.org"
	EdgeName = "edge." + Domain
)

// Open has both nodes serve the domain, and edge show it a certificate.
func Open(ctx context.Context, p *pair.Pair) error {
	p.World.Registrar.Serve(Domain)
	err := deploy.Type(ctx, p.Core,
		`xCommand DomainAdd Name: `+Domain+` Edgesip: On`,
		`xConfiguration Zones Policy SearchRules Rule 40 Name: "Second domain"`,
		`xConfiguration Zones Policy SearchRules Rule 40 Mode: AliasPatternMatch`,
		`xConfiguration Zones Policy SearchRules Rule 40 Pattern Type: Suffix`,
		`xConfiguration Zones Policy SearchRules Rule 40 Pattern String: "@`+Domain+`"`,
		`xConfiguration Zones Policy SearchRules Rule 40 Pattern Behavior: Leave`,
		`xConfiguration Zones Policy SearchRules Rule 40 Target Type: Zone`,
		`xConfiguration Zones Policy SearchRules Rule 40 Target Name: "Call control"`,
	)
	if err != nil {
		return err
	}
	return deploy.Type(ctx, p.Edge, `xCommand DomainAdd Name: `+Domain+` Edgesip: On`)
}

// Certify makes a place for the domain's certificate, has the request signed
// and puts the certificate to use.
func Certify(ctx context.Context, p *pair.Pair) error {
	err := deploy.Type(ctx, p.Edge,
		`xCommand DomainCerts Command: domain_create Domain: `+Domain,
		`xCommand DomainCerts Command: csr_create Domain: `+Domain+` Sans: "DNS:`+EdgeName+`"`,
	)
	if err != nil {
		return err
	}
	csr, err := os.ReadFile(filepath.Join(p.Edge.Folder(), Domain+".csr"))
	if err != nil {
		return err
	}
	cert, err := p.Sign(csr)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(p.Edge.Folder(), "signed.pem"), cert, 0o600); err != nil {
		return err
	}
	return deploy.Type(ctx, p.Edge, `xCommand DomainCerts Command: cert_put Domain: `+Domain+` Certpath: signed.pem`)
}

// Shown holds that a listener of edge shows who asks for a name a certificate
// that bears want and chains to the pair's authority.
func Shown(ctx context.Context, p *pair.Pair, port uint16, name, want string) error {
	at := netip.AddrPortFrom(p.Outer, port).String()
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp", at)
	if err != nil {
		return err
	}
	defer raw.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(p.CA)
	c := tls.Client(raw, &tls.Config{ServerName: name, InsecureSkipVerify: true, VerifyConnection: func(cs tls.ConnectionState) error {
		_, err := cs.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: want})
		return err
	}})
	if err := c.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("port %d for %s: %w", port, name, err)
	}
	if names := c.ConnectionState().PeerCertificates[0].DNSNames; !slices.Contains(names, want) {
		return fmt.Errorf("port %d for %s shows %v, want %s", port, name, names, want)
	}
	return nil
}

// Phone is a phone of the second domain that trusts edge by its name there only.
func Phone(p *pair.Pair, user string, tone float64) (*lab.Phone, error) {
	return p.Phone(user, tone, func(c *lab.PhoneConfig) { c.Domain, c.ServerName = Domain, EdgeName })
}

// Talk has a user of the second domain register and call one of the first, and
// holds that the callee's tone is heard.
func Talk(ctx context.Context, p *pair.Pair, user string, tone float64, callee string, calleeTone float64) error {
	phone, err := Phone(p, user, tone)
	if err != nil {
		return err
	}
	defer phone.Close()
	if err = phone.Start(ctx); err == nil {
		err = phone.Register(ctx)
	}
	if err != nil {
		return err
	}
	defer phone.Unregister(ctx)
	call, err := phone.Call(ctx, callee)
	if err != nil {
		return err
	}
	stats, err := call.AwaitMedia(ctx, calleeTone, 50)
	if err != nil {
		return fmt.Errorf("%v: %w", stats, err)
	}
	return call.Hangup(ctx)
}

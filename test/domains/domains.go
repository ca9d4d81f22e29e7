// Package domains gives the edge of a running pair a second edge domain with a
// name and a certificate of its own, set up live through the shell, and holds
// that clients of both domains are served under their own name. Tests and
// cmd/lab call it.
package domains

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
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
		`xCommand DomainAdd Name: `+Domain+` Edgesip: On Edgexmpp: On`,
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
	return deploy.Type(ctx, p.Edge, `xCommand DomainAdd Name: `+Domain+` Edgesip: On Edgexmpp: On`)
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

// A Listener is a port of edge where clients look at its certificate.
type Listener struct {
	Port  uint16
	Hello func(net.Conn) error // what comes before TLS; nil: nothing
	ALPN  []string
}

// Listeners are all of them: SIP, HTTPS, chat and TURN.
func Listeners() []Listener {
	return []Listener{
		{Port: 5061}, {Port: 8443}, {Port: 5222, Hello: startTLS(pair.Domain)},
		{Port: turnPort}, {Port: turnPort, ALPN: []string{"stun.turn"}},
	}
}

const turnPort = 3478

// startTLS asks for TLS in a chat stream to a domain.
func startTLS(domain string) func(net.Conn) error {
	return func(c net.Conn) error {
		_, err := fmt.Fprintf(c, "<?xml version='1.0'?><stream:stream to='%s' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>", domain)
		if err == nil {
			err = until(c, "</stream:features>")
		}
		if err == nil {
			_, err = fmt.Fprint(c, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
		}
		if err == nil {
			err = until(c, "/>")
		}
		return err
	}
}

// until reads up to a word, and nothing behind it.
func until(c net.Conn, word string) error {
	var got []byte
	b := make([]byte, 1)
	for !bytes.HasSuffix(got, []byte(word)) {
		if _, err := c.Read(b); err != nil || len(got) > 4096 {
			return fmt.Errorf("%q: %w", got, err)
		}
		got = append(got, b...)
	}
	return nil
}

// Names holds that each listener shows who asks for a name of either domain the
// certificate of that domain, who asks for another name the node's own, and that
// a chat client that asks for none is told by its stream's domain.
func Names(ctx context.Context, p *pair.Pair) error {
	if err := deploy.Type(ctx, p.Edge, "xConfiguration Traversal Server TURN Mode: On"); err != nil {
		return err
	}
	var errs []error
	for _, l := range Listeners() {
		for name, want := range map[string]string{EdgeName: EdgeName, pair.EdgeName: pair.EdgeName, "stranger.example.net": pair.EdgeName} {
			errs = append(errs, Shown(ctx, p, l, name, want))
		}
	}
	for domain, want := range map[string]string{Domain: EdgeName, pair.Domain: pair.EdgeName} {
		errs = append(errs, Shown(ctx, p, Listener{Port: 5222, Hello: startTLS(domain)}, "", want))
	}
	return errors.Join(append(errs, deploy.Type(ctx, p.Edge, "xConfiguration Traversal Server TURN Mode: Off"))...)
}

// Shown holds that a listener of edge shows who asks for a name a certificate
// that bears want and chains to the pair's authority.
func Shown(ctx context.Context, p *pair.Pair, l Listener, name, want string) error {
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp", netip.AddrPortFrom(p.Outer, l.Port).String())
	if err != nil {
		return err
	}
	defer raw.Close()
	if until, ok := ctx.Deadline(); ok {
		raw.SetDeadline(until)
	}
	if l.Hello != nil {
		if err := l.Hello(raw); err != nil {
			return fmt.Errorf("port %d: %w", l.Port, err)
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(p.CA)
	c := tls.Client(raw, &tls.Config{ServerName: name, NextProtos: l.ALPN, InsecureSkipVerify: true, VerifyConnection: func(cs tls.ConnectionState) error {
		_, err := cs.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: want})
		return err
	}})
	if err := c.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("port %d for %q: %w", l.Port, name, err)
	}
	if names := c.ConnectionState().PeerCertificates[0].DNSNames; !slices.Contains(names, want) {
		return fmt.Errorf("port %d for %q shows %v, want %s", l.Port, name, names, want)
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

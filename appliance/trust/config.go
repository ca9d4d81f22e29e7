package trust

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/netip"
)

// ErrNoCertificate is what a handshake fails with while no server certificate
// is installed.
var ErrNoCertificate = errors.New("no server certificate is installed")

// ServerConfig returns the config for listeners of a purpose. It may be kept
// for as long as the listener lives: each handshake uses the certificate, CA
// list and policy of its own moment.
func (t *Trust) ServerConfig(p Purpose) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, // the real floor is the policy's, in the live config
		Time:       t.clock,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			l := t.live.Load()
			if l.cert == nil {
				return nil, ErrNoCertificate
			}
			if cert := t.pick(l, hello.ServerName); cert != nil && l.policies[p].Domains {
				c := l.server[p].Clone()
				c.Certificates = []tls.Certificate{*cert}
				return c, nil
			}
			return l.server[p], nil
		},
	}
}

// buildServer makes the config that handshakes of one purpose use.
func (t *Trust) buildServer(p Purpose, l *live) *tls.Config {
	pol := l.policies[p]
	c := &tls.Config{
		MinVersion:                  pol.minVersion(),
		MaxVersion:                  pol.MaxVersion,
		NextProtos:                  pol.NextProtos,
		SessionTicketsDisabled:      pol.NoTickets,
		Time:                        t.clock,
		DynamicRecordSizingDisabled: true, // else the first writes are cut to one record per segment
	}
	if l.cert != nil {
		c.Certificates = []tls.Certificate{*l.cert}
	}
	switch pol.ClientCert {
	case ClientCertAsk:
		c.ClientAuth = tls.RequestClientCert
		if p == HTTPSOutside { // devices only: a browser shall not ask its user for a certificate
			c.ClientCAs = l.devices
		}
	case ClientCertRequire:
		c.ClientAuth = tls.RequireAnyClientCert
		c.ClientCAs = l.roots // tells the client which authorities will do
		c.VerifyConnection = func(cs tls.ConnectionState) error {
			return t.verifyChain(p, x509.ExtKeyUsageClientAuth, cs)
		}
	}
	return c
}

// ClientConfig returns the config for connections to one peer. The peer must
// chain to the CA list and carry peerName, a DNS name or an IP address, in its
// subject alternative names; an empty peerName matches no certificate. Our own
// certificate is shown to a peer that asks for one.
func (t *Trust) ClientConfig(p Purpose, peerName string) *tls.Config {
	c := t.clientConfig(p)
	if _, err := netip.ParseAddr(peerName); err != nil {
		c.ServerName = peerName
	}
	c.VerifyConnection = func(cs tls.ConnectionState) error { return t.verifyPeer(p, x509.ExtKeyUsageServerAuth, cs, peerName) }
	return c
}

// UnverifiedClientConfig returns a config that accepts any certificate: for
// zones whose TLS verify mode an operator has set to Off, and nothing else.
func (t *Trust) UnverifiedClientConfig(p Purpose, serverName string) *tls.Config {
	c := t.clientConfig(p)
	if _, err := netip.ParseAddr(serverName); err != nil {
		c.ServerName = serverName
	}
	return c
}

func (t *Trust) clientConfig(p Purpose) *tls.Config {
	pol := t.live.Load().policies[p]
	return &tls.Config{
		MinVersion:                  pol.minVersion(),
		MaxVersion:                  pol.MaxVersion,
		NextProtos:                  pol.NextProtos,
		Time:                        t.clock,
		DynamicRecordSizingDisabled: true,
		InsecureSkipVerify:          true, // VerifyConnection does it, with the list of the moment
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if c := t.live.Load().cert; c != nil && !pol.Public {
				return c, nil
			}
			return &tls.Certificate{}, nil
		},
	}
}

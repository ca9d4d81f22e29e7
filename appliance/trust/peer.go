package trust

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// NameError says that a certificate, valid in itself, is not the expected
// peer's. Its first words are those of the replaced product, which operators
// search their logs for.
type NameError struct {
	Want string   // the name that was expected
	Have []string // the names the certificate carries
}

// Unacceptable is how the far end is told that its name did not match.
const Unacceptable = "Peer's TLS certificate identity was unacceptable"

func (e *NameError) Error() string {
	have := "no subject alternative name"
	if len(e.Have) > 0 {
		have = strings.Join(e.Have, ", ")
	}
	if e.Want == "" {
		return Unacceptable + ": no name to expect is configured; the certificate names " + have
	}
	return Unacceptable + ": expected " + e.Want + ", the certificate names " + have
}

// ValidityError says that a peer's certificate is outside its time.
type ValidityError struct {
	Subject             string
	NotBefore, NotAfter time.Time
	Now                 time.Time
}

func (e *ValidityError) Error() string {
	const day = "2006-01-02 15:04:05 MST"
	if e.Now.After(e.NotAfter) {
		return fmt.Sprintf("the peer's certificate (%s) expired on %s", e.Subject, e.NotAfter.UTC().Format(day))
	}
	return fmt.Sprintf("the peer's certificate (%s) is not valid before %s; our clock says %s",
		e.Subject, e.NotBefore.UTC().Format(day), e.Now.UTC().Format(day))
}

// ErrNoPeerCertificate says that the peer showed no certificate.
var ErrNoPeerCertificate = errors.New("the peer showed no certificate")

// VerifyPeerName checks that a certificate names want, a DNS name or an IP
// address. Only subject alternative names count: the common name is ignored,
// and a wildcard matches nothing.
func VerifyPeerName(cert *x509.Certificate, want string) error {
	return verifyName(cert, want, false)
}

func verifyName(cert *x509.Certificate, want string, wildcards bool) error {
	if addr, err := netip.ParseAddr(strings.Trim(want, "[]")); err == nil {
		for _, ip := range cert.IPAddresses {
			if a, ok := netip.AddrFromSlice(ip); ok && a.Unmap() == addr.Unmap() {
				return nil
			}
		}
		return &NameError{want, Names(cert)}
	}
	name := canonicalName(want)
	for _, san := range cert.DNSNames {
		if name != "" && matches(canonicalName(san), name, wildcards) {
			return nil
		}
	}
	return &NameError{want, Names(cert)}
}

func matches(san, name string, wildcards bool) bool {
	if !strings.Contains(san, "*") {
		return san == name
	}
	rest, ok := strings.CutPrefix(san, "*.")
	_, parent, dot := strings.Cut(name, ".")
	return wildcards && ok && dot && strings.Contains(rest, ".") && rest == parent
}

func canonicalName(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }

// Names lists the DNS names and IP addresses that a certificate carries.
func Names(cert *x509.Certificate) []string {
	names := append([]string(nil), cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// VerifyPeer checks the peer of a finished handshake as this purpose's own
// handshakes would: chain, time and, unless name is empty, the name. It serves
// listeners that ask for a certificate and decide later.
func (t *Trust) VerifyPeer(p Purpose, cs tls.ConnectionState, name string) error {
	if name == "" {
		return t.verifyChain(p, x509.ExtKeyUsageClientAuth, cs)
	}
	return t.verifyPeer(p, x509.ExtKeyUsageClientAuth, cs, name)
}

func (t *Trust) verifyPeer(p Purpose, usage x509.ExtKeyUsage, cs tls.ConnectionState, name string) error {
	if err := t.verifyChain(p, usage, cs); err != nil {
		return err
	}
	return verifyName(cs.PeerCertificates[0], name, t.live.Load().policies[p].Wildcards)
}

// verifyChain accepts what chains to the CA list of this moment. A certificate
// that is itself in the list is trusted, as operators do with self-signed ones.
func (t *Trust) verifyChain(p Purpose, usage x509.ExtKeyUsage, cs tls.ConnectionState) error {
	if len(cs.PeerCertificates) == 0 {
		return ErrNoPeerCertificate
	}
	l, now := t.live.Load(), t.clock()
	opts := x509.VerifyOptions{Roots: l.roots, CurrentTime: now, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{usage}}
	if l.policies[p].EitherUsage {
		opts.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	}
	for _, c := range cs.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	leaf := cs.PeerCertificates[0]
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return &ValidityError{subject(leaf), leaf.NotBefore, leaf.NotAfter, now}
	}
	_, err := leaf.Verify(opts)
	if err != nil && l.policies[p].Public {
		opts.Roots = nil // the machine's
		if _, public := leaf.Verify(opts); public == nil {
			return nil
		}
	}
	return explainChain(leaf, err)
}

// explainChain says in plain words what an operator can do about it.
func explainChain(leaf *x509.Certificate, err error) error {
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return fmt.Errorf("the peer's certificate (%s, issued by %s) comes from an authority that is not in the trusted CA list: %w",
			subject(leaf), leaf.Issuer.CommonName, err)
	}
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage {
		return fmt.Errorf("the peer's certificate (%s) was not issued for this use (extended key usage): %w", subject(leaf), err)
	}
	return err
}

// subject names a certificate for people: its first SAN, else its CN.
func subject(c *x509.Certificate) string {
	if names := Names(c); len(names) > 0 {
		return names[0]
	}
	if c.Subject.CommonName != "" {
		return c.Subject.CommonName
	}
	return "serial " + c.SerialNumber.String()
}

package trust

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A certificate of a domain is shown to clients that ask for a name of that
// domain (SNI, RFC 6066 3), in place of the server certificate: one node may
// serve several domains under a name in each. Its files stand beside those of
// the server certificate.
const (
	domainPrefix  = "domain-"
	domainSuffix  = ".pem"
	pendingSuffix = ".pending"

	// maxDomains is as many as the configuration has room for.
	maxDomains = 200
)

// A DomainCertificate is one domain's place in the store.
type DomainCertificate struct {
	Domain  string
	Leaf    *x509.Certificate // nil while none is installed
	Pending bool              // a signing request waits for its certificate
}

// domainCert is what handshakes read; cert is nil while none is installed.
type domainCert struct {
	name string
	cert *tls.Certificate
}

// Domains lists the domains that have a place for a certificate, sorted.
func (t *Trust) Domains() (out []DomainCertificate) {
	for _, d := range t.live.Load().domains {
		c := DomainCertificate{Domain: d.name}
		if d.cert != nil {
			c.Leaf = d.cert.Leaf
		}
		_, err := os.Stat(filepath.Join(t.dir, pendingOf(d.name)))
		c.Pending = err == nil
		out = append(out, c)
	}
	return out
}

// CreateDomain makes a place for a domain's certificate.
func (t *Trust) CreateDomain(domain string) error {
	domain, err := checkDomain(domain)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch _, known := t.domainLocked(domain); {
	case known:
		return fmt.Errorf("domain %s has a place already", domain)
	case len(t.domains) >= maxDomains:
		return fmt.Errorf("%d domains are the most", maxDomains)
	}
	return t.storeDomainLocked(domain, nil, nil)
}

// DeleteDomain forgets a domain with its certificate, key and signing request.
func (t *Trust) DeleteDomain(domain string) error {
	domain = canonicalName(domain)
	t.mu.Lock()
	defer t.mu.Unlock()
	i, known := t.domainLocked(domain)
	if !known {
		return noDomain(domain)
	}
	if err := errors.Join(t.removeFile(domainFile(domain)), t.removeFile(pendingOf(domain))); err != nil {
		return err
	}
	t.domains = slices.Delete(slices.Clone(t.domains), i, i+1)
	t.republishLocked()
	return nil
}

// GenerateDomainCSR makes a new key and a signing request for a domain.
func (t *Trust) GenerateDomainCSR(domain string, r Request) ([]byte, error) {
	csr, pending, err := r.generate()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.domainLocked(canonicalName(domain)); !known {
		return nil, noDomain(domain)
	}
	return csr, t.writeFile(pendingOf(canonicalName(domain)), pending)
}

// PendingDomainCSR is the request whose certificate is not installed yet, nil
// when there is none.
func (t *Trust) PendingDomainCSR(domain string) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.domainLocked(canonicalName(domain)); !known {
		return nil, noDomain(domain)
	}
	return requestIn(t.readFile(pendingOf(canonicalName(domain))))
}

// DiscardDomainCSR forgets a domain's pending request and its key.
func (t *Trust) DiscardDomainCSR(domain string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.domainLocked(canonicalName(domain)); !known {
		return noDomain(domain)
	}
	return t.removeFile(pendingOf(canonicalName(domain)))
}

// InstallDomain makes a certificate chain a domain's, in use at once. It must
// bear the domain or a name in it, since it would be shown to nobody otherwise.
// Without keyPEM the key is that of the pending request, or the present one.
func (t *Trust) InstallDomain(domain string, certPEM, keyPEM []byte) error {
	domain = canonicalName(domain)
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.domainLocked(domain); !known {
		return noDomain(domain)
	}
	cert, keyPEM, err := t.pairLocked(certPEM, keyPEM, pendingOf(domain), domainFile(domain))
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(cert.Leaf.DNSNames, func(n string) bool { return within(strings.TrimPrefix(n, "*."), domain) }) {
		return fmt.Errorf("the certificate bears neither %s nor a name in it", domain)
	}
	if err := t.storeDomainLocked(domain, cert, keyPEM); err != nil {
		return err
	}
	return t.dropPendingLocked(pendingOf(domain), cert)
}

// RemoveDomainCertificate takes a domain's certificate out of use; its place
// stays.
func (t *Trust) RemoveDomainCertificate(domain string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, known := t.domainLocked(canonicalName(domain))
	switch {
	case !known:
		return noDomain(domain)
	case t.domains[i].cert == nil:
		return fmt.Errorf("domain %s has no certificate", domain)
	}
	return t.storeDomainLocked(t.domains[i].name, nil, nil)
}

// DomainChain is a domain's certificate and its intermediates in PEM, nil when
// none is installed.
func (t *Trust) DomainChain(domain string) ([]byte, error) {
	for _, d := range t.live.Load().domains {
		if d.name != canonicalName(domain) {
			continue
		}
		var out []byte
		if d.cert != nil {
			for _, der := range d.cert.Certificate {
				out = append(out, encodeCertificate(der)...)
			}
		}
		return out, nil
	}
	return nil, noDomain(domain)
}

// Bears tells whether the node can show a certificate that bears a host name.
func (t *Trust) Bears(host string) bool {
	l := t.live.Load()
	return l.domainFor(host) != nil || l.cert != nil && l.cert.Leaf.VerifyHostname(host) == nil
}

// BearsDomain tells whether a certificate of the node bears a domain, itself or
// by a name in it.
func (t *Trust) BearsDomain(domain string) bool {
	l := t.live.Load()
	bears := func(c *tls.Certificate) bool {
		return c != nil && slices.ContainsFunc(c.Leaf.DNSNames, func(n string) bool {
			return within(strings.TrimPrefix(strings.ToLower(n), "*."), canonicalName(domain))
		})
	}
	return bears(l.cert) || slices.ContainsFunc(l.domains, func(d domainCert) bool { return bears(d.cert) })
}

// DomainFindings judges the certificates of domains. The subject of a finding is
// the domain.
func (t *Trust) DomainFindings(now time.Time) (out []Finding) {
	for _, d := range t.live.Load().domains {
		if d.cert == nil {
			continue
		}
		for _, f := range validity(d.cert.Leaf, now, SoonDefault) {
			out = append(out, Finding{f.Kind, d.name, "Domain " + d.name + ": " + f.Detail})
		}
	}
	return out
}

// domainFor is the certificate of a domain that bears a host, of the closest
// domain; nil where none does.
func (l *live) domainFor(host string) *tls.Certificate {
	host = canonicalName(host)
	var best domainCert
	for _, d := range l.domains {
		if d.cert != nil && within(host, d.name) && len(d.name) > len(best.name) && d.cert.Leaf.VerifyHostname(host) == nil {
			best = d
		}
	}
	return best.cert
}

// pick chooses what a client that asks for a name is shown: the certificate of
// its domain, unless only the server certificate is good for the name.
func (t *Trust) pick(l *live, host string) *tls.Certificate {
	d := l.domainFor(host)
	now := t.clock()
	good := func(c *tls.Certificate) bool {
		return c != nil && c.Leaf.VerifyHostname(canonicalName(host)) == nil && now.After(c.Leaf.NotBefore) && now.Before(c.Leaf.NotAfter)
	}
	if d != nil && !good(d) && good(l.cert) {
		return nil
	}
	return d
}

// within tells whether a name is a domain's or below it.
func within(name, domain string) bool { return name == domain || strings.HasSuffix(name, "."+domain) }

func noDomain(domain string) error {
	return fmt.Errorf("there is no domain %s: domain_create makes a place for its certificate", domain)
}

func checkDomain(domain string) (string, error) {
	domain = canonicalName(strings.TrimSpace(domain))
	if !validName(domain) || strings.HasPrefix(domain, "*.") || !strings.Contains(domain, ".") || len(domain) > 200 {
		return "", fmt.Errorf("%q is no domain", domain)
	}
	return domain, nil
}

func domainFile(domain string) string { return domainPrefix + domain + domainSuffix }
func pendingOf(domain string) string  { return domainPrefix + domain + pendingSuffix }

// domainLocked finds a domain; the caller holds mu.
func (t *Trust) domainLocked(domain string) (int, bool) {
	return slices.BinarySearchFunc(t.domains, domain, func(d domainCert, name string) int { return strings.Compare(d.name, name) })
}

// storeDomainLocked writes a domain's file and makes it live. A place without a
// certificate is an empty file.
func (t *Trust) storeDomainLocked(domain string, cert *tls.Certificate, keyPEM []byte) error {
	var text []byte
	if cert != nil {
		text = encodePair(cert, keyPEM)
	}
	if err := t.writeFile(domainFile(domain), text); err != nil {
		return err
	}
	domains := slices.Clone(t.domains)
	i, known := t.domainLocked(domain)
	if known {
		domains[i].cert = cert
	} else {
		domains = slices.Insert(domains, i, domainCert{domain, cert})
	}
	t.domains = domains
	t.republishLocked()
	return nil
}

func (t *Trust) republishLocked() {
	l := t.live.Load()
	t.publishLocked(l.cert, l.cas)
}

// readDomains reads every domain's file. A damaged one leaves its domain without
// a certificate and is in the error.
func (t *Trust) readDomains() (out []domainCert, err error) {
	files, err := filepath.Glob(filepath.Join(t.dir, domainPrefix+"*"+domainSuffix))
	var errs []error
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), domainPrefix), domainSuffix)
		if _, err := checkDomain(name); err != nil || len(out) == maxDomains {
			continue
		}
		d := domainCert{name: name}
		b, err := t.readFile(filepath.Base(file))
		if len(b) > 0 && err == nil {
			d.cert, err = parsePair(b, b)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("trust: %s: %w", filepath.Base(file), err))
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b domainCert) int { return strings.Compare(a.name, b.name) })
	return out, errors.Join(append(errs, err)...)
}

package trust

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

const (
	serverFile  = "server.pem"
	pendingFile = "pending.pem"
	caFile      = "ca.pem"
	nodeFile    = "node.pem"
	samlFile    = "saml.pem"
)

// Trust is one node's certificates and keys. All methods may be called from
// any goroutine.
type Trust struct {
	dir   string
	clock func() time.Time

	mu       sync.Mutex // serialises writers: files first, then live
	policies [purposes]Policy
	domains  []domainCert        // sorted by name; replaced as a whole
	makers   []*x509.Certificate // manufacturers' authorities; replaced as a whole
	live     atomic.Pointer[live]
}

// live is what handshakes read: immutable, replaced as a whole.
type live struct {
	cert     *tls.Certificate // nil when none is installed
	cas      []*x509.Certificate
	roots    *x509.CertPool
	domains  []domainCert // sorted by name
	makers   []*x509.Certificate
	devices  *x509.CertPool // of makers
	policies [purposes]Policy
	server   [purposes]*tls.Config
}

// Open reads the directory, which is made when it does not exist. A missing or
// damaged certificate is no error, since the node must come up to be given a
// new one: handshakes that need it fail until then, and Findings says so. clock
// nil means time.Now.
func Open(dir string, clock func() time.Time) (*Trust, error) {
	if clock == nil {
		clock = time.Now
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("trust: %w", err)
	}
	t := &Trust{dir: dir, clock: clock, policies: defaultPolicies()}
	cert, _ := t.readServer()
	cas, _ := t.readCAs()
	t.domains, _ = t.readDomains()
	t.makers, _ = t.readManufacturers()
	t.publishLocked(cert, cas) // nobody else knows t yet
	return t, nil
}

// Reload reads the files again, for a directory that something else wrote to.
// On an error the former certificates stay in use.
func (t *Trust) Reload() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	cert, err := t.readServer()
	if err != nil {
		return err
	}
	cas, err := t.readCAs()
	if err != nil {
		return err
	}
	domains, err := t.readDomains()
	if err != nil {
		return err
	}
	makers, err := t.readManufacturers()
	if err != nil {
		return err
	}
	t.domains, t.makers = domains, makers
	t.publishLocked(cert, cas)
	return nil
}

// Certificate returns the server certificate, nil when none is installed.
func (t *Trust) Certificate() *x509.Certificate {
	if c := t.live.Load().cert; c != nil {
		return c.Leaf
	}
	return nil
}

// Chain returns the server certificate and its intermediates, leaf first.
func (t *Trust) Chain() []*x509.Certificate {
	c := t.live.Load().cert
	if c == nil {
		return nil
	}
	chain := make([]*x509.Certificate, 0, len(c.Certificate))
	for _, der := range c.Certificate {
		if x, err := x509.ParseCertificate(der); err == nil {
			chain = append(chain, x)
		}
	}
	return chain
}

// CAs returns the trusted authorities in the order they were installed.
func (t *Trust) CAs() []*x509.Certificate {
	return append([]*x509.Certificate(nil), t.live.Load().cas...)
}

// publishLocked makes a new set live. Handshakes that are under way finish
// with the old one.
func (t *Trust) publishLocked(cert *tls.Certificate, cas []*x509.Certificate) {
	l := &live{
		cert: cert, cas: cas, roots: x509.NewCertPool(), domains: t.domains, policies: t.policies,
		makers: t.makers, devices: x509.NewCertPool(),
	}
	for _, ca := range t.makers {
		l.devices.AddCert(ca)
	}
	for _, ca := range cas {
		l.roots.AddCert(ca)
	}
	for p := range Purpose(purposes) {
		l.server[p] = t.buildServer(p, l)
	}
	t.live.Store(l)
}

func (t *Trust) readServer() (*tls.Certificate, error) {
	b, err := t.readFile(serverFile)
	if b == nil || err != nil {
		return nil, err
	}
	cert, err := parsePair(b, b)
	if err != nil {
		return nil, fmt.Errorf("trust: %s: %w", serverFile, err)
	}
	return cert, nil
}

func (t *Trust) readCAs() ([]*x509.Certificate, error) {
	b, err := t.readFile(caFile)
	if b == nil || err != nil {
		return nil, err
	}
	cas, err := parseCertificates(b)
	if err != nil {
		return nil, fmt.Errorf("trust: %s: %w", caFile, err)
	}
	return cas, nil
}

// readFile returns nil without an error when the file does not exist.
func (t *Trust) readFile(name string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(t.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("trust: %w", err)
	}
	return b, nil
}

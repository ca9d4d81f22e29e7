package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// CA is a private authority for the lab and for tests. It lives in memory and
// is no part of a node.
type CA struct {
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	clock func() time.Time
}

// IssueOptions say what a certificate is for. With neither Client nor Server
// set it serves both. Zero times mean from an hour ago for a year.
type IssueOptions struct {
	CommonName          string // the first name when empty
	Names               []string
	IPs                 []string
	Client, Server      bool
	NotBefore, NotAfter time.Time
}

// NewCA makes an authority. clock nil means time.Now.
func NewCA(name string, clock func() time.Time) (*CA, error) {
	if clock == nil {
		clock = time.Now
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("ca key: %w", err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name},
		NotBefore: clock().Add(-24 * time.Hour), NotAfter: clock().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("ca certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	return &CA{cert, key, clock}, err
}

// PEM returns the authority's own certificate.
func (c *CA) PEM() []byte { return encodeCertificate(c.cert.Raw) }

// Certificate returns the authority's own certificate.
func (c *CA) Certificate() *x509.Certificate { return c.cert }

// Issue makes a key and a certificate for it.
func (c *CA) Issue(o IssueOptions) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("new key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("new key: %w", err)
	}
	certPEM, err = c.sign(o, key.Public())
	return certPEM, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

// Sign issues the certificate that a signing request asks for.
func (c *CA) Sign(csrPEM []byte, o IssueOptions) ([]byte, error) {
	block, _ := pem.Decode(csrPEM)
	if block == nil {
		return nil, errors.New("the file holds no PEM signing request")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("signing request: %w", err)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("signing request: %w", err)
	}
	o.CommonName = csr.Subject.CommonName
	o.Names = append(o.Names, csr.DNSNames...)
	for _, ip := range csr.IPAddresses {
		o.IPs = append(o.IPs, ip.String())
	}
	return c.sign(o, csr.PublicKey)
}

func (c *CA) sign(o IssueOptions, public any) ([]byte, error) {
	dns, ips, err := splitNames(append(append([]string(nil), o.Names...), o.IPs...))
	if err != nil {
		return nil, err
	}
	now := c.clock()
	tmpl := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: o.CommonName},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: dns, IPAddresses: ips,
	}
	if o.CommonName == "" && len(o.Names) > 0 {
		tmpl.Subject.CommonName = o.Names[0]
	}
	if !o.NotBefore.IsZero() {
		tmpl.NotBefore = o.NotBefore
	}
	if !o.NotAfter.IsZero() {
		tmpl.NotAfter = o.NotAfter
	}
	if o.Server || !o.Client {
		tmpl.ExtKeyUsage = append(tmpl.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	if o.Client || !o.Server {
		tmpl.ExtKeyUsage = append(tmpl.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, c.cert, public, c.key)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return encodeCertificate(der), nil
}

// serial is random: nothing counts, so nothing has to be kept.
func serial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b) // never fails
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}

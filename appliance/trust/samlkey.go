package trust

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"
)

// samlYears is how long the certificate of the SAML key holds: identity
// providers know the key by it, and nobody checks who signed it.
const samlYears = 10

// SAMLKey returns the RSA key by which this node signs its questions to SAML
// identity providers, and a certificate that it signed itself. Both are made at
// the first call, which takes some hundred milliseconds, and kept from then on.
func (t *Trust) SAMLKey(rand io.Reader) (*rsa.PrivateKey, *x509.Certificate, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b, err := t.readFile(samlFile)
	if err != nil {
		return nil, nil, err
	}
	if b == nil {
		if b, err = newSAMLKey(rand, t.clock()); err != nil {
			return nil, nil, fmt.Errorf("trust: SAML key: %w", err)
		}
		if err := t.writeFile(samlFile, b); err != nil {
			return nil, nil, err
		}
	}
	return readSAMLKey(b)
}

func readSAMLKey(b []byte) (*rsa.PrivateKey, *x509.Certificate, error) {
	signer, err := parseKey(b)
	if err != nil {
		return nil, nil, fmt.Errorf("trust: %s: %w", samlFile, err)
	}
	key, ok := signer.(*rsa.PrivateKey)
	if !ok {
		return nil, nil, errors.New("trust: " + samlFile + ": not an RSA key")
	}
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			c, err := x509.ParseCertificate(block.Bytes)
			return key, c, err
		}
	}
	return nil, nil, errors.New("trust: " + samlFile + ": no certificate")
}

func newSAMLKey(rand io.Reader, now time.Time) ([]byte, error) {
	key, err := rsa.GenerateKey(rand, 2048)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "sallyport SAML"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(samlYears, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	cert, err := x509.CreateCertificate(rand, c, c, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	out := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})...), nil
}

package trust

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// Limits of what an operator may install, so that a wrong file cannot fill
// the disk or a handshake.
const (
	maxPEM   = 1 << 20
	maxChain = 10
	maxCAs   = 1000
)

// ErrKeyMismatch says that a certificate and a private key do not belong
// together.
var ErrKeyMismatch = errors.New("the private key does not belong to the certificate")

// InstallServer makes a certificate chain (leaf first) the server certificate.
// keyPEM may be empty: then the key of the pending signing request is used, or
// the present key when the certificate renews it. New handshakes use it at
// once; connections that are up go on.
func (t *Trust) InstallServer(certPEM, keyPEM []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	cert, keyPEM, err := t.pairLocked(certPEM, keyPEM, pendingFile, serverFile)
	if err != nil {
		return err
	}
	if err := t.writeFile(serverFile, encodePair(cert, keyPEM)); err != nil {
		return err
	}
	t.publishLocked(cert, t.live.Load().cas)
	return t.dropPendingLocked(pendingFile, cert)
}

// pairLocked finds the key that belongs to the certificate: the one given, or
// one of the files.
func (t *Trust) pairLocked(certPEM, keyPEM []byte, files ...string) (*tls.Certificate, []byte, error) {
	if len(certPEM) > maxPEM || len(keyPEM) > maxPEM {
		return nil, nil, fmt.Errorf("file is larger than %d bytes", maxPEM)
	}
	if len(keyPEM) > 0 {
		cert, err := parsePair(certPEM, keyPEM)
		return cert, keyPEM, err
	}
	var errs error = errors.New("no private key given")
	for _, name := range files {
		key, err := t.readFile(name)
		if key == nil || err != nil {
			continue
		}
		cert, err := parsePair(certPEM, key)
		if err == nil {
			return cert, key, nil
		}
		errs = err
	}
	return nil, nil, errs
}

// dropPendingLocked forgets the signing request once its certificate is in.
func (t *Trust) dropPendingLocked(file string, cert *tls.Certificate) error {
	b, err := t.readFile(file)
	if b == nil || err != nil {
		return err
	}
	key, err := parseKey(b)
	if err != nil || !samePublic(key.Public(), cert.Leaf.PublicKey) {
		return nil
	}
	return t.removeFile(file)
}

// InstallCA adds every certificate of the bundle to the trusted authorities.
// Those that are already there, by fingerprint, are left as they are; two
// authorities of the same name are two authorities.
func (t *Trust) InstallCA(bundle []byte) error {
	if len(bundle) > maxPEM {
		return fmt.Errorf("file is larger than %d bytes", maxPEM)
	}
	add, err := parseCertificates(bundle)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.live.Load()
	cas, known := append([]*x509.Certificate(nil), l.cas...), map[string]bool{}
	for _, c := range cas {
		known[Fingerprint(c)] = true
	}
	for _, c := range add {
		if fp := Fingerprint(c); !known[fp] {
			known[fp] = true
			cas = append(cas, c)
		}
	}
	return t.storeCAsLocked(cas)
}

// RemoveCA takes the authority with this fingerprint off the list.
func (t *Trust) RemoveCA(fingerprint string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var cas []*x509.Certificate
	for _, c := range t.live.Load().cas {
		if Fingerprint(c) != fingerprint {
			cas = append(cas, c)
		}
	}
	if len(cas) == len(t.live.Load().cas) {
		return fmt.Errorf("no trusted authority has the fingerprint %s", fingerprint)
	}
	return t.storeCAsLocked(cas)
}

func (t *Trust) storeCAsLocked(cas []*x509.Certificate) error {
	if len(cas) > maxCAs {
		return fmt.Errorf("the CA list holds at most %d certificates", maxCAs)
	}
	var b bytes.Buffer
	for _, c := range cas {
		// Quoted: a subject with line ends must not become a line of this file.
		fmt.Fprintf(&b, "# %q\n# issued by %q\n# SHA-256 %s\n", c.Subject.String(), c.Issuer.String(), Fingerprint(c))
		b.Write(encodeCertificate(c.Raw))
	}
	if err := t.writeFile(caFile, b.Bytes()); err != nil {
		return err
	}
	t.publishLocked(t.live.Load().cert, cas)
	return nil
}

// Fingerprint is a certificate's SHA-256 in lower-case hex, the key of the CA
// list.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// parsePair reads a chain and its key; both may stand in the same text.
func parsePair(certPEM, keyPEM []byte) (*tls.Certificate, error) {
	chain, err := parseCertificates(certPEM)
	if err != nil {
		return nil, err
	}
	if len(chain) > maxChain {
		return nil, fmt.Errorf("the chain has %d certificates; at most %d are allowed", len(chain), maxChain)
	}
	key, err := parseKey(keyPEM)
	if err != nil {
		return nil, err
	}
	if !samePublic(key.Public(), chain[0].PublicKey) {
		return nil, ErrKeyMismatch
	}
	cert := &tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, c := range chain {
		cert.Certificate = append(cert.Certificate, c.Raw)
	}
	return cert, nil
}

func parseCertificates(b []byte) ([]*x509.Certificate, error) {
	var list []*x509.Certificate
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of the file: %w", len(list)+1, err)
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, errors.New("the file holds no PEM certificate")
	}
	return list, nil
}

func parseKey(b []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "PRIVATE KEY":
			k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			return signer(k, err)
		case "EC PRIVATE KEY":
			k, err := x509.ParseECPrivateKey(block.Bytes)
			return signer(k, err)
		case "RSA PRIVATE KEY":
			k, err := x509.ParsePKCS1PrivateKey(block.Bytes)
			return signer(k, err)
		case "ENCRYPTED PRIVATE KEY":
			return nil, errors.New("the private key is encrypted; remove its password first")
		}
	}
	return nil, errors.New("the file holds no PEM private key")
}

// signer never repeats key bytes in an error.
func signer(k any, err error) (crypto.Signer, error) {
	if err != nil {
		return nil, errors.New("the private key cannot be read")
	}
	switch k := k.(type) {
	case *ecdsa.PrivateKey:
		return k, nil
	case *rsa.PrivateKey:
		return k, nil
	case ed25519.PrivateKey:
		return k, nil
	}
	return nil, errors.New("the private key is of a kind that TLS does not use")
}

func samePublic(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

func encodePair(c *tls.Certificate, keyPEM []byte) []byte {
	key, _ := parseKey(keyPEM) // it was parsed a moment ago
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic("trust: a key that was read cannot be written: " + err.Error())
	}
	out := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	for _, raw := range c.Certificate {
		out = append(out, encodeCertificate(raw)...)
	}
	return out
}

func encodeCertificate(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// maxSANs bounds the text of all names of a request: longer lists have been
// seen to break the far end's parsers.
const maxSANs = 4096

// Request describes a certificate that an authority is asked for. Names holds
// DNS names and IP addresses alike; CommonName is added to them, since only
// subject alternative names count.
type Request struct {
	CommonName                       string
	Names                            []string
	Country, State, Locality         string
	Organization, OrganizationalUnit string
	RSABits                          int    // 0 means an ECDSA P-256 key
	Digest                           string // sha256, sha384 or sha512; "" leaves it to the key
}

// GenerateCSR makes a new key and a signing request for it. The key waits in
// the directory until the signed certificate is installed; the certificate in
// use is not touched. A new request replaces an older pending one.
func (t *Trust) GenerateCSR(r Request) ([]byte, error) {
	csr, pending, err := r.generate()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return csr, t.writeFile(pendingFile, pending)
}

// generate makes a key and a request for it; pending is both, as they are kept.
func (r Request) generate() (csr, pending []byte, err error) {
	tmpl, err := r.template()
	if err != nil {
		return nil, nil, err
	}
	key, err := r.newKey()
	if err != nil {
		return nil, nil, fmt.Errorf("new key: %w", err)
	}
	if tmpl.SignatureAlgorithm, err = r.algorithm(key); err != nil {
		return nil, nil, err
	}
	raw, err := x509.CreateCertificateRequest(rand.Reader, tmpl, key)
	if err != nil {
		return nil, nil, fmt.Errorf("signing request: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("new key: %w", err)
	}
	csr = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: raw})
	return csr, append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), csr...), nil
}

// algorithm is what the request is signed with: 0 leaves it to the key.
func (r Request) algorithm(key crypto.Signer) (x509.SignatureAlgorithm, error) {
	if r.Digest == "" {
		return 0, nil
	}
	known := map[string][2]x509.SignatureAlgorithm{
		"sha256": {x509.SHA256WithRSA, x509.ECDSAWithSHA256},
		"sha384": {x509.SHA384WithRSA, x509.ECDSAWithSHA384},
		"sha512": {x509.SHA512WithRSA, x509.ECDSAWithSHA512},
	}
	both, ok := known[r.Digest]
	if !ok {
		return 0, fmt.Errorf("%q is no digest algorithm; allowed: sha256, sha384, sha512", r.Digest)
	}
	if _, rsaKey := key.(*rsa.PrivateKey); rsaKey {
		return both[0], nil
	}
	return both[1], nil
}

// PendingCSR returns the request whose certificate is not installed yet, nil
// when there is none.
func (t *Trust) PendingCSR() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	csr, _ := requestIn(t.readFile(pendingFile))
	return csr
}

// requestIn finds the request in a file of a key and its request.
func requestIn(b []byte, err error) ([]byte, error) {
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE REQUEST" {
			return pem.EncodeToMemory(block), err
		}
	}
	return nil, err
}

// DiscardCSR forgets the pending request and its key.
func (t *Trust) DiscardCSR() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.removeFile(pendingFile)
}

func (r Request) template() (*x509.CertificateRequest, error) {
	if r.CommonName == "" {
		return nil, errors.New("a common name is needed")
	}
	tmpl := &x509.CertificateRequest{Subject: pkix.Name{CommonName: r.CommonName}}
	for field, v := range map[*[]string]string{
		&tmpl.Subject.Country: r.Country, &tmpl.Subject.Province: r.State, &tmpl.Subject.Locality: r.Locality,
		&tmpl.Subject.Organization: r.Organization, &tmpl.Subject.OrganizationalUnit: r.OrganizationalUnit,
	} {
		if v != "" {
			*field = []string{v}
		}
	}
	var err error
	tmpl.DNSNames, tmpl.IPAddresses, err = splitNames(append([]string{r.CommonName}, r.Names...))
	return tmpl, err
}

// splitNames tells DNS names from IP addresses, each once, in order.
func splitNames(names []string) (dns []string, ips []net.IP, err error) {
	seen, size := map[string]bool{}, 0
	for _, n := range names {
		n = canonicalName(strings.TrimSpace(n))
		if n == "" || seen[n] {
			continue
		}
		seen[n] = true
		if size += len(n); size > maxSANs {
			return nil, nil, fmt.Errorf("the names together are longer than %d characters", maxSANs)
		}
		if a, err := netip.ParseAddr(n); err == nil {
			ips = append(ips, a.Unmap().AsSlice())
			continue
		}
		if !validName(n) {
			return nil, nil, fmt.Errorf("%q is neither a host name nor an IP address", n)
		}
		dns = append(dns, n)
	}
	return dns, ips, nil
}

// validName allows a leading wildcard label: an authority may be asked for
// one even though peer checks of the link refuse it.
func validName(n string) bool {
	n = strings.TrimPrefix(n, "*.")
	if len(n) > 253 {
		return false
	}
	for _, label := range strings.Split(n, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" ||
			label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}

func (r Request) newKey() (crypto.Signer, error) {
	switch {
	case r.RSABits == 0:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case r.RSABits < 2048 || r.RSABits > 8192:
		return nil, errors.New("an RSA key has 2048 to 8192 bits")
	}
	return rsa.GenerateKey(rand.Reader, r.RSABits)
}

package trust

import (
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"time"
)

// FindingKind says what is wrong with the node's certificates.
type FindingKind uint8

const (
	Missing          FindingKind = iota + 1 // no server certificate is installed
	NoAuthority                             // the CA list is empty
	KeyMismatch                             // the file's key does not belong to its certificate
	NotYetValid                             // the server certificate starts in the future
	Expired                                 // the server certificate or one of its chain has expired
	ExpiresSoon                             // … will expire within the warning time
	LacksName                               // the server certificate does not carry a name it is reached by
	Weak                                    // short key or an outdated signature
	AuthorityExpired                        // a trusted authority has expired
)

// String returns a short stable name, fit for an alarm's key.
func (k FindingKind) String() string {
	names := []string{"", "missing", "no-authority", "key-mismatch", "not-yet-valid", "expired",
		"expires-soon", "lacks-name", "weak", "authority-expired"}
	if int(k) >= len(names) {
		return "unknown"
	}
	return names[k]
}

// Finding is one thing an operator should know about the certificates.
type Finding struct {
	Kind    FindingKind
	Subject string // the certificate or the name it is about
	Detail  string // a sentence: what, and what to do
}

// SoonDefault is how long before its end a certificate is worth an alarm.
const SoonDefault = 30 * 24 * time.Hour

// Findings judges the certificates at a moment with the default warning time.
// names are those that peers and clients reach this node by.
func (t *Trust) Findings(now time.Time, names []string) []Finding {
	return t.FindingsWithin(now, names, SoonDefault)
}

// FindingsWithin is Findings with another warning time.
func (t *Trust) FindingsWithin(now time.Time, names []string, soon time.Duration) []Finding {
	l := t.live.Load()
	out := t.stored(l)
	if l.cert == nil {
		return out
	}
	for _, c := range t.Chain() {
		out = append(out, validity(c, now, soon)...)
	}
	out = append(out, lacking(l.cert.Leaf, names)...)
	out = append(out, weakness(l.cert.Leaf)...)
	for _, ca := range l.cas {
		if now.After(ca.NotAfter) {
			out = append(out, Finding{AuthorityExpired, ca.Subject.String(),
				fmt.Sprintf("The trusted authority %s expired on %s.", ca.Subject, day(ca.NotAfter))})
		}
	}
	return out
}

// stored judges the files, which is what the next start will find.
func (t *Trust) stored(l *live) []Finding {
	var out []Finding
	_, caErr := t.readCAs()
	switch {
	case caErr != nil:
		out = append(out, Finding{NoAuthority, "", "The stored CA list cannot be read: " + caErr.Error() + "."})
	case len(l.cas) == 0:
		out = append(out, Finding{NoAuthority, "", "No authority is trusted: install the CA certificates of the peers."})
	}
	cert, err := t.readServer()
	switch {
	case err != nil:
		out = append(out, Finding{KeyMismatch, "", "The stored certificate and key cannot be used: " + err.Error() + "."})
	case cert == nil && l.cert == nil:
		out = append(out, Finding{Missing, "", "No server certificate is installed: make a signing request and install the certificate."})
	case cert == nil:
		out = append(out, Finding{Missing, "", "The file of the server certificate is gone: install it again before the next start."})
	}
	return out
}

func validity(c *x509.Certificate, now time.Time, soon time.Duration) []Finding {
	name := subject(c)
	switch {
	case now.Before(c.NotBefore):
		return []Finding{{NotYetValid, name, fmt.Sprintf("The certificate %s is valid only from %s: check the clock.", name, day(c.NotBefore))}}
	case now.After(c.NotAfter):
		return []Finding{{Expired, name, fmt.Sprintf("The certificate %s expired on %s: install a new one.", name, day(c.NotAfter))}}
	case now.Add(soon).After(c.NotAfter):
		left := int(c.NotAfter.Sub(now) / (24 * time.Hour))
		return []Finding{{ExpiresSoon, name, fmt.Sprintf("The certificate %s expires on %s, in %d days: install a new one.", name, day(c.NotAfter), left)}}
	}
	return nil
}

func lacking(leaf *x509.Certificate, names []string) []Finding {
	var out []Finding
	for _, n := range names {
		if n != "" && verifyName(leaf, n, true) != nil {
			out = append(out, Finding{LacksName, n,
				fmt.Sprintf("The server certificate does not carry the name %s: request a certificate that does.", n)})
		}
	}
	return out
}

func weakness(c *x509.Certificate) []Finding {
	if k, ok := c.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() < 2048 {
		return []Finding{{Weak, subject(c), fmt.Sprintf("The server certificate has an RSA key of %d bits: 2048 are the least.", k.N.BitLen())}}
	}
	switch c.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return []Finding{{Weak, subject(c), fmt.Sprintf("The server certificate is signed with %s, which clients refuse.", c.SignatureAlgorithm)}}
	}
	return nil
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

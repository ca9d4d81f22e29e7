package auth

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/crewjam/saml"

	"sallyport/test/lab"
)

const consumer = "https://edge.example.com:8443/ZXhhbXBsZS5jb20/fedlet"

// federation is an identity provider and core, which know each other.
func federation(t testing.TB) (*lab.IdP, *saml.ServiceProvider) {
	t.Helper()
	idp, err := lab.NewIdP()
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "core"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	own := SPKey{key, cert}
	meta, err := own.Metadata("example.com", []string{consumer}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := idp.Trust(meta); err != nil {
		t.Fatalf("%v\n%s", err, meta)
	}
	known, err := ParseMetadata(idp.Metadata())
	if err != nil {
		t.Fatal(err)
	}
	sp, err := own.provider(known, "example.com", consumer)
	if err != nil {
		t.Fatal(err)
	}
	return idp, sp
}

// response is what the identity provider says to a question of core's.
func response(t testing.TB, idp *lab.IdP, sp *saml.ServiceProvider, change string) (id string, text []byte) {
	t.Helper()
	id, away, err := question(sp, rand.Reader, time.Now().UTC())
	if err != nil {
		t.Fatal(err)
	}
	to, form, err := idp.Answer(away, "alice", change)
	if err != nil || to != consumer {
		t.Fatalf("%s %v", to, err)
	}
	text, err = base64.StdEncoding.DecodeString(form.Get("SAMLResponse"))
	if err != nil {
		t.Fatal(err)
	}
	return id, text
}

func TestAssertions(t *testing.T) {
	idp, sp := federation(t)
	id, text := response(t, idp, sp, "")
	if got := answers(text); got != id {
		t.Errorf("answers %q, want %q", got, id)
	}
	if a, err := read(sp, false, text, id); err != nil || a.user != "alice" || a.id == "" {
		t.Errorf("%+v %v", a, err)
	}
	if _, err := read(sp, false, text, "id-other"); err == nil {
		t.Error("another question's answer is taken")
	}
	for change, want := range map[string]string{
		"audience": "Audience", "anyone": "any audience", "recipient": "Recipient", "question": "request ID", "expired": "expired",
		"early": "not yet valid", "issuer": "ssuer", "unsigned": "signature", "nobody": "uid", "two": "uid", "sha1": "SHA-1",
	} {
		id, text := response(t, idp, sp, change)
		if _, err := read(sp, false, text, id); err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) {
			t.Errorf("%s: %v", change, err)
		}
	}
	for _, change := range []string{"forged", "stranger", "wrapped"} {
		id, text := response(t, idp, sp, change)
		if a, err := read(sp, false, text, id); err == nil {
			t.Errorf("%s: %+v", change, a)
		}
	}
	id, text = response(t, idp, sp, "sha1")
	if _, err := read(sp, true, text, id); err != nil {
		t.Errorf("an old identity provider that may use SHA-1: %v", err)
	}
}

func TestMetadata(t *testing.T) {
	idp, _ := federation(t)
	good := idp.Metadata()
	if p, err := ParseMetadata(good); err != nil || p.EntityID != idp.EntityID || p.URL != idp.URL || len(p.Certificates) != 1 {
		t.Errorf("%+v %v", p, err)
	}
	for text, want := range map[string]string{
		"": "cannot be read", "<a>": "cannot be read", "<EntityDescriptor/>": "cannot be read",
		string(bytes.ReplaceAll(good, []byte("https://idp.example.com/adfs"), []byte("http://idp.example.com/adfs"))): "no https address",
		string(bytes.ReplaceAll(good, []byte(`use="signing"`), []byte(`use="encryption"`))):                           "no signing certificate",
		strings.Repeat("x", maxMetadata+1): "larger",
	} {
		if _, err := ParseMetadata([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v", text, err)
		}
	}
}

// TestWeakSignatures: a name in XML can be written in many ways.
func TestWeakSignatures(t *testing.T) {
	const signed = `<r xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignatureMethod Algorithm="%s"/><ds:DigestMethod Algorithm="%s"/></r>`
	const rsa, sha = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256"
	for _, c := range []struct {
		signature, digest string
		want              bool
	}{
		{rsa, sha, false}, {strings.Replace(rsa, "sha256", "sha512", 1), sha, false},
		{"http://www.w3.org/2000/09/xmldsig#rsa-sha1", sha, true}, {rsa, "http://www.w3.org/2000/09/xmldsig#sha1", true},
		{"http://www.w3.org/2000/09/xmldsig#rsa-sha&#49;", sha, true}, {rsa, "http://www.w3.org/2000/09/xmldsig&#x23;sha1", true},
		{"", sha, true}, {rsa, "http://www.w3.org/2001/04/xmldsig-more#md5", true},
	} {
		if got := weak(fmt.Appendf(nil, signed, c.signature, c.digest)); got != c.want {
			t.Errorf("%s, %s: weak %v", c.signature, c.digest, got)
		}
	}
	if !weak([]byte("<r><a></r>")) {
		t.Error("what cannot be read is strong")
	}
}

func FuzzAssertion(f *testing.F) {
	idp, sp := federation(f)
	for _, change := range []string{"", "forged", "wrapped", "unsigned"} {
		_, text := response(f, idp, sp, change)
		f.Add(text)
	}
	f.Add([]byte(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" InResponseTo="id-x"><a/></samlp:Response>`))
	f.Fuzz(func(t *testing.T, text []byte) {
		answers(text)
		if a, err := read(sp, true, text, "id-x"); err == nil {
			t.Errorf("%+v", a)
		}
	})
}

func FuzzMetadata(f *testing.F) {
	idp, _ := federation(f)
	f.Add(idp.Metadata())
	f.Fuzz(func(t *testing.T, text []byte) {
		if p, err := ParseMetadata(text); err == nil && p.Check() != nil {
			t.Errorf("%+v", p)
		}
	})
}

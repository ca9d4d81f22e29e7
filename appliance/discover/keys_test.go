package discover

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
)

// TestKeysOf reads the pair in every form that the table may have.
func TestKeysOf(t *testing.T) {
	private, pkcs8, public, sealing := keyPair(t)
	b64, der := base64.StdEncoding, x509.MarshalPKCS1PrivateKey(private)
	const signID = "0f8b3c5e-1111-4222-8333-444455556666:"
	signKid, sealKid := signID+strings.Repeat("a1", 32), signID+strings.Repeat("b2", 32)
	e := big.NewInt(int64(private.E)).Bytes()
	jwkRSA := `{"kty":"RSA","n":"` + base64.RawURLEncoding.EncodeToString(private.N.Bytes()) + `","e":"` + base64.RawURLEncoding.EncodeToString(e) + `"}`
	jwkOct := `{"kty":"oct","k":"` + base64.RawURLEncoding.EncodeToString(sealing) + `"}`
	id := strings.Repeat("c3", 32) // a hash in a column that is called one
	for name, c := range map[string]struct {
		rows      []record
		kid, kid2 string
	}{
		"one row, PEM and base64": {rows: []record{row("pkid", "x", "signingkey", string(pkcs8), "encryptionkey", b64.EncodeToString(sealing))}},
		"with kids": {rows: []record{row("signingkey", string(pkcs8), "encryptionkey", b64.EncodeToString(sealing), "signingkid", signKid, "encryptionkid", sealKid)},
			kid: signKid, kid2: sealKid},
		"a row each": {rows: []record{row("type", "signing", "value", b64.EncodeToString(der), "kid", signKid), row("type", "encryption", "value", hex.EncodeToString(sealing), "kid", sealKid)},
			kid: signKid, kid2: sealKid},
		"public key as DER":   {rows: []record{row("a", b64.EncodeToString(public)), row("b", b64.EncodeToString(sealing))}},
		"JWK":                 {rows: []record{row("keyid", id, "a", jwkRSA, "b", jwkOct)}},
		"PEM within base64":   {rows: []record{row("a", b64.EncodeToString(pkcs8), "b", b64.EncodeToString(sealing))}},
		"wrapped base64":      {rows: []record{row("a", wrapped(b64.EncodeToString(der)), "b", b64.EncodeToString(sealing)+"\n")}},
		"hash beside the key": {rows: []record{row("keyhash", id, "a", string(pkcs8), "b", b64.EncodeToString(sealing))}},
	} {
		k, err := keysOf(c.rows)
		if err != nil || !bytes.Equal(k.Signing, public) || !bytes.Equal(k.Sealing, sealing) || k.SigningID != c.kid || k.SealingID != c.kid2 {
			t.Errorf("%s: %+v, %v", name, k, err)
		}
	}
}

func wrapped(s string) string {
	var b strings.Builder
	for len(s) > 64 {
		b.WriteString(s[:64] + "\n")
		s = s[64:]
	}
	return b.String() + s
}

// row makes a record of names and values in turn.
func row(pairs ...string) record {
	r := record{name: "row"}
	for i := 0; i < len(pairs); i += 2 {
		r.fields = append(r.fields, field{pairs[i], pairs[i+1]})
	}
	return r
}

func TestKeysThatAreNone(t *testing.T) {
	_, pkcs8, _, sealing := keyPair(t)
	if _, err := keysOf(nil); !errors.Is(err, ErrNoKeys) {
		t.Errorf("an empty table: %v", err)
	}
	for name, c := range map[string]struct {
		row  record
		want string
	}{
		"no signing key": {row("b", base64.StdEncoding.EncodeToString(sealing)), "no signing key can be read"},
		"no sealing key": {row("a", string(pkcs8)), "no key of 32 bytes"},
		"short key":      {row("a", string(pkcs8), "b", base64.StdEncoding.EncodeToString(sealing[:31])), "no key of 32 bytes"},
		"only a hash":    {row("a", string(pkcs8), "hash", hex.EncodeToString(sealing)), "no key of 32 bytes"},
		"garbage":        {row("a", "-----BEGIN RSA-----", "b", "{", "c", `{"kty":"RSA","n":"AQ","e":"AQAB"}`), "no signing key"},
	} {
		if _, err := keysOf([]record{c.row}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzReadSOAP holds the reader to its bounds, whatever a server sends, and
// every reader behind it to not falling over.
func FuzzReadSOAP(f *testing.F) {
	for _, s := range []string{
		`<e:Envelope xmlns:e="u"><e:Body><ns:getCCMVersionResponse xmlns:ns="v" sequence="1"><return><componentVersion><version>15.0.1</version></componentVersion></return></ns:getCCMVersionResponse></e:Body></e:Envelope>`,
		`<Envelope><Body><r><return><row><paramname>A</paramname><paramvalue>1</paramvalue></row><row/></return></r></Body></Envelope>`,
		`<Envelope><Body><Fault><faultstring>no</faultstring><detail><axlError><axlcode>5007</axlcode><axlmessage>no</axlmessage></axlError></detail></Fault></Body></Envelope>`,
		`<return/>`, `<return><a>`, ``, `<a></b>`, strings.Repeat("<a>", 40),
		`<return><row><a>{"kty":"oct","k":"AAAA"}</a><b>` + strings.Repeat("AA", 32) + `</b></row></return>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := readSOAP(bytes.NewReader(b))
		if err != nil && len(all) > 0 {
			t.Errorf("records beside the error %v", err)
		}
		for _, r := range all {
			if len(r.fields) > maxFields+1 {
				t.Errorf("a record of %d fields", len(r.fields))
			}
		}
		if k, err := keysOf(all); err == nil && (len(k.Sealing) != sealingSize || rsaOf(k.Signing) == nil) {
			t.Errorf("keys that are none: %+v", k)
		}
		trusted(all, "tomcat-trust")
	})
}

func FuzzKeyForms(f *testing.F) {
	f.Add("MIIB", "a")
	f.Add(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte{48}})), "kid")
	f.Fuzz(func(t *testing.T, value, column string) {
		signing, sealing := keyIn(row(column, value))
		if signing != nil && rsaOf(signing) == nil || sealing != nil && len(sealing) != sealingSize {
			t.Errorf("%q is read as %x, %x", value, signing, sealing)
		}
	})
}

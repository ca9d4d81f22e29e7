package discover

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"sallyport/appliance/uc"
)

// A KeySource tells the pair of keys that a cluster makes its access tokens
// with. ErrNoKeys means that the cluster has none, which is no failure: tokens
// are then not in use there.
type KeySource interface {
	Fetch(ctx context.Context) (uc.TokenKey, error)
}

// ErrNoKeys is what a cluster without token keys brings.
var ErrNoKeys = errors.New("the cluster has no token keys")

// KeyFunc is a KeySource made of a function: what tests and labs put in the
// place of a cluster.
type KeyFunc func(context.Context) (uc.TokenKey, error)

// Fetch asks the function.
func (f KeyFunc) Fetch(ctx context.Context) (uc.TokenKey, error) { return f(ctx) }

// tableKeys reads the keys from the cluster's own table.
type tableKeys struct{ axl *axl }

// Fetch tries every value of the table for what it may be: the columns' names
// are not published, and forms have changed between versions.
func (t tableKeys) Fetch(ctx context.Context) (uc.TokenKey, error) {
	all, err := t.axl.sql(ctx, "select * from authzkeys")
	if err != nil {
		return uc.TokenKey{}, err
	}
	return keysOf(all)
}

// keysOf finds the keys among rows. Of several pairs the last one counts: rows
// come in the order of their making.
func keysOf(rows []record) (uc.TokenKey, error) {
	var k uc.TokenKey
	for _, r := range rows {
		signing, sealing := keyIn(r)
		id := kidIn(r)
		if signing != nil {
			k.Signing, k.SigningID = signing, id
		}
		if sealing != nil {
			k.Sealing, k.SealingID = sealing, id
		}
		if signing != nil && sealing != nil {
			k.SigningID, k.SealingID = kidsOfPair(r)
		}
	}
	switch {
	case len(rows) == 0:
		return k, ErrNoKeys
	case k.Signing == nil:
		return k, errors.New("no signing key can be read in its table of token keys")
	case k.Sealing == nil:
		return k, errors.New("no key of 32 bytes for the claims can be read in its table of token keys")
	}
	return k, nil
}

// keyIn finds an RSA key, as PKIX, and a key of 32 bytes among the values.
// What the column calls an identifier is none.
func keyIn(r record) (signing, sealing []byte) {
	for _, f := range r.fields {
		if isID(f.name) {
			continue
		}
		if der := rsaIn(f.value); der != nil && signing == nil {
			signing = der
		} else if b := sealingIn(f.value); b != nil && sealing == nil {
			sealing = b
		}
	}
	return signing, sealing
}

// isID tells columns whose 64 hex digits are a hash or a name from those that
// hold a key.
func isID(column string) bool {
	c := strings.ToLower(column)
	for _, word := range []string{"kid", "pkid", "hash", "thumb", "uuid", "issuer"} {
		if strings.Contains(c, word) {
			return true
		}
	}
	return c == "id" || strings.HasSuffix(c, "keyid") || strings.HasSuffix(c, "_id")
}

// kid is an identifier of a key as tokens carry it.
var kid = regexp.MustCompile(`^\{?[0-9A-Fa-f]{8}-[0-9A-Fa-f-]{27}\}?:[0-9A-Fa-f]{64}$`)

func kidIn(r record) string {
	for _, f := range r.fields {
		if kid.MatchString(f.value) {
			return f.value
		}
	}
	return ""
}

// kidsOfPair are the identifiers of a row with both keys, told apart by what
// their columns are called.
func kidsOfPair(r record) (signing, sealing string) {
	for _, f := range r.fields {
		c := strings.ToLower(f.name)
		switch {
		case !kid.MatchString(f.value):
		case strings.Contains(c, "enc") || strings.Contains(c, "seal") || strings.Contains(c, "sym") || strings.Contains(c, "jwe"):
			sealing = f.value
		case signing == "":
			signing = f.value
		case sealing == "":
			sealing = f.value
		}
	}
	return signing, sealing
}

// rsaIn reads an RSA key in any usual form and returns its public half, nil if
// the text is none.
func rsaIn(text string) []byte {
	if b, _ := pem.Decode([]byte(text)); b != nil {
		return rsaOf(b.Bytes)
	}
	if der := rsaJWK(text); der != nil {
		return der
	}
	if b := decoded(text); len(b) > 64 {
		if p, _ := pem.Decode(b); p != nil {
			b = p.Bytes
		}
		return rsaOf(b)
	}
	return nil
}

// rsaOf reads DER: a public key, a private one, or a certificate.
func rsaOf(der []byte) []byte {
	var key any
	if k, err := x509.ParsePKIXPublicKey(der); err == nil {
		key = k
	} else if k, err := x509.ParsePKCS1PublicKey(der); err == nil {
		key = k
	} else if k, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		key = k
	} else if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		key = k
	} else if c, err := x509.ParseCertificate(der); err == nil {
		key = c.PublicKey
	}
	if private, ok := key.(*rsa.PrivateKey); ok {
		key = &private.PublicKey
	}
	return pkix(key)
}

// pkix writes a public RSA key that is fit for use, else nil.
func pkix(key any) []byte {
	public, ok := key.(*rsa.PublicKey)
	if !ok || public.N.BitLen() < 2048 || public.N.BitLen() > 4096 {
		return nil
	}
	out, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil
	}
	return out
}

// jwk is a key as JSON has it (RFC 7517), as far as it is looked at.
type jwk struct{ Kty, K, N, E string }

func parseJWK(text string) (jwk, bool) {
	var k jwk
	text = strings.TrimSpace(text)
	return k, strings.HasPrefix(text, "{") && json.Unmarshal([]byte(text), &k) == nil
}

func rsaJWK(text string) []byte {
	k, ok := parseJWK(text)
	if !ok || k.Kty != "RSA" {
		return nil
	}
	n, e := decoded(k.N), decoded(k.E)
	if len(n) == 0 || len(e) == 0 || len(e) > 4 {
		return nil
	}
	return pkix(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())})
}

// sealingSize is the length of a key of A128CBC-HS256 (RFC 7518 5.2.3).
const sealingSize = 32

// sealingIn reads a key of 32 bytes as base64, hex or JWK, nil if the text is
// none.
func sealingIn(text string) []byte {
	if k, ok := parseJWK(text); ok {
		if k.Kty != "oct" {
			return nil
		}
		text = k.K
	}
	if b := decoded(text); len(b) == sealingSize {
		return b
	}
	return nil
}

// decoded reads hex or any kind of base64, nil if the text is neither.
func decoded(text string) []byte {
	text = strings.Join(strings.Fields(text), "")
	if b, err := hex.DecodeString(text); err == nil && len(b) > 0 {
		return b
	}
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return b
}

// sameKeys tells whether two pairs are the same.
func sameKeys(a, b uc.TokenKey) bool {
	return a.Publisher == b.Publisher && a.Deployment == b.Deployment && a.SigningID == b.SigningID && a.SealingID == b.SealingID &&
		slices.Equal(a.Signing, b.Signing) && slices.Equal(a.Sealing, b.Sealing)
}

package auth

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// maxToken bounds what is looked at; tokens of large clusters have 1.5 kB.
const maxToken = 8 << 10

// Claims are what an access token says of its owner.
type Claims struct {
	User      string // "sub"
	Issuer    string // "iss", the cluster
	Client    string // "ccid"
	ID        string // "tid"
	Scopes    string
	Expires   time.Time
	Publisher string // of the cluster whose keys fit
}

// A Fault is why a token is not accepted.
type Fault string

// The faults, as counters and logs name them.
const (
	Opaque     Fault = "opaque"     // no self-describing token at all
	Malformed  Fault = "malformed"  // looks like one and cannot be read
	Algorithm  Fault = "algorithm"  // signed or sealed in another way than agreed on
	UnknownKey Fault = "unknownkey" // of a cluster whose keys are not known here
	Forged     Fault = "forged"     // the signature does not fit
	Sealed     Fault = "sealed"     // signed well, but the claims cannot be opened
	Issuer     Fault = "issuer"     // the claims name another issuer than the key
	Refresh    Fault = "refresh"    // a refresh token in place of an access token
	Expired    Fault = "expired"
	Nobody     Fault = "nobody" // names no user or no expiry
)

var sentences = map[Fault]string{
	Opaque:     "token is not self-describing",
	Malformed:  "token cannot be read",
	Algorithm:  "token is not signed by RS256 or not sealed by dir and A128CBC-HS256",
	UnknownKey: "token is of a cluster whose keys are not known here",
	Forged:     "token's signature does not fit",
	Sealed:     "token's claims cannot be opened",
	Issuer:     "token's issuer is not the owner of its key",
	Refresh:    "token is a refresh token",
	Nobody:     "token names no user or no expiry",
	Expired:    "token has expired",
	Signature:  "token is signed in a way that is not taken",
	Audience:   "token is for somebody else",
	Early:      "token is not valid yet",
	Scope:      "token lacks the scope that is asked for",
}

func (f Fault) Error() string { return sentences[f] }

// What a token may be made by: nothing else is even looked at.
var (
	signedBy = []jose.SignatureAlgorithm{jose.RS256}
	keyedBy  = []jose.KeyAlgorithm{jose.DIRECT}
	sealedBy = []jose.ContentEncryption{jose.A128CBC_HS256}
)

// parseOuter reads the signed shell of a token; nothing is verified yet.
func parseOuter(token string) (*jose.JSONWebSignature, error) {
	if strings.Count(token, ".") != 2 {
		return nil, Opaque
	}
	if len(token) > maxToken {
		return nil, Malformed
	}
	jws, err := jose.ParseSignedCompact(token, signedBy)
	var unexpected *jose.ErrUnexpectedSignatureAlgorithm
	switch {
	case errors.As(err, &unexpected):
		return nil, Algorithm
	case err != nil:
		return nil, Malformed
	}
	return jws, nil
}

// inner is what the shell holds: sealed claims, or the open ones of a refresh
// token.
type inner struct {
	Private string `json:"private"`
	Ctyp    string `json:"ctyp"`
}

// openInner opens the claims by a cluster's key; issuer is who that key is of.
func openInner(payload []byte, key []byte, issuer string) (claims, error) {
	var in inner
	if err := json.Unmarshal(payload, &in); err != nil {
		return claims{}, Malformed
	}
	if in.Private == "" {
		if in.Ctyp == "refresh" {
			return claims{}, Refresh
		}
		return claims{}, Malformed
	}
	jwe, err := jose.ParseEncryptedCompact(in.Private, keyedBy, sealedBy)
	if err != nil || jwe.Header.ExtraHeaders["zip"] != nil {
		return claims{}, Algorithm
	}
	if issuerOf(jwe.Header.KeyID) != issuer { // the rest of the id is a mere hint: what opens is authenticated
		return claims{}, Sealed
	}
	plain, err := jwe.Decrypt(key)
	if err != nil {
		return claims{}, Sealed
	}
	var c claims
	if json.Unmarshal(plain, &c) != nil {
		return claims{}, Malformed
	}
	return c, nil
}

// claims are the names of the claims on the wire; what else is there is left
// alone.
type claims struct {
	Iss    string      `json:"iss"`
	Sub    string      `json:"sub"`
	Exp    json.Number `json:"exp"`
	Ccid   string      `json:"ccid"`
	Ctyp   string      `json:"ctyp"`
	Tid    string      `json:"tid"`
	Scopes any         `json:"scopes"` // text or a list
}

// check judges opened claims at a time; extra is added to their life.
func (c claims) check(issuer string, now time.Time, extra time.Duration) (Claims, error) {
	exp, err := c.Exp.Int64()
	expires := time.Unix(exp, 0).Add(extra)
	out := Claims{User: c.Sub, Issuer: c.Iss, Client: c.Ccid, ID: c.Tid, Scopes: scopes(c.Scopes), Expires: expires}
	switch {
	case c.Iss != issuer:
		return Claims{}, Issuer
	case c.Ctyp == "refresh":
		return Claims{}, Refresh
	case c.Sub == "" || err != nil || exp <= 0:
		return Claims{}, Nobody
	case !now.Before(expires):
		return out, Expired
	}
	return out, nil
}

func scopes(v any) string { return strings.Join(texts(v), " ") }

// texts are those of a claim that is one text or a list of them.
func texts(v any) (all []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, s := range v {
			if text, ok := s.(string); ok {
				all = append(all, text)
			}
		}
	}
	return all
}

// issuerOf is the cluster that a key id begins with: "<issuer>:<hash>".
func issuerOf(kid string) string {
	issuer, _, _ := strings.Cut(kid, ":")
	return issuer
}

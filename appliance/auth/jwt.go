package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Faults of the tokens of trunks, beside those of users.
const (
	Signature Fault = "signature" // signed in a way that is not taken
	Audience  Fault = "audience"  // for somebody else
	Early     Fault = "early"     // not valid yet
	Scope     Fault = "scope"     // lacks what the trunk asks for
)

// trunkAlgorithms are what a trunk's token may be signed by: public keys only.
var trunkAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.ES256, jose.ES384, jose.EdDSA}

// leeway is how far the clock of an issuer may be off.
const leeway = 30 * time.Second

// maxKeys bounds an issuer's key set.
const maxKeys = 32

// parseSigned reads a token of the standard form (RFC 9068); nothing is verified yet.
func parseSigned(token string) (*jose.JSONWebSignature, error) {
	switch {
	case strings.Count(token, ".") != 2:
		return nil, Opaque
	case len(token) > maxToken:
		return nil, Malformed
	}
	jws, err := jose.ParseSignedCompact(token, trunkAlgorithms)
	var unexpected *jose.ErrUnexpectedSignatureAlgorithm
	switch {
	case errors.As(err, &unexpected):
		return nil, Signature
	case err != nil:
		return nil, Malformed
	}
	typ, _ := jws.Signatures[0].Protected.ExtraHeaders[jose.HeaderType].(string)
	switch typ = strings.TrimPrefix(strings.ToLower(typ), "application/"); typ {
	case "", "jwt", "at+jwt":
		return jws, nil
	}
	return nil, Malformed // a token of another kind, such as one of identity
}

// trunkClaims are what a trunk's token says. Issuers spell scopes in three ways.
type trunkClaims struct {
	Iss   string      `json:"iss"`
	Aud   any         `json:"aud"` // text or a list
	Exp   json.Number `json:"exp"`
	Nbf   json.Number `json:"nbf"`
	Scope any         `json:"scope"`
	Scp   any         `json:"scp"`
	Roles any         `json:"roles"`
}

// judge holds the claims of a token whose signature fits against its trunk.
func (a *Admit) judge(payload []byte, now time.Time) error {
	var c trunkClaims
	if json.Unmarshal(payload, &c) != nil {
		return Malformed
	}
	exp, expErr := c.Exp.Int64()
	nbf, nbfErr := int64(0), error(nil)
	if c.Nbf != "" {
		nbf, nbfErr = c.Nbf.Int64()
	}
	granted := strings.Fields(scopes(c.Scope) + " " + scopes(c.Scp) + " " + scopes(c.Roles))
	switch {
	case c.Iss != a.Issuer:
		return Issuer
	case !slices.Contains(texts(c.Aud), a.Audience):
		return Audience
	case expErr != nil || exp <= 0 || nbfErr != nil:
		return Malformed
	case !now.Before(time.Unix(exp, 0).Add(leeway)):
		return Expired
	case now.Add(leeway).Before(time.Unix(nbf, 0)):
		return Early
	}
	for _, s := range strings.Fields(a.Scope) {
		if !slices.Contains(granted, s) {
			return Scope
		}
	}
	return nil
}

// readKeySet reads an issuer's keys: those to verify signatures with.
func readKeySet(text []byte) (all []jose.JSONWebKey, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(text, &set) != nil || len(set.Keys) > maxKeys {
		return nil, errors.New("keys of the issuer cannot be read")
	}
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		if json.Unmarshal(raw, &k) == nil && (k.Use == "" || k.Use == "sig") && verifies(k) {
			all = append(all, k)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("the issuer has no key that signatures are verified with")
	}
	return all, nil
}

func verifies(k jose.JSONWebKey) bool {
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= minBits
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}

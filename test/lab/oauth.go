package lab

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// TokenIssuer makes access tokens as a call control cluster does: claims sealed
// by a content key, within a shell signed by an RSA key.
type TokenIssuer struct {
	Issuer    string
	signing   *rsa.PrivateKey
	sealing   []byte
	SigningID string
	SealingID string
	owners    *sync.Map // tokens that were made, to their users
}

// NewTokenIssuer makes a cluster's keys.
func NewTokenIssuer() (*TokenIssuer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("lab: token key: %w", err)
	}
	t := &TokenIssuer{Issuer: uuid(), signing: key, sealing: make([]byte, 32), owners: &sync.Map{}}
	rand.Read(t.sealing)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("lab: token key: %w", err)
	}
	t.SigningID, t.SealingID = t.keyID(der), t.keyID(t.sealing)
	return t, nil
}

func (t *TokenIssuer) keyID(key []byte) string {
	sum := sha256.Sum256(key)
	return t.Issuer + ":" + hex.EncodeToString(sum[:])
}

// Public is the signing key as PKIX DER; Sealing is the content key.
func (t *TokenIssuer) Public() []byte {
	der, _ := x509.MarshalPKIXPublicKey(&t.signing.PublicKey) // it could before
	return der
}

// Sealing is the content key.
func (t *TokenIssuer) Sealing() []byte { return t.sealing }

// KeyFile is what an administrator would import.
func (t *TokenIssuer) KeyFile() []byte {
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: t.Public()})
	return fmt.Appendf(nil, "kid: %s\n%skid: %s\n%s\n", t.SigningID, block, t.SealingID, base64.StdEncoding.EncodeToString(t.sealing))
}

// Claims are what a token shall say; a missing one is filled in. A value of nil
// leaves a claim out.
type Claims map[string]any

func (t *TokenIssuer) claims(user string, life time.Duration, more Claims) Claims {
	c := Claims{
		"iss": t.Issuer, "sub": user, "exp": time.Now().Add(life).Unix(), "ccid": "C" + strings.Repeat("0a", 32),
		"ctyp": "access", "tid": uuid(), "scopes": "UnifiedCommunications:readwrite",
	}
	for k, v := range more {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

// Access makes a good access token.
func (t *TokenIssuer) Access(user string, life time.Duration) string {
	token := t.sign(map[string]any{"private": t.seal(t.claims(user, life, nil))}, t.SigningID)
	t.owners.Store(token, user)
	return token
}

// Owner is whose a token is that was made here.
func (t *TokenIssuer) Owner(token string) (user string, ok bool) {
	v, ok := t.owners.Load(token)
	user, _ = v.(string)
	return user, ok
}

// AccessWith makes an access token with changed claims.
func (t *TokenIssuer) AccessWith(user string, life time.Duration, more Claims) string {
	return t.sign(map[string]any{"private": t.seal(t.claims(user, life, more))}, t.SigningID)
}

// Refresh makes a refresh token, which is signed and not sealed.
func (t *TokenIssuer) Refresh(user string) string {
	return t.sign(map[string]any{
		"exp": time.Now().Add(60 * 24 * time.Hour).Unix(), "iss": t.Issuer, "typ": "user", "tid": uuid(),
		"ctyp": "refresh", "ccid": "C" + strings.Repeat("0a", 32),
	}, t.SigningID)
}

// Bad makes a token that must be refused: expired, kid, iss, refresh, inside
// (a refresh token's claims sealed as an access token's), none (alg none),
// hs256 (signed by the public key as if it were a secret), tampered, sealed
// (with another content key), nobody, opaque.
func (t *TokenIssuer) Bad(kind, user string) (string, error) {
	other, err := NewTokenIssuer()
	if err != nil {
		return "", err
	}
	switch kind {
	case "expired":
		return t.Access(user, -time.Minute), nil
	case "kid":
		return t.sign(map[string]any{"private": t.seal(t.claims(user, time.Hour, nil))}, other.keyID([]byte("x"))), nil
	case "stranger":
		return other.Access(user, time.Hour), nil
	case "forged":
		other.Issuer, other.SigningID, other.SealingID, other.sealing = t.Issuer, t.SigningID, t.SealingID, t.sealing
		return other.Access(user, time.Hour), nil
	case "iss":
		return t.AccessWith(user, time.Hour, Claims{"iss": other.Issuer}), nil
	case "refresh":
		return t.Refresh(user), nil
	case "inside":
		return t.AccessWith(user, time.Hour, Claims{"ctyp": "refresh"}), nil
	case "none":
		return t.unsigned(`{"alg":"none","typ":"JWT","kid":"`+t.SigningID+`"}`, user), nil
	case "hs256":
		return t.confused(user), nil
	case "tampered":
		good := t.Access(user, time.Hour)
		i := strings.Index(good, ".") + 20
		flip := map[bool]string{true: "B", false: "A"}[good[i] == 'A']
		return good[:i] + flip + good[i+1:], nil
	case "sealed":
		mine := t.sealing
		changed := *t
		changed.sealing = append(append([]byte{}, mine[1:]...), mine[0])
		return changed.Access(user, time.Hour), nil
	case "nobody":
		return t.AccessWith("", time.Hour, nil), nil
	case "opaque":
		return "0123456789abcdef0123456789abcdef", nil
	}
	return "", fmt.Errorf("lab: there is no bad token of kind %q", kind)
}

// Regenerate gives the cluster new keys, which voids all tokens.
func (t *TokenIssuer) Regenerate() error {
	fresh, err := NewTokenIssuer()
	if err != nil {
		return err
	}
	fresh.Issuer = t.Issuer
	fresh.SigningID, fresh.SealingID = fresh.keyID(fresh.Public()), fresh.keyID(fresh.sealing)
	*t = *fresh
	return nil
}

func (t *TokenIssuer) seal(c Claims) string {
	enc, err := jose.NewEncrypter(jose.A128CBC_HS256, jose.Recipient{Algorithm: jose.DIRECT, Key: t.sealing, KeyID: t.SealingID},
		(&jose.EncrypterOptions{}).WithContentType("JWT"))
	if err != nil {
		panic(err) // of the options above only
	}
	text, _ := json.Marshal(c)
	jwe, err := enc.Encrypt(text)
	if err != nil {
		panic(err)
	}
	out, _ := jwe.CompactSerialize()
	return out
}

func (t *TokenIssuer) sign(payload map[string]any, kid string) string {
	opts := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", kid)
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: t.signing}, opts)
	if err != nil {
		panic(err)
	}
	text, _ := json.Marshal(payload)
	jws, err := s.Sign(text)
	if err != nil {
		panic(err)
	}
	out, _ := jws.CompactSerialize()
	return out
}

func (t *TokenIssuer) unsigned(header, user string) string {
	b64 := base64.RawURLEncoding
	payload, _ := json.Marshal(map[string]any{"private": t.seal(t.claims(user, time.Hour, nil))})
	return b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString(payload) + "."
}

// confused is a token whose sender hopes that the public key is taken for a
// shared secret.
func (t *TokenIssuer) confused(user string) string {
	opts := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", t.SigningID)
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: t.Public()}, opts)
	if err != nil {
		panic(err)
	}
	text, _ := json.Marshal(map[string]any{"private": t.seal(t.claims(user, time.Hour, nil))})
	jws, err := s.Sign(text)
	if err != nil {
		panic(err)
	}
	out, _ := jws.CompactSerialize()
	return out
}

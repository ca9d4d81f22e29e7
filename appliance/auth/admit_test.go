package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// trunkIssuer gives tokens for a trunk, and its keys to whoever asks.
type trunkIssuer struct {
	*testing.T
	*httptest.Server
	key    *ecdsa.PrivateKey
	kid    string
	asked  atomic.Int32
	broken atomic.Bool
}

func newTrunkIssuer(t *testing.T) *trunkIssuer {
	i := &trunkIssuer{T: t}
	i.rotate("first")
	i.Server = httptest.NewTLSServer(i)
	t.Cleanup(i.Close)
	return i
}

func (i *trunkIssuer) rotate(kid string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.Fatal(err)
	}
	i.key, i.kid = key, kid
}

func (i *trunkIssuer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	i.asked.Add(1)
	if i.broken.Load() {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: i.kid, Use: "sig"}}})
}

// token signs claims by a key.
func (i *trunkIssuer) token(alg jose.SignatureAlgorithm, key any, kid, typ string, claims map[string]any) string {
	i.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", kid).WithType(jose.ContentType(typ)))
	if err != nil {
		i.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		i.Fatal(err)
	}
	jws, err := s.Sign(text)
	if err != nil {
		i.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		i.Fatal(err)
	}
	return token
}

// TestAdmits: what a trunk's token has to be, and when the issuer's keys are asked
// for again.
func TestAdmits(t *testing.T) {
	i := newTrunkIssuer(t)
	now := time.Unix(1_800_000_000, 0)
	var trouble string
	roots := x509.NewCertPool()
	roots.AddCert(i.Certificate())
	a := NewAdmits(TrunksConfig{Clock: func() time.Time { return now }, TLS: func(string) *tls.Config { return &tls.Config{RootCAs: roots} },
		Trouble: func(_ string, _ bool, why string) { trouble = why }})
	a.Apply([]Admit{{Zone: "Trunk", Issuer: "https://idp.example.com", Audience: "core", Scope: "call", Keys: i.URL}})
	check := func(token string) error {
		err := a.Check("trunk", token)
		if err == ErrKeys {
			a.Refresh(context.Background(), "trunk")
			err = a.Check("trunk", token)
		}
		return err
	}
	claims := func(change ...any) map[string]any {
		c := map[string]any{"iss": "https://idp.example.com", "aud": []string{"other", "core"}, "exp": now.Unix() + 60, "scope": "call text"}
		for n := 0; n < len(change); n += 2 {
			if c[change[n].(string)] = change[n+1]; change[n+1] == nil {
				delete(c, change[n].(string))
			}
		}
		return c
	}
	signed := func(change ...any) string { return i.token(jose.ES256, i.key, i.kid, "at+jwt", claims(change...)) }

	i.broken.Store(true)
	if err := check(signed()); err != ErrKeys || !strings.Contains(trouble, "502") {
		t.Errorf("without keys: %v, trouble %q", err, trouble)
	}
	i.broken.Store(false)
	if err := check(signed()); err != ErrKeys || i.asked.Load() != 1 {
		t.Errorf("asked again at once: %v, %d times", err, i.asked.Load())
	}
	now = now.Add(keysPause)
	if err := check(signed()); err != nil || trouble != "" {
		t.Errorf("with keys: %v, trouble %q", err, trouble)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	stranger, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	for name, tt := range map[string]struct {
		token string
		want  error
	}{
		"one audience":    {signed("aud", "core"), nil},
		"scope as scp":    {signed("scope", nil, "scp", []string{"call"}), nil},
		"scope as roles":  {signed("scope", nil, "roles", []string{"call"}), nil},
		"clock a bit off": {signed("exp", now.Unix()-20, "nbf", now.Unix()+20), nil},
		"expired":         {signed("exp", now.Unix()-40), Expired},
		"early":           {signed("nbf", now.Unix()+40), Early},
		"no expiry":       {signed("exp", nil), Malformed},
		"another issuer":  {signed("iss", "https://idp.example.org"), Issuer},
		"for another":     {signed("aud", "cores"), Audience},
		"for nobody":      {signed("aud", nil), Audience},
		"for a long name": {signed("aud", "other core"), Audience},
		"less scope":      {signed("scope", "calls"), Scope},
		"of identity":     {i.token(jose.ES256, i.key, i.kid, "dpop+jwt", claims()), Malformed},
		"forged":          {i.token(jose.ES256, stranger, i.kid, "JWT", claims()), Forged},
		"another key":     {i.token(jose.RS256, rsaKey, i.kid, "JWT", claims()), Forged},
		"by a secret":     {i.token(jose.HS256, []byte(strings.Repeat("k", 32)), i.kid, "JWT", claims()), Signature},
		"unsigned":        {"eyJhbGciOiJub25lIn0.e30.", Signature},
		"no token":        {"opaque", Opaque},
		"too long":        {strings.Repeat("x", maxToken) + "..", Malformed},
	} {
		if err := check(tt.token); err != tt.want {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	asked := i.asked.Load()
	i.rotate("second")
	if err := check(signed()); err != UnknownKey || i.asked.Load() != asked {
		t.Errorf("strangers' ids have the issuer asked: %v", err)
	}
	now = now.Add(keysPause)
	if err := check(signed()); err != nil || i.asked.Load() != asked+1 {
		t.Errorf("a new key: %v, asked %d times more", err, i.asked.Load()-asked)
	}
	i.broken.Store(true)
	now = now.Add(keysFresh)
	if err := check(signed()); err != nil || trouble == "" {
		t.Errorf("an issuer that is away for a while: %v, trouble %q", err, trouble)
	}
	now = now.Add(keysLast)
	if err := check(signed()); err != ErrKeys {
		t.Errorf("an issuer that is away for long: %v", err)
	}
	if a.Has("Other") || !a.Has("TRUNK") || (*Admits)(nil).Has("Trunk") || a.Check("Other", signed()) == nil {
		t.Error("zones are mixed up")
	}
	a.Apply(nil)
	if a.Has("Trunk") || trouble != "" {
		t.Errorf("taken back, trouble is %q", trouble)
	}
}

func TestAdmitChallenge(t *testing.T) {
	a := NewAdmits(TrunksConfig{Trouble: func(string, bool, string) {}, TLS: func(string) *tls.Config { return nil }})
	a.Apply([]Admit{{Zone: "Trunk", Issuer: `https://idp"\x`, Scope: "call"}})
	for want, err := range map[string]error{
		`Bearer realm="core", authz_server="https://idpx", scope="call"`:                                                               nil,
		`Bearer realm="core", authz_server="https://idpx", scope="call", error="invalid_token", error_description="token has expired"`: Expired,
		`Bearer realm="core", authz_server="https://idpx", scope="call", error="insufficient_scope"`:                                   Scope,
	} {
		if got := a.Challenge("Trunk", "core", err); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

func TestReadKeySet(t *testing.T) {
	for name, text := range map[string]string{
		"none": `{"keys":[]}`, "no set": `[]`, "a secret": `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`,
		"for sealing": `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"enc"}]}`,
		"too many":    `{"keys":[` + strings.Repeat(`{},`, maxKeys) + `{}]}`,
	} {
		if keys, err := readKeySet([]byte(text)); err == nil {
			t.Errorf("%s: %v", name, keys)
		}
	}
	one := `{"keys":[{"kty":"new"},{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	if keys, err := readKeySet([]byte(one)); err != nil || len(keys) != 1 {
		t.Errorf("%v, %v", keys, err)
	}
}

func FuzzTrunkToken(f *testing.F) {
	f.Add("eyJhbGciOiJub25lIn0.e30.", []byte(`{"keys":[]}`))
	f.Add("a.b.c", []byte(`{"iss":"i","aud":["a"],"exp":1,"nbf":2,"scp":["x"]}`))
	a := &Admit{Issuer: "i", Audience: "a", Scope: "x"}
	f.Fuzz(func(t *testing.T, token string, text []byte) {
		if jws, err := parseSigned(token); (err == nil) != (jws != nil) {
			t.Error(jws, err)
		}
		readKeySet(text)
		a.judge(text, time.Unix(1, 0))
	})
}

package lab

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"sync"
)

// KeyResourcePath is where the world's publishers tell their token keys, once
// a test says in which form. Where real ones do is not published.
const KeyResourcePath = "/ssosp/ws/config/authzkeys"

// KeyResource tells a cluster's token keys by REST to the account that AXL
// takes. In the form "", its first one, there is nothing.
type KeyResource struct {
	tokens *TokenIssuer

	mu   sync.Mutex
	form string // "", "json", "jwks", "xml", "attributes", "empty"
	seen int    // answers with keys
}

// NewKeyResource is one with the keys of an issuer.
func NewKeyResource(t *TokenIssuer) *KeyResource { return &KeyResource{tokens: t} }

// Set changes the form.
func (k *KeyResource) Set(form string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.form = form
}

// Seen counts the answers with keys.
func (k *KeyResource) Seen() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.seen
}

// ServeHTTP answers GET.
func (k *KeyResource) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	user, password := AXLAccount()
	if u, p, _ := r.BasicAuth(); u != user || p != password {
		denied(w)
		return
	}
	kind, text := k.text()
	if text == "" {
		http.NotFound(w, r)
		return
	}
	k.seen++
	w.Header().Set("Content-Type", kind)
	fmt.Fprint(w, text)
}

func (k *KeyResource) text() (kind, text string) {
	t := k.tokens
	block := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: t.Public()}))
	secret := base64.StdEncoding.EncodeToString(t.Sealing())
	switch k.form {
	case "json":
		out, _ := json.Marshal(map[string]any{"signing": map[string]any{"kid": t.SigningID, "key": block, "bits": 2048}, "encryption": map[string]any{"kid": t.SealingID, "key": secret}})
		return "application/json", string(out)
	case "jwks":
		der := t.signing.PublicKey
		url := base64.RawURLEncoding
		out, _ := json.Marshal(map[string]any{"keys": []any{
			map[string]any{"kty": "RSA", "kid": t.SigningID, "use": "sig", "n": url.EncodeToString(der.N.Bytes()), "e": "AQAB"},
			map[string]any{"kty": "oct", "kid": t.SealingID, "use": "enc", "k": url.EncodeToString(t.Sealing())},
		}})
		return "application/json", string(out)
	case "xml":
		return "application/xml", fmt.Sprintf("<keys><key><kid>%s</kid><value>%s</value></key><key><kid>%s</kid><value>%s</value></key></keys>", t.SigningID, block, t.SealingID, secret)
	case "attributes":
		return "application/xml", fmt.Sprintf(`<ns:authz xmlns:ns="urn:x"><signing kid="%s">%s</signing><encryption kid="%s">%s</encryption></ns:authz>`, t.SigningID, block, t.SealingID, secret)
	case "empty":
		return "application/json", "[]"
	}
	return "", ""
}

package auth

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"hash"
	"strings"

	"sallyport/appliance/sip"
)

// maxDigest bounds credentials; real ones have 400 bytes.
const maxDigest = 4 << 10

// Digest are the credentials that answer a digest challenge (RFC 7616,
// RFC 2617), with quoted values unquoted.
type Digest struct {
	User, Realm, Nonce, URI, Response string
	Algorithm                         string // "MD5" or "SHA-256"
	QOP, CNonce, Count                string // "" without qop (RFC 2069)
}

var errDigest = errors.New("digest credentials cannot be read")

// ParseDigest reads one (Proxy-)Authorization value. ok is false for another
// scheme; an error is digest credentials that cannot be read or that need more
// than edge's own challenge offers.
func ParseDigest(value string) (d Digest, ok bool, err error) {
	scheme, params, _ := strings.Cut(strings.TrimSpace(value), " ")
	if !strings.EqualFold(scheme, "Digest") {
		return Digest{}, false, nil
	}
	if len(value) > maxDigest {
		return Digest{}, true, errDigest
	}
	seen := map[string]bool{}
	for _, p := range sip.Split(params) {
		name, text, _ := strings.Cut(p, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if seen[name] {
			return Digest{}, true, errDigest // two of one kind: another reader might take the other
		}
		seen[name] = true
		d.set(name, unquote(strings.TrimSpace(text)))
	}
	return d, true, d.check()
}

func (d *Digest) set(name, text string) {
	switch name {
	case "username":
		d.User = text
	case "realm":
		d.Realm = text
	case "nonce":
		d.Nonce = text
	case "uri":
		d.URI = text
	case "response":
		d.Response = strings.ToLower(text)
	case "algorithm":
		d.Algorithm = strings.ToUpper(text)
	case "qop":
		d.QOP = strings.ToLower(text)
	case "cnonce":
		d.CNonce = text
	case "nc":
		d.Count = strings.ToLower(text)
	}
}

func (d *Digest) check() error {
	if d.Algorithm == "" {
		d.Algorithm = MD5
	}
	full := d.User != "" && d.Nonce != "" && d.URI != "" && d.Response != ""
	counted := d.QOP == "" || d.QOP == "auth" && d.CNonce != "" && len(d.Count) == 8
	if !full || !counted || newHash(d.Algorithm) == nil {
		return errDigest
	}
	return nil
}

// unquote takes a quoted string apart (RFC 3261 25.1).
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// The algorithms that edge challenges with.
const (
	MD5    = "MD5"
	SHA256 = "SHA-256"
)

func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case MD5:
		return md5.New()
	case SHA256:
		return sha256.New()
	}
	return nil
}

func hashOf(algorithm string, parts ...string) string {
	h := newHash(algorithm)
	for i, p := range parts {
		if i > 0 {
			h.Write([]byte{':'})
		}
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// HA1 is the hash of a user's password for a realm, which stands for the
// password in every digest of that realm.
func HA1(algorithm, user, realm, password string) string {
	return hashOf(algorithm, user, realm, password)
}

// Fits tells whether the credentials were made with ha1 for a request of method.
func (d Digest) Fits(ha1, method string) bool {
	ha2 := hashOf(d.Algorithm, method, d.URI)
	want := ""
	if d.QOP == "" {
		want = hashOf(d.Algorithm, ha1, d.Nonce, ha2)
	} else {
		want = hashOf(d.Algorithm, ha1, d.Nonce, d.Count, d.CNonce, d.QOP, ha2)
	}
	return subtle.ConstantTimeCompare([]byte(want), []byte(d.Response)) == 1
}

// challenge is the value of a challenge header.
func challenge(realm, nonce, algorithm string, stale bool) string {
	c := "Digest realm=" + sip.Quote(realm) + `, nonce="` + nonce + `", algorithm=` + algorithm + `, qop="auth"`
	if stale {
		c += ", stale=true"
	}
	return c
}

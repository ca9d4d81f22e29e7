package lab

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"
)

// digestAnswer is what a client puts into (Proxy-)Authorization.
type digestAnswer struct{ user, password, method, uri string }

// authorize answers a challenge (RFC 2617 MD5 with qop=auth, or none).
func (a digestAnswer) authorize(challenge string, nc int) (string, error) {
	c := digestParams(challenge)
	if alg := c["algorithm"]; alg != "" && !strings.EqualFold(alg, "MD5") {
		return "", fmt.Errorf("lab: digest algorithm %q", alg)
	}
	ha1 := md5hex(a.user + ":" + c["realm"] + ":" + a.password)
	ha2 := md5hex(a.method + ":" + a.uri)
	out := fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", algorithm=MD5`, a.user, c["realm"], c["nonce"], a.uri)
	if c["opaque"] != "" {
		out += fmt.Sprintf(`, opaque="%s"`, c["opaque"])
	}
	if !listHas(c["qop"], "auth") {
		return out + fmt.Sprintf(`, response="%s"`, md5hex(ha1+":"+c["nonce"]+":"+ha2)), nil
	}
	cnonce, count := randomHex(8), fmt.Sprintf("%08x", nc)
	response := md5hex(strings.Join([]string{ha1, c["nonce"], count, cnonce, "auth", ha2}, ":"))
	return out + fmt.Sprintf(`, qop=auth, nc=%s, cnonce="%s", response="%s"`, count, cnonce, response), nil
}

// Authorize answers a challenge as the clients of the lab do, for tests that
// write a request themselves.
func Authorize(user, password, method, uri, challenge string) (string, error) {
	return digestAnswer{user, password, method, uri}.authorize(challenge, 1)
}

// digestServer challenges and checks. Nonces live a while; an old one is
// answered stale, and a nonce count may not be used twice.
type digestServer struct {
	realm    string
	life     time.Duration
	password func(user string) (string, bool)

	mu     sync.Mutex
	nonces map[string]*nonce // bounded by maxNonces
}

type nonce struct {
	made time.Time
	seen map[string]bool // nonce counts, bounded by maxCounts
}

const (
	maxNonces = 20000
	maxCounts = 4096
)

// verdict is what a check of credentials found.
type verdict uint8

const (
	credentialsMissing verdict = iota
	credentialsStale
	credentialsWrong
	credentialsGood
)

func (d *digestServer) challenge(stale bool) string {
	n := randomHex(16)
	d.mu.Lock()
	d.forgetLocked()
	d.nonces[n] = &nonce{made: time.Now(), seen: map[string]bool{}}
	d.mu.Unlock()
	c := fmt.Sprintf(`Digest realm="%s", nonce="%s", qop="auth", algorithm=MD5`, d.realm, n)
	if stale {
		c += ", stale=TRUE"
	}
	return c
}

func (d *digestServer) forgetLocked() {
	for n, v := range d.nonces {
		if len(d.nonces) >= maxNonces || time.Since(v.made) > 2*d.life {
			delete(d.nonces, n)
		}
	}
}

// check verifies one Authorization value and names its user.
func (d *digestServer) check(header, method string) (string, verdict) {
	c := digestParams(header)
	if header == "" || c["realm"] != d.realm {
		return "", credentialsMissing
	}
	password, known := d.password(c["username"])
	if !known || c["response"] != expectedResponse(c, method, password) {
		return c["username"], credentialsWrong
	}
	return c["username"], d.useNonce(c["nonce"], c["nc"])
}

func expectedResponse(c map[string]string, method, password string) string {
	ha1 := md5hex(c["username"] + ":" + c["realm"] + ":" + password)
	ha2 := md5hex(method + ":" + c["uri"])
	if c["qop"] == "" {
		return md5hex(ha1 + ":" + c["nonce"] + ":" + ha2)
	}
	return md5hex(strings.Join([]string{ha1, c["nonce"], c["nc"], c["cnonce"], c["qop"], ha2}, ":"))
}

func (d *digestServer) useNonce(value, count string) verdict {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.nonces[value]
	if n == nil || time.Since(n.made) > d.life || len(n.seen) >= maxCounts || n.seen[count] {
		return credentialsStale
	}
	n.seen[count] = true
	return credentialsGood
}

// digestParams reads the name=value list after the scheme.
func digestParams(header string) map[string]string {
	params := map[string]string{}
	_, list, _ := strings.Cut(strings.TrimSpace(header), " ")
	for _, part := range splitList(list) {
		k, v, _ := strings.Cut(part, "=")
		params[strings.ToLower(strings.TrimSpace(k))] = strings.Trim(strings.TrimSpace(v), `"`)
	}
	return params
}

func listHas(list, token string) bool {
	for _, v := range strings.Split(list, ",") {
		if strings.EqualFold(strings.TrimSpace(v), token) {
			return true
		}
	}
	return false
}

func md5hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

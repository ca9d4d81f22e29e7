package turn

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/pion/turn/v5"
)

// Secret is what an edge's credentials of logins come from. Nobody else has it.
type Secret []byte

// Key is what a core needs to make credentials for users of one domain. It is
// worth nothing for another domain.
func (s Secret) Key(domain string) []byte {
	mac := hmac.New(sha256.New, s)
	mac.Write([]byte("turn\x00" + domain))
	return mac.Sum(nil)
}

// Credential makes the user name and password by which a user may use TURN
// until ends: the name carries the end and the user, the password proves it.
// That is the form that TURN servers and clients share as "REST API".
func Credential(key []byte, user, domain string, ends time.Time) (name, password string) {
	name = strconv.FormatInt(ends.Unix(), 10) + ":" + user + "@" + domain
	return name, proof(key, name)
}

func proof(key []byte, name string) string {
	mac := hmac.New(sha1.New, key)
	mac.Write([]byte(name))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// maxLife bounds how far in the future a credential may end, so that a core
// that was owned cannot make any for ever.
const maxLife = 8 * 24 * time.Hour

// maxName bounds a user name.
const maxName = 512

// owner finds who a user name is, and its key. Static accounts go first.
func (s Secret) owner(p *Plan, name string, now time.Time) (user string, key []byte, ok bool) {
	if len(name) > maxName {
		return "", nil, false
	}
	if password, has := p.Accounts[name]; has {
		return "account " + name, turn.GenerateAuthKey(name, p.Realm, password), true
	}
	when, user, _ := strings.Cut(name, ":")
	at := strings.LastIndexByte(user, '@')
	ends, err := strconv.ParseInt(when, 10, 64)
	if err != nil || at <= 0 || ends < now.Unix() || ends > now.Add(maxLife).Unix() {
		return "", nil, false
	}
	return user, turn.GenerateAuthKey(name, p.Realm, proof(s.Key(user[at+1:]), name)), true
}

package auth

import (
	"fmt"
	"io"
	"strings"
	"time"

	"sallyport/appliance/sip"
)

// Accounts are the local credentials as core's own registrar asks for them:
// core challenges and decides at once.
type Accounts struct {
	vault  *Vault
	nonces *Nonces
}

// NewAccounts returns the accounts of a vault.
func NewAccounts(vault *Vault, clock func() time.Time, rand io.Reader) (*Accounts, error) {
	nonces, err := NewNonces(clock, rand)
	if err != nil {
		return nil, fmt.Errorf("nonce key: %w", err)
	}
	return &Accounts{vault, nonces}, nil
}

// Apply sets the limits of nonces.
func (a *Accounts) Apply(l NonceLimits) { a.nonces.Apply(l) }

// Challenge is the value of a WWW-Authenticate for a realm. It is MD5, which
// every endpoint knows: there is room for one.
func (a *Accounts) Challenge(realm string, stale bool) (string, error) {
	nonce, err := a.nonces.New(realm)
	return challenge(realm, nonce, MD5, stale), err
}

// Check reads an Authorization value and names the user whom it proves in the
// realm, for a request of that method and Request-URI; stale says that only the
// nonce was at fault. Somebody unknown costs the time of a wrong password.
func (a *Accounts) Check(realm, method, uri, credentials string) (user string, stale, ok bool) {
	d, digest, err := ParseDigest(credentials)
	if !digest || err != nil || d.Realm != realm || !sameTarget(d.URI, uri) {
		return "", false, false
	}
	password, known := a.vault.plan.Load().password(bareUser(d.User), realm)
	if fits := d.Fits(HA1(d.Algorithm, d.User, realm, password), method); !known || !fits {
		return "", false, false
	}
	if !a.nonces.Use(realm, d.Nonce, d.Count) {
		return "", true, false
	}
	return bareUser(d.User), false, true
}

// sameTarget tells whether credentials were made for a Request-URI: for its user
// and host, since endpoints leave out of one what they write into the other.
func sameTarget(digest, request string) bool {
	if digest == request {
		return true
	}
	d, err := sip.ParseURI(digest)
	r, fault := sip.ParseURI(request)
	return err == nil && fault == nil && d.User == r.User && strings.EqualFold(d.Host, r.Host)
}

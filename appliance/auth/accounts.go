package auth

import (
	"fmt"
	"io"
	"time"
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
// realm; stale says that only the nonce was at fault.
func (a *Accounts) Check(realm, method, credentials string) (user string, stale, ok bool) {
	d, digest, err := ParseDigest(credentials)
	if !digest || err != nil || d.Realm != realm {
		return "", false, false
	}
	password, known := a.vault.plan.Load().password(bareUser(d.User), realm)
	if !known || !d.Fits(HA1(d.Algorithm, d.User, realm, password), method) {
		return "", false, false
	}
	if !a.nonces.Use(realm, d.Nonce, d.Count) {
		return "", true, false
	}
	return bareUser(d.User), false, true
}

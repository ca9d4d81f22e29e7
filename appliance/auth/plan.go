package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// Mode is how the users of a domain prove who they are to SIP.
type Mode string

// The modes of SIP Domain Authentication.
const (
	Passthrough Mode = "Passthrough" // call control challenges
	Delegated   Mode = "Delegated"   // edge challenges, core decides
	Token       Mode = "Token"       // an access token, which core checks
)

// Modes reads how each domain's users sign in, by domain in lower case.
func Modes(snap *config.Snapshot) map[string]Mode {
	modes := map[string]Mode{}
	for _, i := range snap.Indexes(xapi.SIPDomainName.Item) {
		if name := snap.Str(xapi.SIPDomainName, i); name != "" {
			modes[uc.Canonical(name)] = Mode(snap.Enum(xapi.SIPDomainAuthentication, i))
		}
	}
	return modes
}

// Plan is what core's decisions need of the configuration.
type Plan struct {
	Modes       map[string]Mode
	Credentials map[string]string // local passwords by name
	Keys        []uc.TokenKey     // imported by an administrator
	Nonce       NonceLimits       // of core's own registrar
	Extra       time.Duration     // by which a token lives longer for SIP
}

// PlanFrom reads core's plan. An error names keys that cannot be used; the rest
// can be applied.
func PlanFrom(snap *config.Snapshot) (Plan, error) {
	p := Plan{
		Modes: Modes(snap), Credentials: map[string]string{}, Nonce: noncesFrom(snap),
		Extra: time.Duration(snap.Int(xapi.SSOSipTokenExtraTTL)) * time.Second,
	}
	for _, i := range snap.Indexes(xapi.CredentialName.Item) {
		if name, password := snap.Str(xapi.CredentialName, i), snap.Secret(xapi.CredentialPassword, i); name != "" && password != "" {
			p.Credentials[strings.ToLower(name)] = password
		}
	}
	var errs []error
	for _, i := range snap.Indexes(xapi.TokenKeyPublisher.Item) {
		k, err := tokenKeyFrom(snap, i)
		if err != nil {
			errs = append(errs, fmt.Errorf("token keys of %s: %w", k.Publisher, err))
			continue
		}
		p.Keys = append(p.Keys, k)
	}
	return p, errors.Join(errs...)
}

func tokenKeyFrom(snap *config.Snapshot, i int) (uc.TokenKey, error) {
	k := uc.TokenKey{
		Publisher: snap.Str(xapi.TokenKeyPublisher, i), Deployment: snap.Int(xapi.TokenKeyDeployment, i),
		SigningID: snap.Str(xapi.TokenKeySigningID, i), SealingID: snap.Str(xapi.TokenKeyEncryptionID, i),
	}
	var err error
	if k.Signing, err = base64.StdEncoding.DecodeString(snap.Str(xapi.TokenKeySigning, i)); err != nil {
		return k, errors.New("signing key is not base64")
	}
	if k.Sealing, err = base64.StdEncoding.DecodeString(snap.Secret(xapi.TokenKeyEncryption, i)); err != nil {
		return k, errors.New("encryption key is not base64")
	}
	_, err = usable(k)
	return k, err
}

// Check refuses token keys that could not be used. It is a config.Check.
func Check(snap *config.Snapshot) error {
	var errs []error
	for _, i := range snap.Indexes(xapi.TokenKeyPublisher.Item) {
		if snap.Str(xapi.TokenKeySigning, i) == "" || snap.Secret(xapi.TokenKeyEncryption, i) == "" {
			continue // typed line by line
		}
		if k, err := tokenKeyFrom(snap, i); err != nil {
			errs = append(errs, fmt.Errorf("token keys of %s: %w", k.Publisher, err))
		}
	}
	return errors.Join(errs...)
}

// password is the local one of a user: that of the whole name counts before
// that of a name which is good for all domains.
func (p Plan) password(user, domain string) (string, bool) {
	user = strings.ToLower(user)
	if password, ok := p.Credentials[user+"@"+domain]; ok {
		return password, true
	}
	password, ok := p.Credentials[user]
	return password, ok
}

// GuardPlan is what edge needs of the configuration.
type GuardPlan struct {
	Nonce      NonceLimits
	Cache      CacheLimits
	Algorithms []string // of challenges, the preferred one first
	Retries    int      // wrong answers in a row before an owner has to wait
	Status     int      // of challenges: 407 or 401
}

// GuardPlanFrom reads edge's plan.
func GuardPlanFrom(snap *config.Snapshot) GuardPlan {
	p := GuardPlan{
		Nonce: noncesFrom(snap),
		Cache: CacheLimits{
			On: snap.Bool(xapi.DigestCacheMode), Lifetime: seconds(snap, xapi.DigestCacheLifetime),
			Sweep: seconds(snap, xapi.DigestCacheExpireCheckInterval), Limit: snap.Int(xapi.DigestCacheLimit),
		},
		Retries: snap.Int(xapi.SIPAuthenticationRetryLimit), Status: 407,
	}
	if snap.Enum(xapi.SIPAuthenticationChallenge) == "401" {
		p.Status = 401
	}
	for _, a := range strings.Split(snap.Str(xapi.SIPAuthenticationAlgorithms), ",") {
		if newHash(a) != nil {
			p.Algorithms = append(p.Algorithms, a)
		}
	}
	return p
}

func noncesFrom(snap *config.Snapshot) NonceLimits {
	return NonceLimits{
		Expire: seconds(snap, xapi.NonceExpireDelta), Length: snap.Int(xapi.NonceLength),
		Limit: snap.Int(xapi.NonceLimit), Uses: snap.Int(xapi.NonceMaximumUseCount),
	}
}

func seconds(snap *config.Snapshot, row xapi.Int) time.Duration {
	return time.Duration(snap.Int(row)) * time.Second
}

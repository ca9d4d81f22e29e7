package auth

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"sallyport/appliance/uc"
)

// minBits is the least that a cluster's signing key may have.
const minBits = 2048

// sealingBytes is the length of a content key: half of it signs, half of it
// seals (RFC 7518 5.2.3).
const sealingBytes = 32

// Keys are the token keys of all clusters, by where they stem from. Whoever
// brings keys (discovery, an administrator's import) sets all of its own at
// once. All methods may be called from any goroutine.
type Keys struct {
	onFault func(k uc.TokenKey, broken bool, why string) // the alarm of a cluster

	mu     sync.Mutex
	keys   map[string][]*clusterKey // by source
	counts map[Fault]int
	good   int
}

// clusterKey is a TokenKey that can be used.
type clusterKey struct {
	uc.TokenKey
	source  string
	public  *rsa.PublicKey
	issuer  string // of its ids, or learned from the first token that fits
	good    int
	bad     int
	broken  bool
	fitted  time.Time // when a token last did
	lastBad string
}

// NewKeys returns an empty set. onFault is told when tokens of a cluster stop
// fitting its keys, and when they fit again; nil: nobody is.
func NewKeys(onFault func(k uc.TokenKey, broken bool, why string)) *Keys {
	if onFault == nil {
		onFault = func(uc.TokenKey, bool, string) {}
	}
	return &Keys{onFault: onFault, keys: map[string][]*clusterKey{}, counts: map[Fault]int{}}
}

// Set makes keys all that a source has. A key that cannot be used is left out
// and named in the error.
func (k *Keys) Set(source string, keys []uc.TokenKey) error {
	var errs []error
	k.mu.Lock()
	defer k.mu.Unlock()
	before := k.keys[source]
	var now []*clusterKey
	for _, raw := range keys {
		if raw.Deployment == 0 {
			raw.Deployment = uc.DefaultDeployment
		}
		if i := slices.IndexFunc(before, func(c *clusterKey) bool { return same(c.TokenKey, raw) }); i >= 0 {
			now = append(now, before[i])
			continue
		}
		c, err := usable(raw)
		if err != nil {
			errs = append(errs, fmt.Errorf("token keys of %s: %w", raw.Publisher, err))
			continue
		}
		c.source = source
		now = append(now, c)
	}
	k.keys[source] = now
	for _, c := range before {
		if !slices.Contains(now, c) && c.broken {
			k.onFault(c.TokenKey, false, "")
		}
	}
	return errors.Join(errs...)
}

func same(a, b uc.TokenKey) bool {
	return a.Publisher == b.Publisher && a.Deployment == b.Deployment && a.SigningID == b.SigningID && a.SealingID == b.SealingID &&
		slices.Equal(a.Signing, b.Signing) && slices.Equal(a.Sealing, b.Sealing)
}

// usable checks a cluster's keys.
func usable(t uc.TokenKey) (*clusterKey, error) {
	any, err := x509.ParsePKIXPublicKey(t.Signing)
	if err != nil {
		return nil, fmt.Errorf("signing key cannot be read: %w", err)
	}
	public, ok := any.(*rsa.PublicKey)
	switch {
	case !ok:
		return nil, errors.New("signing key is no RSA key")
	case public.N.BitLen() < minBits:
		return nil, fmt.Errorf("signing key has %d bits; at least %d are needed", public.N.BitLen(), minBits)
	case len(t.Sealing) != sealingBytes:
		return nil, fmt.Errorf("encryption key has %d bytes, not %d", len(t.Sealing), sealingBytes)
	case t.SigningID != "" && t.SealingID != "" && issuerOf(t.SigningID) != issuerOf(t.SealingID):
		return nil, errors.New("signing and encryption key are of different issuers")
	}
	issuer := issuerOf(t.SigningID)
	if issuer == "" {
		issuer = issuerOf(t.SealingID)
	}
	return &clusterKey{TokenKey: t, public: public, issuer: issuer}, nil
}

// Verify checks an access token for users of a deployment and tells whose it
// is; extra is added to its life. The error is a Fault. An expired token's
// claims are returned with the error.
func (k *Keys) Verify(deployment int, token string, now time.Time, extra time.Duration) (Claims, error) {
	c, err := k.verify(deployment, token, now, extra)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		k.good++
		return c, nil
	}
	var f Fault
	if !errors.As(err, &f) {
		f = Malformed
	}
	k.counts[f]++
	return c, f
}

func (k *Keys) verify(deployment int, token string, now time.Time, extra time.Duration) (Claims, error) {
	jws, err := parseOuter(token)
	if err != nil {
		return Claims{}, err
	}
	kid := jws.Signatures[0].Protected.KeyID
	issuer := issuerOf(kid)
	if issuer == "" {
		return Claims{}, Malformed
	}
	candidates, named, known := k.candidates(deployment, kid)
	for _, c := range candidates {
		payload, err := jws.Verify(c.public)
		if err != nil {
			continue
		}
		in, err := openInner(payload, c.Sealing, issuer)
		if err != nil {
			if errors.Is(err, Sealed) {
				k.note(c, issuer, "the signature of a token fits, but its claims cannot be opened", now)
			}
			return Claims{}, err
		}
		out, err := in.check(issuer, now, extra)
		out.Publisher = c.Publisher
		k.note(c, issuer, "", now)
		return out, err
	}
	if named {
		return Claims{}, Forged
	}
	if known != nil {
		k.suspect(known, issuer, now)
	}
	return Claims{}, UnknownKey
}

// candidates are the keys that may have signed a token with a key id: that of
// the id, which is named then, else those of the same issuer and those whose
// cluster tells no ids. An id is a hash of the key, but of which of its forms is
// not published, so one that differs proves nothing, where a signature that fits
// does. known is a key of the same issuer, if there is one.
func (k *Keys) candidates(deployment int, kid string) (out []*clusterKey, named bool, known *clusterKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range k.allLocked() {
		if c.Deployment != deployment {
			continue
		}
		if c.SigningID == kid {
			return []*clusterKey{c}, true, c
		}
		if c.issuer == issuerOf(kid) {
			known = c
		}
		if c.issuer == issuerOf(kid) || c.issuer == "" {
			out = append(out, c)
		}
	}
	return out, false, known
}

// allLocked lists the keys of all sources, in a fixed order.
func (k *Keys) allLocked() []*clusterKey {
	var all []*clusterKey
	for _, source := range slices.Sorted(maps.Keys(k.keys)) {
		all = append(all, k.keys[source]...)
	}
	return all
}

// believed is how long keys are taken for right after a token fitted them.
const believed = 10 * time.Minute

// suspect keeps that a token names a cluster and is signed by no key that is
// known here. Anybody can write such a token: it counts when none has fitted for
// a while.
func (k *Keys) suspect(c *clusterKey, issuer string, now time.Time) {
	k.mu.Lock()
	fits := now.Before(c.fitted.Add(believed))
	k.mu.Unlock()
	if !fits {
		k.note(c, issuer, "a token of the cluster is signed by a key that is not known here", now)
	}
}

// note keeps what a token showed about a cluster's keys; why is empty if they
// fit.
func (k *Keys) note(c *clusterKey, issuer, why string, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c.issuer == "" {
		c.issuer = issuer
	}
	was := c.broken
	c.broken, c.lastBad = why != "", why
	if why == "" {
		c.good++
		c.fitted = now
	} else {
		c.bad++
	}
	if c.broken != was {
		k.onFault(c.TokenKey, c.broken, why)
	}
}

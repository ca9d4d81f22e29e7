package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Admits judges the access tokens that the peers of trunks show. Its methods may
// be called from any goroutine.
type Admits struct {
	cfg TrunksConfig
	of  atomic.Pointer[map[string]*admit] // by zone; replaced whole
}

// admit is one trunk with the keys that its tokens are signed by.
type admit struct {
	Admit
	client *http.Client
	slot   chan struct{} // one asks for keys at a time

	mu    sync.Mutex // guards all below
	keys  []jose.JSONWebKey
	stale time.Time // when to ask again, if a token comes
	dead  time.Time // from when on the keys are not believed any more
	retry time.Time // after a failure, or for an id that is not known
}

// ErrKeys tells that keys have to be fetched before a token can be judged.
var ErrKeys = errors.New("the keys of the token's issuer are not known")

const (
	keysFresh = time.Hour
	keysLast  = 24 * time.Hour // where the issuer cannot be reached
	keysPause = 10 * time.Second
)

// NewAdmits returns Admits without any.
func NewAdmits(cfg TrunksConfig) *Admits {
	a := &Admits{cfg: cfg}
	a.of.Store(&map[string]*admit{})
	return a
}

// Apply makes the trunks those of a plan; what did not change keeps its keys. One
// call at a time.
func (a *Admits) Apply(plan []Admit) {
	old, now := *a.of.Load(), map[string]*admit{}
	for _, p := range plan {
		key := strings.ToLower(p.Zone)
		if was := old[key]; was != nil && was.Admit == p {
			now[key] = was
			continue
		}
		now[key] = &admit{Admit: p, slot: make(chan struct{}, 1), client: tokenClient(p.Keys, a.cfg.Resolver, a.cfg.TLS)}
	}
	a.of.Store(&now)
	for key, was := range old {
		if now[key] != was {
			was.client.CloseIdleConnections()
			a.cfg.Trouble(was.Zone, false, "")
		}
	}
}

// Has tells whether a zone's peers have to show tokens; nil Admits have none.
func (a *Admits) Has(zone string) bool {
	return a != nil && (*a.of.Load())[strings.ToLower(zone)] != nil
}

// Challenge asks a zone's peer for a token (RFC 8898); err is what was wrong with
// the one that came, nil if none did.
func (a *Admits) Challenge(zone, realm string, err error) string {
	c := `Bearer realm="` + realm + `"`
	is := (*a.of.Load())[strings.ToLower(zone)]
	if is != nil && strings.HasPrefix(is.Issuer, "https://") {
		c += `, authz_server="` + quotable(is.Issuer) + `"`
	}
	if is != nil && is.Scope != "" {
		c += `, scope="` + quotable(is.Scope) + `"`
	}
	var f Fault
	switch {
	case errors.As(err, &f) && f == Scope:
		c += `, error="insufficient_scope"`
	case errors.As(err, &f):
		c += `, error="invalid_token", error_description="` + f.Error() + `"`
	}
	return c
}

// quotable is a setting without what would end a quoted string.
func quotable(s string) string { return strings.NewReplacer(`"`, "", `\`, "").Replace(s) }

// Check judges a token that a zone's peer shows. The error is a Fault, or ErrKeys
// where Refresh may bring the keys that are missing.
func (a *Admits) Check(zone, token string) error {
	is := (*a.of.Load())[strings.ToLower(zone)]
	if is == nil {
		return UnknownKey
	}
	jws, err := parseSigned(token)
	if err != nil {
		return err
	}
	now := a.cfg.Clock()
	keys, err := is.keysFor(jws.Signatures[0].Protected.KeyID, now)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if payload, err := jws.Verify(k.Key); err == nil {
			return is.judge(payload, now)
		}
	}
	return Forged
}

// keysFor are the keys that may have signed a token: that of its key id, or all if
// it has none.
func (is *admit) keysFor(kid string, now time.Time) (all []jose.JSONWebKey, err error) {
	is.mu.Lock()
	defer is.mu.Unlock()
	may := !now.Before(is.retry) // ask for others
	if may && !now.Before(is.stale) {
		return nil, ErrKeys
	}
	if !now.Before(is.dead) {
		return nil, ErrKeys
	}
	for _, k := range is.keys {
		if kid == "" || k.KeyID == "" || k.KeyID == kid {
			all = append(all, k)
		}
	}
	switch {
	case len(all) > 0:
		return all, nil
	case may:
		return nil, ErrKeys
	}
	return nil, UnknownKey
}

// Refresh brings the keys of a zone's issuer. It blocks while the issuer is asked.
func (a *Admits) Refresh(ctx context.Context, zone string) {
	is := (*a.of.Load())[strings.ToLower(zone)]
	if is == nil {
		return
	}
	select {
	case is.slot <- struct{}{}:
		defer func() { <-is.slot }()
	case <-ctx.Done():
		return
	}
	now := a.cfg.Clock()
	is.mu.Lock()
	early := now.Before(is.retry)
	is.mu.Unlock()
	if early {
		return // somebody else has asked
	}
	keys, err := is.fetch(ctx)
	is.mu.Lock()
	if is.retry = now.Add(keysPause); err == nil {
		is.keys, is.stale, is.dead = keys, now.Add(keysFresh), now.Add(keysLast)
	}
	is.mu.Unlock()
	if err != nil {
		a.cfg.Trouble(is.Zone, true, err.Error())
		return
	}
	a.cfg.Trouble(is.Zone, false, "")
}

// fetch asks the issuer for its keys (RFC 7517 5).
func (is *admit) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, is.Keys, nil)
	if err != nil {
		return nil, errors.New("the address of the keys is no URL")
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := is.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("keys of the issuer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("keys of the issuer: answer %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("keys of the issuer: %w", err)
	}
	return readKeySet(body)
}

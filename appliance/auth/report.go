package auth

import (
	"crypto/sha256"
	"encoding/hex"

	"sallyport/appliance/xapi"
)

// Report shows the token keys and what tokens came to (xStatus Authzkeys). Keys
// are named by their hashes only.
func (k *Keys) Report(t *xapi.Node) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, c := range k.allLocked() {
		n := t.Nth("Authzkey", i+1)
		n.Str("Publisher", c.Publisher)
		n.Int("DeploymentId", c.Deployment)
		n.Str("Source", c.source)
		n.Str("Issuer", c.issuer)
		n.Str("SigningKey", fingerprint(c.Signing))
		n.Str("EncryptionKey", fingerprint(c.Sealing))
		if c.broken {
			n.Leaf("Status", "Failed").Str("Cause", c.lastBad)
		} else {
			n.Leaf("Status", "Active")
		}
		n.Int("Accepted", c.good)
	}
	refused := 0
	for f, n := range k.counts {
		if f != Expired {
			refused += n
		}
	}
	t.Add("Tokens").Int("Accepted", k.good).Int("Expired", k.counts[Expired]).Int("Refused", refused)
}

func fingerprint(key []byte) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:])
}

// Report shows how often edge had to ask core (xStatus Authentication).
func (g *Guard) Report(t *xapi.Node) {
	d := t.Add("Digest")
	d.Int("Asked", int(g.asked.Load())).Int("Accepted", int(g.right.Load())).Int("Wrong", int(g.wrong.Load()))
	g.cache.mu.Lock()
	defer g.cache.mu.Unlock()
	d.Add("Cache").Int("Entries", g.cache.order.Len()).Int("Hits", g.cache.hits).Int("Misses", g.cache.misses)
}

// Report shows what single sign-on came to (xStatus Edgesso).
func (s *SSO) Report(t *xapi.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, what := range []string{"Requests", "Responses", "TokenRequests", "Refused"} {
		t.Int(what, s.counts[what])
	}
	t.Int("Pending", len(s.pending.all))
	t.Int("Tokens", s.cfg.Tokens.Len())
}

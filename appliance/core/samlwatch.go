package core

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport/appliance/auth"
	"sallyport/appliance/xapi"
)

// samlWatch knows what identity providers were told of this core, and by which
// addresses browsers really come: an identity provider sends nobody to an
// address that is not in its copy of core's metadata.
type samlWatch struct {
	mu   sync.Mutex
	idps map[string]auth.IdP        // by domain
	seen map[string]map[string]bool // by domain: addresses that browsers were answered at
}

// exported is what the metadata of a domain said when it was last written.
type exported struct {
	Print     string   // of core's certificate
	Consumers []string // addresses
}

const (
	maxExports   = 200 // domains
	maxConsumers = 64  // of one domain; names in edges' certificates are no more

	idpWarning = 30 * 24 * time.Hour // before the last certificate of an identity provider ends
)

// plan takes over which domains have an identity provider.
func (w *samlWatch) plan(idps map[string]auth.IdP) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idps = maps.Clone(idps)
	maps.DeleteFunc(w.seen, func(d string, _ map[string]bool) bool { _, has := idps[d]; return !has })
}

// came notes an address at which a browser begins to sign in.
func (w *samlWatch) came(domain, consumer string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, has := w.idps[domain]; !has || len(w.seen[domain]) >= maxConsumers {
		return
	}
	if w.seen == nil {
		w.seen = map[string]map[string]bool{}
	}
	if w.seen[domain] == nil {
		w.seen[domain] = map[string]bool{}
	}
	w.seen[domain][consumer] = true
}

func (c *Core) samlExports() table { return c.cfg.State.Table("samlexports", maxExports) }

// table is what is used of a state.Table here.
type table interface {
	Put(key string, val []byte, ttl time.Duration) error
	Get(key string) ([]byte, bool)
}

// noteExport remembers what the identity provider of a domain will be told.
func (c *Core) noteExport(domain string, cert *x509.Certificate, consumers []string) error {
	text, err := json.Marshal(exported{printOf(cert), consumers})
	if err != nil {
		return err
	}
	return c.samlExports().Put(domain, text, 0)
}

func printOf(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

// lookSAML keeps the alarms of identity providers that know an older core than
// this, and of those whose word will count no more.
func (c *Core) lookSAML() {
	c.saml.mu.Lock()
	idps, seen := maps.Clone(c.saml.idps), map[string][]string{}
	for d, all := range c.saml.seen {
		seen[d] = slices.Sorted(maps.Keys(all))
	}
	c.saml.mu.Unlock()
	var changed, ending []string
	for domain, idp := range idps {
		if why := c.metadataChanged(domain, seen[domain]); why != "" {
			changed = append(changed, domain)
			c.cfg.Alarms.Raise(xapi.AlarmSAMLMetadata, domain, why)
		}
		if why := idpEnds(idp, c.cfg.Clock()); why != "" {
			ending = append(ending, idp.Name)
			c.cfg.Alarms.Raise(xapi.AlarmIdPCertificate, idp.Name, why)
		}
	}
	c.cfg.Alarms.Keep(xapi.AlarmSAMLMetadata, changed...)
	c.cfg.Alarms.Keep(xapi.AlarmIdPCertificate, ending...)
}

// metadataChanged says what an identity provider does not know yet of a domain
// whose metadata was exported once.
func (c *Core) metadataChanged(domain string, seen []string) string {
	text, ok := c.samlExports().Get(domain)
	var e exported
	if !ok || json.Unmarshal(text, &e) != nil {
		return ""
	}
	again := fmt.Sprintf("export it anew by xCommand EdgeSSOMetadataExport Domain: %s, and give it to the identity provider.", domain)
	if key, err := c.spKey(); err == nil && printOf(key.Certificate) != e.Print {
		return "The certificate of this core is another one than in the metadata of " + domain + ": " + again
	}
	missing := slices.DeleteFunc(slices.Clone(seen), func(s string) bool { return slices.Contains(e.Consumers, s) })
	if len(missing) == 0 {
		return ""
	}
	return fmt.Sprintf("Users of %s sign in at %s, which is not in the metadata: %s", domain, strings.Join(missing, ", "), again)
}

// idpEnds says when the last certificate by which an identity provider signs
// has ended or is about to.
func idpEnds(p auth.IdP, now time.Time) string {
	var last time.Time
	for _, der := range p.Certificates {
		if cert, err := x509.ParseCertificate(der); err == nil && cert.NotAfter.After(last) {
			last = cert.NotAfter
		}
	}
	if last.IsZero() || now.Add(idpWarning).Before(last) {
		return ""
	}
	verb := "ends"
	if now.After(last) {
		verb = "ended"
	}
	return fmt.Sprintf("The last certificate of identity provider %s %s on %s: import its new metadata by xCommand EdgeSSOIdPImport Name: %s.",
		p.Name, verb, last.UTC().Format(time.DateOnly), p.Name)
}

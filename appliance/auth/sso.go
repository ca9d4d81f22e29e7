package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"

	"context"

	"sallyport/appliance/door"
	"sallyport/appliance/state"
)

// SSOConfig is what single sign-on needs of core.
type SSOConfig struct {
	Log    *slog.Logger
	Clock  func() time.Time
	Rand   io.Reader // of cryptographic quality
	Tokens *state.Table
	Key    func() (SPKey, error)
	// Home lists the call control nodes of a user's home cluster, the best first;
	// nodes of any cluster of the deployment for "".
	Home func(ctx context.Context, deployment int, user string) ([]string, error)
	// Upstream reaches them.
	Upstream http.RoundTripper
	// MayTry counts an attempt of a user's password from a source; not ok: there
	// were too many, for wait. Nil: no matter how many.
	MayTry func(deployment int, user, source string) (wait time.Duration, ok bool)
	// NoGuess says that an attempt was right, or that nobody could judge it; nil
	// where MayTry is.
	NoGuess func(deployment int, source string, right bool)
}

// SSO is core's end of single sign-on: it sends a browser to the identity
// provider of its domain, checks what that says, has the user's home cluster
// give a token or a code for it, and hands that to the client. All methods may
// be called from any goroutine.
//
//	authorize ─▶ identity provider ─▶ fedlet ─▶ home cluster ─▶ oauthcb
type SSO struct {
	cfg    SSOConfig
	visits *door.Ration[string] // by source
	signed *door.Ration[string] // of strangers and others
	known  *door.Ration[string] // sources from which somebody signed in
	slots  chan struct{}        // a place for each question to a cluster

	mu      sync.Mutex
	plan    SSOPlan
	pending *waiting
	seen    map[string]time.Time // assertions, until they would be too old anyway
	counts  map[string]int
	paths   map[string]string // token endpoint by node, once known
}

// A Client is who stands before a lane, before any login.
type Client struct {
	Domain     string
	Deployment int
	Source     string
	Trace      string
	URL        func(lane string) string // of a lane, as the client reaches it
	// Pin brings the browser back to this core for a lane; nil: there is no other.
	Pin func(lane string, life time.Duration) *http.Cookie
}

// Bounds of what strangers can make grow.
const (
	maxAssertions = 50_000
	maxVisits     = 60 // of a source in a minute
	maxAsked      = 64 // questions to clusters at a time; the others wait

	// maxSigned bounds in a minute what all sources together have core sign, a
	// millisecond of a processor each and several on a small one. Those from
	// which somebody signed in within knownTime have as much for themselves, so
	// that strangers, be they many, keep nobody out who was here before.
	maxSigned = 1800
	knownTime = 30 * 24 * time.Hour
)

// NewSSO returns single sign-on that is off.
func NewSSO(cfg SSOConfig) *SSO {
	return &SSO{
		cfg: cfg, visits: door.NewRation[string](cfg.Clock), signed: door.NewRation[string](cfg.Clock), known: door.NewRation[string](cfg.Clock), slots: make(chan struct{}, maxAsked),
		pending: newWaiting(), seen: map[string]time.Time{}, counts: map[string]int{}, paths: map[string]string{},
	}
}

// Apply makes a plan the one in force. Who is on the way goes on.
func (s *SSO) Apply(p SSOPlan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan = p
}

func (s *SSO) current() SSOPlan {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plan
}

// welcome counts a visit; false: the source comes too often. Whoever has a whole
// IPv6 network is one source, and others are never refused for his sake.
func (s *SSO) welcome(source string) bool {
	_, ok := s.visits.Take(door.Named(source), maxVisits, time.Minute)
	return ok
}

// maySign counts a signature, which costs core far more than asking for it
// costs a stranger; not ok: there were too many, for wait.
func (s *SSO) maySign(source string) (wait time.Duration, ok bool) {
	who := "strangers"
	if s.known.Has(door.Named(source), knownTime) {
		who = "known"
	}
	return s.signed.Take(who, maxSigned, time.Minute)
}

// first notes an assertion; false: it was here before.
func (s *SSO) first(a assertion) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Clock()
	if len(s.seen) >= maxAssertions {
		maps.DeleteFunc(s.seen, func(_ string, until time.Time) bool { return !now.Before(until) })
	}
	if _, again := s.seen[a.id]; again || len(s.seen) >= maxAssertions {
		return false
	}
	s.seen[a.id] = a.expires
	return true
}

func (s *SSO) count(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[what]++
}

// ClearStatus sets the counters to zero.
func (s *SSO) ClearStatus() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.counts)
}

// issued is an opaque token that a cluster gave through us: only we know here
// whose it is. The table keeps its hash.
type issued struct {
	User       string
	Deployment int
	Expires    time.Time
}

func hashed(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func (s *SSO) issue(token, user string, deployment int, life time.Duration) error {
	v, err := json.Marshal(issued{user, deployment, s.cfg.Clock().Add(life)})
	if err != nil {
		return err
	}
	return s.cfg.Tokens.Put(hashed(token), v, life)
}

// Verify tells whose an opaque token is that was given through us.
func (s *SSO) Verify(deployment int, token string) (user string, expires time.Time, ok bool) {
	v, found := s.cfg.Tokens.Get(hashed(token))
	var t issued
	if !found || json.Unmarshal(v, &t) != nil || t.Deployment != deployment {
		return "", time.Time{}, false
	}
	return t.User, t.Expires, true
}

// DeleteTokens forgets the opaque tokens of a user, "" of all, and tells how
// many there were.
func (s *SSO) DeleteTokens(user string) (n int) {
	s.cfg.Tokens.Range(func(key string, v []byte, _ time.Time) bool {
		var t issued
		if json.Unmarshal(v, &t) == nil && (user == "" || t.User == user) {
			s.cfg.Tokens.Delete(key)
			n++
		}
		return true
	})
	return n
}

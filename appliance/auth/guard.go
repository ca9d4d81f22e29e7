package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/door"
	"sallyport/appliance/run"
)

// GuardConfig is what edge gives its guard.
type GuardConfig struct {
	Log   *slog.Logger
	Clock func() time.Time
	Rand  io.Reader // of cryptographic quality
	// Ask puts a question to a core of a traversal zone.
	Ask func(ctx context.Context, zone string, question []byte) ([]byte, error)
	// Trouble is told whether core could decide for a domain: it cannot be asked,
	// or (off) it is not set up to decide. nil error: all is well.
	Trouble func(domain string, off bool, err error)
}

// Guard is edge's end of delegated credentials: it challenges, asks core, and
// keeps core's decisions in the digest cache. All methods may be called from any
// goroutine.
type Guard struct {
	cfg    GuardConfig
	nonces *Nonces
	cache  *Cache
	plan   atomic.Pointer[GuardPlan]
	queue  chan job

	mu       sync.Mutex
	failures map[failureKey]*failure

	sources *door.Ration[netip.Prefix] // what may be guesses, by source

	asked, wrong, right atomic.Int64
}

// An Attempt is one request that wants to be let in.
type Attempt struct {
	Domain string // lower case; the realm
	Zone   string // traversal zone whose core decides
	Owner  string // address of record that is registered
	Method string
	URI    string // Request-URI
	From   netip.Addr
	Rows   []string // all Authorization and Proxy-Authorization values
	Trace  string
}

// A Verdict says what to do with an attempt: let it in, or answer with Status.
type Verdict struct {
	User      string // who it is, "" if it is not let in
	Status    int
	Reason    string
	Challenge []string // values of the challenge header, if Status asks for one
	Wait      int      // seconds for Retry-After, 0: none
	Row       int      // of Attempt.Rows, which is edge's own and goes no further
}

type job struct {
	attempt Attempt
	digest  Digest
	row     int
	done    func(Verdict)
}

// How many questions may wait for core at a time, and how long one may.
const (
	workers    = 16
	maxWaiting = 512
	patience   = 5 * time.Second
)

// maxRows bounds the credentials of one request that are looked at.
const maxRows = 8

// NewGuard returns a guard that is not running.
func NewGuard(cfg GuardConfig) (*Guard, error) {
	nonces, err := NewNonces(cfg.Clock, cfg.Rand)
	if err != nil {
		return nil, fmt.Errorf("nonce key: %w", err)
	}
	g := &Guard{cfg: cfg, nonces: nonces, cache: NewCache(cfg.Clock), queue: make(chan job, maxWaiting), failures: map[failureKey]*failure{}, sources: door.NewRation[netip.Prefix](cfg.Clock)}
	g.plan.Store(&GuardPlan{Status: 407, Algorithms: []string{MD5}})
	return g, nil
}

// Apply makes a plan the one in force.
func (g *Guard) Apply(p GuardPlan) {
	g.plan.Store(&p)
	g.nonces.Apply(p.Nonce)
	g.cache.Apply(p.Cache)
}

// Run asks core until ctx ends.
func (g *Guard) Run(ctx context.Context) error {
	group := run.NewGroup(g.cfg.Log)
	group.Add("digest cache", g.cache.Run)
	for range workers {
		group.Add("questions", g.work)
	}
	return group.Run(ctx)
}

func (g *Guard) work(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case j := <-g.queue:
			j.done(g.ask(ctx, j))
		}
	}
}

// Forget drops what the digest cache keeps about a user, "" about everybody.
func (g *Guard) Forget(user string) { g.cache.Forget(user) }

// Status is the answer that challenges are sent with.
func (g *Guard) Status() int { return g.plan.Load().Status }

// Decide judges an attempt and calls done once: before it returns if that can
// be told here, else later from a goroutine of the guard.
func (g *Guard) Decide(a Attempt, done func(Verdict)) {
	d, row, why := g.own(a)
	switch {
	case errors.Is(why, errDigest):
		done(Verdict{Status: 400, Reason: "Credentials cannot be read"})
		return
	case why != nil:
		done(g.challenge(a, errors.Is(why, errStale)))
		return
	case d.URI != a.URI:
		done(Verdict{Status: 400, Reason: "Digest uri is not the Request-URI"})
		return
	}
	if ha1, ok := g.cache.get(keyOf(a, d)); ok && d.Fits(ha1, a.Method) {
		done(g.admit(a, d, row, bareUser(d.User)))
		return
	}
	if wait := g.punished(failureOf(a.Owner, a.From)); wait > 0 {
		done(tooManyWrong(wait))
		return
	}
	select {
	case g.queue <- job{a, d, row, done}:
	default:
		done(Verdict{Status: 503, Reason: "Too many sign-ins at a time", Wait: 5})
	}
}

func tooManyWrong(wait int) Verdict {
	return Verdict{Status: 403, Reason: "Too many wrong passwords", Wait: wait}
}

func keyOf(a Attempt, d Digest) cacheKey { return cacheKey{d.Algorithm, d.User, d.Realm, a.Owner} }

var (
	errNone  = errors.New("no credentials")
	errStale = errors.New("nonce is stale")
)

// own finds the credentials that answer edge's challenge. Others are for
// whoever is behind.
func (g *Guard) own(a Attempt) (Digest, int, error) {
	why := errNone
	for i, row := range a.Rows[:min(len(a.Rows), maxRows)] {
		d, digest, err := ParseDigest(row)
		if !digest || d.Realm != a.Domain {
			continue
		}
		if _, mine := g.nonces.made(d.Realm, d.Nonce); !mine {
			why = errStale
			continue
		}
		switch {
		case err != nil:
			return Digest{}, i, errDigest
		case !g.nonces.Fresh(d.Realm, d.Nonce):
			return Digest{}, i, errStale
		}
		return d, i, nil
	}
	return Digest{}, 0, why
}

// challenge asks for credentials, in each algorithm once (RFC 8760).
func (g *Guard) challenge(a Attempt, stale bool) Verdict {
	plan := g.plan.Load()
	v := Verdict{Status: plan.Status, Reason: "Unauthorized"}
	if plan.Status == 407 {
		v.Reason = "Proxy Authentication Required"
	}
	nonce, err := g.nonces.New(a.Domain)
	if err != nil {
		return Verdict{Status: 500, Reason: "Server Internal Error"}
	}
	for _, algorithm := range plan.Algorithms {
		v.Challenge = append(v.Challenge, challenge(a.Domain, nonce, algorithm, stale))
	}
	return v
}

// Challenge asks a user of a domain once more whose answer was right, but whom
// core does not know by it.
func (g *Guard) Challenge(domain string) []string {
	return g.challenge(Attempt{Domain: domain}, true).Challenge
}

// ask has core decide.
func (g *Guard) ask(ctx context.Context, j job) Verdict {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	a := j.attempt
	k := failureOf(a.Owner, a.From)
	if wait := g.punished(k); wait > 0 {
		return tooManyWrong(wait) // for guesses that came while this one waited
	}
	if wait := g.mayGuess(k.from); wait > 0 {
		return tooManyWrong(wait)
	}
	q := Question{Domain: a.Domain, Owner: a.Owner, Method: a.Method, Digest: j.digest, Keep: g.cache.On()}
	g.asked.Add(1)
	out, err := g.cfg.Ask(ctx, a.Zone, q.Encode())
	var answer Answer
	if err == nil {
		answer, err = DecodeAnswer(out)
	}
	if err != nil || answer.Off || answer.OK {
		g.noGuess(k.from)
	}
	if err == nil && answer.Off {
		g.cfg.Trouble(a.Domain, true, errors.New(answer.Why))
		return Verdict{Status: 403, Reason: "Core does not decide for this domain"}
	}
	g.cfg.Trouble(a.Domain, false, err)
	switch {
	case err != nil:
		g.cfg.Log.Warn("credentials not decided", "event", "failed", "user", j.digest.User, "err", err, "trace", a.Trace)
		return Verdict{Status: 503, Reason: "Credentials cannot be checked now", Wait: 5}
	case !answer.OK:
		g.fail(k)
		g.cfg.Log.Info("sip denied", "event", "denied", "method", a.Method, "rule", "credentials", "why", answer.Why,
			"user", j.digest.User, "from", a.Owner, "peer", a.From.String(), "trace", a.Trace)
		return g.challenge(a, false)
	}
	if answer.HA1 != "" {
		g.cache.put(keyOf(a, j.digest), answer.HA1)
	}
	return g.admit(a, j.digest, j.row, answer.User)
}

// admit lets a right answer in, unless it was given before.
func (g *Guard) admit(a Attempt, d Digest, row int, user string) Verdict {
	if !g.nonces.Use(d.Realm, d.Nonce, d.Count) {
		return g.challenge(a, true)
	}
	g.right.Add(1)
	g.forgive(failureOf(a.Owner, a.From))
	return Verdict{User: user, Row: row}
}

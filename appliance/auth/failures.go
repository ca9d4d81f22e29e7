package auth

import (
	"net/netip"
	"strings"
	"time"

	"sallyport/appliance/door"
)

// failureKey is who guesses at whose password. It is no source alone: many
// phones share one.
type failureKey struct {
	from  netip.Prefix
	owner string // lower case: local credentials are good for any spelling
}

type failure struct {
	count int
	until time.Time
}

// punishment is how long an owner has to wait after too many wrong answers.
const punishment = time.Minute

// maxFailures bounds what is remembered; then a share of the memories goes.
const maxFailures = 10_000

// manyOwners is how much more one source may guess for all owners than for one
// within a punishment's time.
const manyOwners = 20

func failureOf(owner string, from netip.Addr) failureKey {
	return failureKey{door.Source(from), strings.ToLower(owner)}
}

func (g *Guard) fail(k failureKey) {
	g.wrong.Add(1)
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.cfg.Clock()
	f := g.failures[k]
	if f == nil || !now.Before(f.until) {
		if f == nil && len(g.failures) >= maxFailures {
			g.dropFailuresLocked(now)
		}
		f = &failure{}
		g.failures[k] = f
	}
	f.count++
	f.until = now.Add(punishment)
}

func (g *Guard) dropFailuresLocked(now time.Time) {
	for k, f := range g.failures {
		if !now.Before(f.until) {
			delete(g.failures, k)
		}
	}
	for k := range g.failures { // any will do
		if len(g.failures) <= maxFailures*7/8 {
			return
		}
		delete(g.failures, k)
	}
}

// mayGuess counts an attempt that may be a wrong one of a source, for whomever:
// seconds to wait, 0: it may. noGuess takes it back.
func (g *Guard) mayGuess(from netip.Prefix) int {
	wait, ok := g.sources.Take(from, manyOwners*g.plan.Load().Retries, punishment)
	if ok {
		return 0
	}
	return int(wait/time.Second) + 1
}

func (g *Guard) noGuess(from netip.Prefix) { g.sources.Give(from) }

func (g *Guard) forgive(k failureKey) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.failures, k)
}

// punished is how many seconds an owner still has to wait, 0: none.
func (g *Guard) punished(k failureKey) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.failures[k]
	if f == nil || f.count < g.plan.Load().Retries {
		return 0
	}
	return max(0, int(f.until.Sub(g.cfg.Clock()).Round(time.Second)/time.Second))
}

// Where call control judges passwords itself, edge sees its answers only, and
// holds whoever guesses to the same bounds: Refused says how many seconds an
// attempt has to wait, 0: it may go on; Wrong and Right are what came of one.

// Refused is how long an attempt that carries credentials has to wait.
func (g *Guard) Refused(owner string, from netip.Addr) int {
	k := failureOf(owner, from)
	if wait := g.punished(k); wait > 0 {
		return wait
	}
	if g.sources.Spent(k.from, manyOwners*g.plan.Load().Retries, punishment) {
		return int(punishment / time.Second)
	}
	return 0
}

// Wrong counts an attempt that was refused.
func (g *Guard) Wrong(owner string, from netip.Addr) {
	k := failureOf(owner, from)
	g.fail(k)
	g.mayGuess(k.from)
}

// Right forgives an owner, whose password it was, and his source what he had
// wrong.
func (g *Guard) Right(owner string, from netip.Addr) {
	k := failureOf(owner, from)
	g.mu.Lock()
	f := g.failures[k]
	delete(g.failures, k)
	g.mu.Unlock()
	if f == nil {
		return
	}
	for range f.count {
		g.noGuess(k.from)
	}
}

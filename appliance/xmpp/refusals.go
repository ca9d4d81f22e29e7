package xmpp

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// refusals are how the nodes of each domain refuse a wrong password, or
// challenge: after how long, and in which words. Who has no live login reaches no
// node, and is refused likewise, so that nobody learns by trying who has one.
type refusals struct {
	mu sync.Mutex
	of map[manners]*manner
}

// manners are those of a domain's nodes at a step of a login.
type manners struct {
	domain string
	at     step
}

// A manner is what the nodes of one domain did last.
type manner struct {
	took  [32]time.Duration
	next  int // the times go round
	known int
	words string
}

const (
	usualRefusal = 250 * time.Millisecond // where no node has refused anybody yet
	longRefusal  = 3 * time.Second        // what took longer was trouble of a node
	maxWords     = 1 << 10
)

// learn notes a refusal of a node, or a challenge, which has no words. Refusals
// of other things than a wrong password say something about a user.
func (r *refusals) learn(of manners, took time.Duration, words []byte) {
	if took > longRefusal || len(words) > maxWords || words != nil && !strings.Contains(string(words), "not-authorized") {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = map[manners]*manner{}
	}
	m := r.of[of]
	if m == nil {
		m = &manner{}
		r.of[of] = m
	}
	m.took[m.next], m.words = took, string(words)
	m.next = (m.next + 1) % len(m.took)
	m.known = min(m.known+1, len(m.took))
}

// like waits as long as a node would take, or until ctx ends, and returns the
// refusal.
func (r *refusals) like(ctx context.Context, of manners) string {
	wait, words := r.manner(of)
	pause := time.NewTimer(wait)
	defer pause.Stop()
	select {
	case <-ctx.Done():
	case <-pause.C:
	}
	return words
}

// manner is one of the times that it took lately, give or take an eighth.
func (r *refusals) manner(of manners) (time.Duration, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	took, words := usualRefusal, saslFailure("not-authorized")
	if m := r.of[of]; m != nil {
		took, words = m.took[rand.IntN(m.known)], m.words
	}
	return took - took/8 + rand.N(took/4+1), words
}

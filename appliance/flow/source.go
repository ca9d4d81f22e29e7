package flow

import (
	"container/list"
	"math"
	"net/netip"
	"sync"

	"golang.org/x/time/rate"

	"sallyport/appliance/door"
)

// sources remembers who came lately, by address (IPv6 by /64, which one
// subscriber has): how many connections of theirs are not authenticated, and
// how fast they ask. The least lately seen are forgotten when it is full.
type sources struct {
	shards [sourceShards]sourceShard
}

const sourceShards = 16

type sourceShard struct {
	mu    sync.Mutex
	most  int
	rate  rate.Limit
	burst int
	held  map[netip.Prefix]*list.Element
	order list.List // of *source, the latest in front
}

type source struct {
	who   netip.Prefix
	conns int
	rate  *rate.Limiter
}

func (s *sources) shard(who netip.Prefix) *sourceShard {
	b := who.Addr().As16()
	return &s.shards[(b[15]^b[14]*31^b[7]^b[6]*31^b[5]*17)%sourceShards]
}

// resize takes new limits over; who is known keeps the old rate until forgotten.
func (s *sources) resize(l *Limits) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		sh.most, sh.rate, sh.burst = max(l.Sources/sourceShards, 16), rate.Limit(l.SourceRate), l.SourceBurst
		if sh.held == nil {
			sh.held = map[netip.Prefix]*list.Element{}
		}
		sh.mu.Unlock()
	}
}

// enter counts one more connection of a source, if it may have one.
func (s *sources) enter(a netip.Addr, most int) bool {
	who := door.Source(a)
	sh := s.shard(who)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	src := sh.getLocked(who)
	if src.conns >= most {
		return false
	}
	src.conns++
	return true
}

// join counts one more, whatever the bound.
func (s *sources) join(a netip.Addr) { s.enter(a, math.MaxInt) }

func (s *sources) leave(a netip.Addr) {
	who := door.Source(a)
	sh := s.shard(who)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if e := sh.held[who]; e != nil {
		e.Value.(*source).conns--
	}
}

// limiter is the token bucket of a source.
func (s *sources) limiter(a netip.Addr) *rate.Limiter {
	who := door.Source(a)
	sh := s.shard(who)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	src := sh.getLocked(who)
	if src.rate == nil {
		src.rate = rate.NewLimiter(sh.rate, sh.burst)
	}
	return src.rate
}

func (sh *sourceShard) getLocked(who netip.Prefix) *source {
	if e := sh.held[who]; e != nil {
		sh.order.MoveToFront(e)
		return e.Value.(*source)
	}
	sh.forgetLocked()
	src := &source{who: who}
	sh.held[who] = sh.order.PushFront(src)
	return src
}

// forgetLocked makes room. Those that hold connections stay: they are bounded
// by the limit of connections.
func (sh *sourceShard) forgetLocked() {
	e := sh.order.Back()
	for looked := 0; len(sh.held) >= sh.most && e != nil && looked < 32; looked++ {
		before := e.Prev()
		if src := e.Value.(*source); src.conns == 0 {
			delete(sh.held, src.who)
			sh.order.Remove(e)
		}
		e = before
	}
}

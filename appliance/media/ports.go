package media

import (
	"errors"
	"math/rand/v2"
	"time"
)

// ErrPorts says that every port pair is in use or resting.
var ErrPorts = errors.New("no media port pair is free; widen Traversal Media Port Start and End")

// portPool hands out even/odd pairs. Pairs come in an order that nobody can
// guess, and a pair that was used rests, so that late packets of one call
// never meet the next. Callers hold the relay's lock.
type portPool struct {
	free []restingPair // ready ones first: pairs come back at the end
	next int           // free[:next] were handed out
	used map[uint16]struct{}
	rest time.Duration
}

type restingPair struct {
	port  uint16
	ready time.Time
}

func newPortPool(start, end int, rest time.Duration, seed uint64) *portPool {
	p := &portPool{used: map[uint16]struct{}{}, rest: rest}
	p.fill(start, end, seed, nil)
	return p
}

// fill puts every pair of the range that is not in use into the queue, and
// keeps the rest of those that rest.
func (p *portPool) fill(start, end int, seed uint64, resting map[uint16]time.Time) {
	p.free, p.next = p.free[:0], 0
	for port := start + start&1; port+1 <= end; port += 2 {
		if _, inUse := p.used[uint16(port)]; !inUse {
			p.free = append(p.free, restingPair{uint16(port), resting[uint16(port)]})
		}
	}
	shuffle := rand.New(rand.NewPCG(seed, seed))
	shuffle.Shuffle(len(p.free), func(i, j int) { p.free[i], p.free[j] = p.free[j], p.free[i] })
}

// setRange changes the range; pairs in use stay with their calls.
func (p *portPool) setRange(start, end int, seed uint64) {
	resting := map[uint16]time.Time{}
	for _, r := range p.free[p.next:] {
		resting[r.port] = r.ready
	}
	p.fill(start, end, seed, resting)
	p.sortReady()
}

// sortReady moves those that never rested to the front.
func (p *portPool) sortReady() {
	var fresh, resting []restingPair
	for _, r := range p.free {
		if r.ready.IsZero() {
			fresh = append(fresh, r)
		} else {
			resting = append(resting, r)
		}
	}
	p.free = append(fresh, resting...)
}

// take hands out the even port of a pair.
func (p *portPool) take(now time.Time) (uint16, error) {
	if p.next == len(p.free) || now.Before(p.free[p.next].ready) {
		return 0, ErrPorts
	}
	port := p.free[p.next].port
	p.next++
	p.used[port] = struct{}{}
	if p.next > 64 && p.next*2 > len(p.free) {
		p.free, p.next = append(p.free[:0], p.free[p.next:]...), 0
	}
	return port, nil
}

// give puts a pair back to rest.
func (p *portPool) give(port uint16, now time.Time) {
	if _, ok := p.used[port]; ok {
		delete(p.used, port)
		p.free = append(p.free, restingPair{port, now.Add(p.rest)})
	}
}

// inUse is how many pairs are handed out.
func (p *portPool) inUse() int { return len(p.used) }

package turn

import (
	"errors"
	"math/rand/v2"
	"time"
)

// errPorts says that every relay port is in use or resting.
var errPorts = errors.New("no relay port is free; widen Traversal Server TURN Media Port Start and End")

// rest is how long a port waits for its next relay, so that late packets of
// one never meet the other.
const rest = 2 * time.Minute

// pool hands out relay ports at random. Its owner locks it.
type pool struct {
	start, end int
	used       map[uint16]int       // how many relays, of both families and transports
	resting    map[uint16]time.Time // until when
}

func newPool() pool { return pool{used: map[uint16]int{}, resting: map[uint16]time.Time{}} }

// take finds a free port, an even one if asked for.
func (p *pool) take(now time.Time, even bool) (uint16, error) {
	n := p.end - p.start + 1
	if n <= 0 {
		return 0, errPorts
	}
	first := rand.IntN(n)
	for i := range n {
		port := uint16(p.start + (first+i)%n)
		if even && port%2 != 0 || !p.free(port, now) {
			continue
		}
		p.used[port]++
		return port, nil
	}
	return 0, errPorts
}

// want takes a certain port.
func (p *pool) want(port uint16, now time.Time) error {
	if int(port) < p.start || int(port) > p.end || !p.free(port, now) {
		return errPorts
	}
	p.used[port]++
	return nil
}

func (p *pool) free(port uint16, now time.Time) bool {
	if p.used[port] > 0 {
		return false
	}
	until, rests := p.resting[port]
	if rests && !now.Before(until) {
		delete(p.resting, port)
		rests = false
	}
	return !rests
}

// give puts a port back, to rest unless it was never told to anybody.
func (p *pool) give(port uint16, now time.Time, told bool) {
	if p.used[port]--; p.used[port] <= 0 {
		delete(p.used, port)
		if told {
			p.resting[port] = now.Add(rest)
		}
	}
}

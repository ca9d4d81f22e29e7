package core

import (
	"net/netip"
	"sync"
	"time"

	"sallyport/appliance/flow"
	"sallyport/appliance/signaling"
)

// reach remembers where targets were reached last. A connection that is there
// already is used at once, by the reader itself: so messages of one connection
// leave in the order in which they came, and cost no goroutine.
type reach struct {
	clock func() time.Time

	mu   sync.Mutex
	last map[reachKey]reached
}

type reachKey struct {
	network, host string
	port          int
}

type reached struct {
	addr  netip.AddrPort
	until time.Time
}

const (
	// A name is looked up again after this time, and the next best peer given
	// up for a better one that has come back.
	reachLife = 30 * time.Second
	// Inside systems may write any host into a URI.
	maxReached = 1024
)

func newReach(clock func() time.Time) *reach {
	return &reach{clock: clock, last: map[reachKey]reached{}}
}

func (t target) key() reachKey { return reachKey{t.network, t.host, t.port} }

// note keeps what a look-up and a dial have led to.
func (r *reach) note(t target, addr netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.last) >= maxReached {
		clear(r.last)
	}
	r.last[t.key()] = reached{addr, r.clock().Add(reachLife)}
}

// of is the address of a target: its own, or the one that it had lately.
func (r *reach) of(t target) (netip.AddrPort, bool) {
	if addr, err := netip.ParseAddr(t.host); err == nil {
		return netip.AddrPortFrom(addr, defaultPort(t)), true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	known, ok := r.last[t.key()]
	return known.addr, ok && r.clock().Before(known.until)
}

// names tells whether one of the names that led to an address is such a one.
func (r *reach) names(a netip.Addr, such func(host string) bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k, v := range r.last {
		if v.addr.Addr() == a && such(k.host) {
			return true
		}
	}
	return false
}

// opened is a connection to the target that is there already, or nil.
func (c *Core) opened(t target) signaling.Conn {
	if t.conn != nil {
		return t.conn
	}
	addr, ok := c.reach.of(t)
	if !ok || !c.mayBe(t, addr.Addr()) {
		return nil
	}
	if conn := c.flows.Lookup(c.flowTarget(t, addr)); conn != nil {
		return conn
	}
	return nil
}

func (c *Core) flowTarget(t target, addr netip.AddrPort) flow.Target {
	return flow.Target{Network: t.network, Addr: addr, ServerName: t.serverName(), TLS: c.clientTLS(t), Zone: t.zone}
}

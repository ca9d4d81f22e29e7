package turn

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"sallyport/appliance/door"
)

// book knows every relay, so that all bounds hold over all listeners. Its
// methods may be called from any goroutine.
type book struct {
	clock func() time.Time

	mu     sync.Mutex
	pool   pool
	users  map[string]int       // relays by owner
	source map[netip.Prefix]int // relays by who a client's address counts as
	relays map[string]*entry    // by the client's address
	wrong  map[netip.Prefix]*wrongs

	total, most, refused, denied int64
}

// entry is one relay.
type entry struct {
	client  net.Addr
	over    string // how the client comes: UDP, TCP or TLS
	user    string
	relayed net.Addr
	since   time.Time
	peers   map[netip.Addr]struct{}
	chans   int
}

type wrongs struct {
	since time.Time
	count int
}

func newBook(clock func() time.Time) *book {
	return &book{
		clock: clock, pool: newPool(), users: map[string]int{}, source: map[netip.Prefix]int{},
		relays: map[string]*entry{}, wrong: map[netip.Prefix]*wrongs{},
	}
}

// place names a client's address: the same number may come over UDP and TCP.
func place(a net.Addr) string { return a.Network() + " " + a.String() }

// setRange changes the ports for new relays.
func (b *book) setRange(start, end int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pool.start, b.pool.end = start, end
}

// room tells whether a user at an address may have one more relay.
func (b *book) room(user string, client net.Addr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	ok := b.users[user] < mostOf(user) && b.source[door.Source(door.AddrPort(client).Addr())] < maxSource
	if !ok {
		b.refused++
	}
	return ok
}

func mostOf(user string) int {
	if len(user) > 8 && user[:8] == "account " {
		return maxAccount
	}
	return maxUser
}

// take gives a user a port; 0 wants any. A user without a name looks for an
// even port, which is given back at once and wanted again.
func (b *book) take(user string, want int) (uint16, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock()
	if user != "" && b.users[user] >= mostOf(user) {
		b.refused++
		return 0, errPorts
	}
	port, err := uint16(want), error(nil)
	if want != 0 {
		err = b.pool.want(port, now)
	} else {
		port, err = b.pool.take(now, user == "")
	}
	if err != nil {
		b.refused++
		return 0, err
	}
	if user != "" {
		b.users[user]++
	}
	return port, nil
}

// give takes it back.
func (b *book) give(user string, port uint16, told bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pool.give(port, b.clock(), told)
	if user == "" {
		return
	}
	if b.users[user]--; b.users[user] <= 0 {
		delete(b.users, user)
	}
}

// created and deleted follow what there is.
func (b *book) created(client net.Addr, over, user string, relayed net.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.relays[place(client)] = &entry{client: client, over: over, user: user, relayed: relayed, since: b.clock(), peers: map[netip.Addr]struct{}{}}
	b.source[door.Source(door.AddrPort(client).Addr())]++
	b.total++
	b.most = max(b.most, int64(len(b.relays)))
}

func (b *book) deleted(client net.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.relays[place(client)] == nil {
		return
	}
	delete(b.relays, place(client))
	who := door.Source(door.AddrPort(client).Addr())
	if b.source[who]--; b.source[who] <= 0 {
		delete(b.source, who)
	}
}

// crowded tells whether a relay has all the peers or channels that it may;
// peers that it has already may be asked for again.
func (b *book) crowded(client net.Addr, peer netip.Addr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.relays[place(client)]
	if e == nil {
		return false
	}
	_, has := e.peers[peer]
	return !has && len(e.peers) >= maxPermissions || e.chans >= maxChannels
}

func (b *book) permission(client net.Addr, peer netip.Addr, there bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.relays[place(client)]
	switch {
	case e == nil:
	case there:
		e.peers[peer] = struct{}{}
	default:
		delete(e.peers, peer)
	}
}

func (b *book) channel(client net.Addr, by int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.relays[place(client)]; e != nil {
		e.chans += by
	}
}

// guessed notes a wrong password; guesses tells whether a source has to wait.
func (b *book) guessed(client net.Addr) {
	who := door.Source(door.AddrPort(client).Addr())
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock()
	w := b.wrong[who]
	if w == nil || now.Sub(w.since) > wrongPeriod {
		if w == nil && len(b.wrong) >= maxWrongKept {
			b.sweepLocked(now)
		}
		w = &wrongs{since: now}
		b.wrong[who] = w
	}
	w.count++
}

// sweepLocked forgets whose time is over, and everybody if that is nobody.
func (b *book) sweepLocked(now time.Time) {
	for who, w := range b.wrong {
		if now.Sub(w.since) > wrongPeriod {
			delete(b.wrong, who)
		}
	}
	if len(b.wrong) >= maxWrongKept {
		clear(b.wrong)
	}
}

func (b *book) guesses(client net.Addr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.wrong[door.Source(door.AddrPort(client).Addr())]
	return w != nil && w.count >= maxWrong && b.clock().Sub(w.since) <= wrongPeriod
}

func (b *book) deny() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.denied++
}

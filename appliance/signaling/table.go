package signaling

import (
	"hash/maphash"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"sallyport/appliance/sip"
)

const shards = 16

// magic begins every branch made by an RFC 3261 element.
const magic = "z9hG4bK"

// serverKey finds a server transaction (RFC 3261 17.2.3). On a reliable
// transport the connection stands for the sender, elsewhere its address does.
type serverKey struct {
	conn   uint64
	from   netip.AddrPort
	branch string
	method string
}

func keyOf(c Conn, m *sip.Message, method string) serverKey {
	k := serverKey{branch: m.Branch(), method: method}
	if c.Reliable() {
		k.conn = c.ID()
	} else {
		k.from = c.Remote()
	}
	if !strings.HasPrefix(k.branch, magic) {
		k.branch = oldKey(m)
	}
	return k
}

// oldKey identifies a request of an RFC 2543 element, which makes no unique
// branch. To is left out, so that an ACK finds its INVITE.
func oldKey(m *sip.Message) string {
	n, _ := m.CSeq()
	via := ""
	if rows := m.Rows("Via"); len(rows) > 0 {
		via = rows[0]
	}
	return strings.Join([]string{m.URI(), m.FromTag(), m.CallID(), strconv.FormatUint(uint64(n), 10), via}, "\x00")
}

// serverTable is the bounded table of server transactions.
type serverTable struct {
	limit  int64
	held   atomic.Int64
	seed   maphash.Seed
	shards [shards]struct {
		mu   sync.Mutex
		held map[serverKey]*transaction
	}
}

func (s *serverTable) init(limit int) {
	s.limit, s.seed = int64(limit), maphash.MakeSeed()
	for i := range s.shards {
		s.shards[i].held = map[serverKey]*transaction{}
	}
}

func (s *serverTable) find(k serverKey) *transaction {
	sh := &s.shards[maphash.String(s.seed, k.branch)%shards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.held[k]
}

// reserve counts one more transaction if there is room; release takes it back.
func (s *serverTable) reserve() bool {
	if s.held.Add(1) > s.limit {
		s.held.Add(-1)
		return false
	}
	return true
}

func (s *serverTable) release() { s.held.Add(-1) }

// add returns the transaction that already has t's key, or puts t there.
func (s *serverTable) add(t *transaction) *transaction {
	sh := &s.shards[maphash.String(s.seed, t.key.branch)%shards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if old := sh.held[t.key]; old != nil {
		return old
	}
	sh.held[t.key] = t
	return nil
}

func (s *serverTable) remove(t *transaction) {
	sh := &s.shards[maphash.String(s.seed, t.key.branch)%shards]
	sh.mu.Lock()
	delete(sh.held, t.key)
	sh.mu.Unlock()
}

// clientTable finds a branch by the identifier that was put in its Via. It is
// bounded by the server table, since each transaction has one branch at a time.
type clientTable struct {
	seed   maphash.Seed
	shards [shards]struct {
		mu   sync.Mutex
		held map[string]*branch
	}
}

func (c *clientTable) init() {
	c.seed = maphash.MakeSeed()
	for i := range c.shards {
		c.shards[i].held = map[string]*branch{}
	}
}

func (c *clientTable) find(id string) *branch {
	sh := &c.shards[maphash.String(c.seed, id)%shards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.held[id]
}

func (c *clientTable) add(b *branch) {
	sh := &c.shards[maphash.String(c.seed, b.id)%shards]
	sh.mu.Lock()
	sh.held[b.id] = b
	sh.mu.Unlock()
}

func (c *clientTable) remove(b *branch) {
	sh := &c.shards[maphash.String(c.seed, b.id)%shards]
	sh.mu.Lock()
	delete(sh.held, b.id)
	sh.mu.Unlock()
}

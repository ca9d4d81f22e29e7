package signaling

import (
	"encoding/binary"
	"hash/maphash"
	"sync"
	"time"

	"sallyport/appliance/sip"
)

// answeredTable finds answered INVITEs by branch identifier. All of them stay
// for the same time, so that the oldest is the first to go; it also goes where
// there would be too many. They lie one behind the other in pages of bytes, and
// the maps lead to places in those: whatever their number, the collector finds
// a page, not a record.
type answeredTable struct {
	limit int
	seed  maphash.Seed

	mu       sync.Mutex
	held     map[uint64]place              // by digest of the branch's identifier
	requests map[uint64]struct{}           // digests of the INVITEs' keys: a repeat of one is absorbed
	edits    map[uint64]func(*sip.Message) // of those that kept none, by digest as held
	pages    []page                        // the oldest first
	first    uint32                        // number of pages[0]
	conns    connSeats
	proxy    *Proxy
}

// page is a run of records. Each has a head of headSize and what appendTo wrote.
type page struct {
	bytes []byte
	begin int // of the oldest that is held
}

// place is where a record lies.
type place struct{ page, at uint32 }

const (
	pageSize = 64 << 10
	headSize = 36 // size, over and back: 4 bytes each; id, request and until: 8
)

func (t *answeredTable) init(p *Proxy, limit int) {
	t.proxy, t.limit, t.seed = p, limit, maphash.MakeSeed()
	t.held, t.requests, t.edits = map[uint64]place{}, map[uint64]struct{}{}, map[uint64]func(*sip.Message){}
	t.conns.at = map[Conn]uint32{}
}

// knows tells whether an INVITE of that key was answered.
func (t *answeredTable) knows(k serverKey) bool {
	digest := maphash.Comparable(t.seed, k)
	t.mu.Lock()
	defer t.mu.Unlock()
	_, is := t.requests[digest]
	return is
}

// find takes a copy of one out; nil: there is none.
func (t *answeredTable) find(id string) *answered {
	digest := maphash.String(t.seed, id)
	t.mu.Lock()
	defer t.mu.Unlock()
	at, is := t.held[digest]
	if !is {
		return nil
	}
	raw := t.pages[at.page-t.first].bytes[at.at:]
	h := headOf(raw)
	a := &answered{back: t.conns.seats[h.back].conn, response: t.edits[digest], until: h.until}
	a.proxy, a.over = t.proxy, t.conns.seats[h.over].conn
	a.read(raw[headSize:h.size])
	return a
}

// add takes one in, by the identifier of its branch and the key of its INVITE,
// and lets go of those whose time is over at now.
func (t *answeredTable) add(a *answered, id string, k serverKey, now time.Duration) {
	h := head{id: maphash.String(t.seed, id), request: maphash.Comparable(t.seed, k), until: a.until}
	var room [512]byte
	raw := a.appendTo(room[:headSize])
	h.size = uint32(len(raw))
	t.mu.Lock()
	defer t.mu.Unlock()
	h.over, h.back = t.conns.take(a.over), t.conns.take(a.back)
	h.write(raw)
	t.held[h.id], t.requests[h.request] = t.storeLocked(raw), struct{}{}
	if a.response != nil {
		t.edits[h.id] = a.response
	}
	for len(t.pages) > 0 {
		oldest := t.oldestLocked()
		if oldest.until > now && len(t.held) <= t.limit {
			return
		}
		t.dropLocked(oldest)
	}
}

// storeLocked puts a record behind the newest.
func (t *answeredTable) storeLocked(raw []byte) place {
	last := len(t.pages) - 1
	if last < 0 || len(t.pages[last].bytes)+len(raw) > cap(t.pages[last].bytes) {
		t.pages = append(t.pages, page{bytes: make([]byte, 0, max(pageSize, len(raw)))})
		last++
	}
	p := &t.pages[last]
	at := place{t.first + uint32(last), uint32(len(p.bytes))}
	p.bytes = append(p.bytes, raw...)
	return at
}

// expire lets go of those whose time is over, and returns when the next one's
// is; 0: there is none.
func (t *answeredTable) expire(now time.Duration) (next time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.pages) > 0 {
		oldest := t.oldestLocked()
		if oldest.until > now {
			return oldest.until
		}
		t.dropLocked(oldest)
	}
	return 0
}

// oldestLocked is that of the first page, of which there must be one.
func (t *answeredTable) oldestLocked() head { return headOf(t.pages[0].bytes[t.pages[0].begin:]) }

func (t *answeredTable) dropLocked(oldest head) {
	delete(t.held, oldest.id)
	delete(t.requests, oldest.request)
	delete(t.edits, oldest.id)
	t.conns.leave(oldest.over)
	t.conns.leave(oldest.back)
	p := &t.pages[0]
	if p.begin += int(oldest.size); p.begin < len(p.bytes) {
		return
	}
	t.pages[0] = page{}
	t.pages = t.pages[1:]
	t.first++
}

// head is what the table knows of a record.
type head struct {
	size, over, back uint32
	id, request      uint64
	until            time.Duration
}

func (h head) write(b []byte) {
	binary.LittleEndian.PutUint32(b, h.size)
	binary.LittleEndian.PutUint32(b[4:], h.over)
	binary.LittleEndian.PutUint32(b[8:], h.back)
	binary.LittleEndian.PutUint64(b[12:], h.id)
	binary.LittleEndian.PutUint64(b[20:], h.request)
	binary.LittleEndian.PutUint64(b[28:], uint64(h.until))
}

func headOf(b []byte) head {
	return head{
		size: binary.LittleEndian.Uint32(b), over: binary.LittleEndian.Uint32(b[4:]), back: binary.LittleEndian.Uint32(b[8:]),
		id: binary.LittleEndian.Uint64(b[12:]), request: binary.LittleEndian.Uint64(b[20:]),
		until: time.Duration(binary.LittleEndian.Uint64(b[28:])),
	}
}

// connSeats gives each connection that records name a number, for as long as
// one does.
type connSeats struct {
	seats []connSeat
	at    map[Conn]uint32
	free  []uint32
}

type connSeat struct {
	conn Conn
	held int
}

func (s *connSeats) take(c Conn) uint32 {
	n, is := s.at[c]
	switch {
	case is:
	case len(s.free) > 0:
		n = s.free[len(s.free)-1]
		s.free = s.free[:len(s.free)-1]
	default:
		n = uint32(len(s.seats))
		s.seats = append(s.seats, connSeat{})
	}
	s.at[c] = n
	s.seats[n].conn = c
	s.seats[n].held++
	return n
}

func (s *connSeats) leave(n uint32) {
	seat := &s.seats[n]
	if seat.held--; seat.held > 0 {
		return
	}
	delete(s.at, seat.conn)
	*seat = connSeat{}
	s.free = append(s.free, n)
}

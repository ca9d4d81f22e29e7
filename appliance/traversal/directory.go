package traversal

import (
	"cmp"
	"slices"
)

// directory is what the message path reads: who is up, over which
// connections. It is immutable and replaced at each change.
type directory struct{ up []*entry }

type entry struct {
	link  *link
	peer  Peer
	slots [sipConns]*Conn
	whole bool // every connection is up
}

// Conn returns the connection for a dialog, whose Call-ID is the order key:
// the same one for the same key as long as it is up. peer zero takes any peer
// of the zone, the same one for the same key, one that is not in maintenance and
// wholly up if there is one. An empty zone means any zone.
func (l *Links) Conn(zone string, peer PeerID, orderKey string) (*Conn, error) {
	key := hash(orderKey)
	e := l.dir.Load().find(zone, peer, key)
	if e == nil {
		return nil, ErrDown
	}
	i := int(key % sipConns)
	for n := range sipConns {
		if c := e.slots[(i+n)%sipConns]; c != nil && !c.gone.Load() {
			return c, nil
		}
	}
	return nil, ErrDown
}

// Peers lists the peers of a zone that are up, those of all zones for "".
func (l *Links) Peers(zone string) []Peer {
	var out []Peer
	for _, e := range l.dir.Load().up {
		if zone == "" || e.peer.Zone == zone {
			out = append(out, e.peer)
		}
	}
	return out
}

// Peer returns one peer that is up; its addresses are those that media goes
// between.
func (l *Links) Peer(zone string, id PeerID) (Peer, bool) {
	if e := l.dir.Load().find(zone, id, 0); e != nil {
		return e.peer, true
	}
	return Peer{}, false
}

func (l *Links) pick(zone string, peer PeerID, key string) *link {
	if e := l.dir.Load().find(zone, peer, hash(key)); e != nil {
		return e.link
	}
	return nil
}

// find weighs each peer by a key's hash and identity (rendezvous hashing), so that a
// peer that comes or goes moves only its own share of the keys.
func (d *directory) find(zone string, peer PeerID, key uint64) *entry {
	var best *entry
	var weight uint64
	for _, e := range d.up {
		if zone != "" && e.peer.Zone != zone || peer != 0 && e.peer.ID != peer {
			continue
		}
		w := mix(key ^ uint64(e.peer.ID))
		if best == nil || cmp.Or(e.fitness()-best.fitness(), cmp.Compare(w, weight)) > 0 {
			best, weight = e, w
		}
	}
	return best
}

// fitness ranks peers before their weight does: one in maintenance is the last
// resort, since it refuses what is new.
func (e *entry) fitness() (n int) {
	if !e.peer.Maintenance {
		n += 2
	}
	if e.whole {
		n++
	}
	return n
}

// publish makes the present state of all links the directory.
func (l *Links) publish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := &directory{}
	for k := range l.links {
		if e := k.entry(); e != nil {
			d.up = append(d.up, e)
		}
	}
	slices.SortFunc(d.up, func(a, b *entry) int { return a.link.compare(b.link) })
	l.dir.Store(d)
	l.changed()
}

// hash is FNV-1a: both ends of a link must agree on a dialog's connection.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

func mix(h uint64) uint64 {
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>32
}

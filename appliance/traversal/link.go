package traversal

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// link is one remote node in one zone. Core makes one per configured address,
// edge one per node that has greeted.
type link struct {
	l    *Links
	zone string
	path string // the address as configured at core
	port int

	mu          sync.Mutex
	changed     chan struct{} // closed and replaced at each change
	peer        Peer          // of the newest greeting
	hello       *greeting     // the newest greeting of the peer
	slots       [sipConns]*Conn
	tunnel      string // edge: SSH user name that belongs to this link
	streams     *streams
	control     *control
	epoch       int // counts how often the link came up
	why         string
	since       time.Time
	tunWhy      string
	skew        time.Duration
	rtt         time.Duration
	sent        uint64 // of connections that are gone
	got         uint64
	maintenance bool // the peer takes nothing new
	removed     bool // the plan has it no more: gone once OnPeer knows

	telling  bool // a goroutine is calling OnPeer
	told     bool // what OnPeer was told last
	toldPeer Peer
	toldTurn int
}

func (l *Links) newLink(zone, path string, port int) *link {
	return &link{l: l, zone: zone, path: path, port: port, changed: make(chan struct{}), since: l.cfg.Clock(), why: "not connected yet"}
}

func (k *link) compare(o *link) int {
	return cmp.Or(strings.Compare(k.zone, o.zone), strings.Compare(k.path, o.path), cmp.Compare(k.port, o.port),
		cmp.Compare(k.peerID(), o.peerID()))
}

func (k *link) peerID() PeerID {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.peer.ID
}

// entry is the link's line in the directory, nil while it is down.
func (k *link) entry() *entry {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := k.connsLocked()
	if n == 0 {
		return nil
	}
	e := &entry{link: k, peer: k.peer, slots: k.slots, whole: n == sipConns}
	e.peer.Maintenance = k.maintenance
	return e
}

func (k *link) connsLocked() int {
	n := 0
	for _, c := range k.slots {
		if c != nil {
			n++
		}
	}
	return n
}

func (k *link) signalLocked() {
	close(k.changed)
	k.changed = make(chan struct{})
}

// attach puts a connection whose greeting was accepted into its slot. What it
// replaces is closed: an older one of the same slot, or all of a node that has
// started anew. It is false for a link that is being removed.
func (k *link) attach(c *Conn, g *greeting) bool {
	k.mu.Lock()
	if k.removed {
		k.mu.Unlock()
		return false
	}
	var old []*Conn
	for i, o := range k.slots {
		if o != nil && (i == c.slot || o.instance != c.instance) {
			old = append(old, o)
			k.dropLocked(o, "the peer started anew")
		}
	}
	first := k.connsLocked() == 0
	if first {
		k.epoch++
		k.since, k.why = k.l.cfg.Clock(), ""
	}
	k.slots[c.slot], k.peer, k.hello = c, c.peer, g
	k.signalLocked()
	k.mu.Unlock()
	for _, o := range old {
		const why = "replaced by a newer connection"
		k.warn("traversal connection lost", o, why)
		o.Close(why)
	}
	if first {
		k.l.cfg.Log.Info("traversal link up", "zone", k.zone, "peer", g.Node, "address", c.remote, "id", c.peer.ID)
	}
	k.l.publish()
	return true
}

// detach takes a closed connection out, and the whole link down with the last.
func (k *link) detach(c *Conn) {
	k.mu.Lock()
	if k.slots[c.slot] != c {
		k.mu.Unlock()
		return
	}
	k.dropLocked(c, c.why)
	down := k.connsLocked() == 0
	k.mu.Unlock()
	if down {
		k.warn("traversal link down", c, c.why)
	} else {
		k.warn("traversal connection lost", c, c.why)
	}
	k.l.publish()
}

func (k *link) warn(what string, c *Conn, why string) {
	k.l.cfg.Log.Warn(what, "zone", k.zone, "peer", c.peer.Node, "address", c.remote, "why", why)
}

// dropLocked ends the tunnels too when no connection is left: the right to
// have them came from the greeting.
func (k *link) dropLocked(c *Conn, why string) {
	k.slots[c.slot] = nil
	k.sent += c.sent.Load()
	k.got += c.got.Load()
	if k.connsLocked() > 0 {
		return
	}
	k.since, k.why, k.maintenance = k.l.cfg.Clock(), why, false
	if k.streams != nil {
		k.streams.conn.Close()
	}
	if k.control != nil {
		k.control.conn.Close()
	}
	k.streams, k.control = nil, nil // they may take their time to end
	k.signalLocked()
}

// failed notes why a try to connect came to nothing, if the link is down, and
// says whether that is news.
func (k *link) failed(why string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.connsLocked() > 0 || k.why == why {
		return false
	}
	k.why = why
	return true
}

func (k *link) close(why string) {
	k.mu.Lock()
	slots := k.slots
	k.mu.Unlock()
	for _, c := range slots {
		if c != nil {
			c.Close(why)
		}
	}
}

// tunnelWait is how long a stream or a request waits for a tunnel that is
// still being set up.
const tunnelWait = 5 * time.Second

// await waits until ready says so; it gives up when the link goes down.
func (k *link) await(ctx context.Context, what string, ready func() bool) error {
	ctx, stop := context.WithTimeout(ctx, tunnelWait)
	defer stop()
	k.mu.Lock()
	defer k.mu.Unlock()
	for !ready() {
		if k.connsLocked() == 0 {
			return ErrDown
		}
		changed, why := k.changed, k.tunWhy
		k.mu.Unlock()
		select {
		case <-changed:
			k.mu.Lock()
		case <-ctx.Done():
			k.mu.Lock()
			return fmt.Errorf("%w: no %s: %s", ErrDown, what, cmp.Or(why, "not set up yet"))
		}
	}
	return nil
}

func (k *link) awaitStreams(ctx context.Context) (*streams, error) {
	var s *streams
	err := k.await(ctx, "tunnel for streams", func() bool { s = k.streams; return s != nil })
	return s, err
}

func (k *link) awaitControl(ctx context.Context) (*control, error) {
	var c *control
	err := k.await(ctx, "control channel", func() bool { c = k.control; return c != nil })
	return c, err
}

// present is the peer as of now.
func (k *link) present() Peer {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.peer
}

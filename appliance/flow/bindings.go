package flow

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// BindingsConfig bounds and joins a table of bindings. Zero fields mean the
// defaults.
type BindingsConfig struct {
	Total     int           // bindings in all; 20,000
	PerUser   int           // of one address of record; 20
	PerConn   int           // over one connection; 64
	Pending   time.Duration // how long one may wait to be confirmed; 1 min
	Reconnect time.Duration // how long one survives its connection; 5 min
	Clock     func() time.Time
	Rand      func() uint64
	Named     func(Key) BindingID // a new binding's identifier; nil or 0 = random

	// OnChange is told of every change, after it, outside of all locks: old is
	// nil for a new binding, now is nil for one that is gone.
	OnChange func(old, now *Binding)
}

// Errors of Put and Confirm.
var (
	ErrTooMany      = errors.New("flow: too many bindings")
	ErrPerUser      = errors.New("flow: too many bindings of one user")
	ErrPerConn      = errors.New("flow: too many bindings over one connection")
	ErrNoBinding    = errors.New("flow: no such binding")
	ErrNoSuchConn   = errors.New("flow: connection is closed")
	errKnownAlready = errors.New("flow: binding exists")
)

// Bindings is the table of who is registered over which connection.
type Bindings struct {
	cfg  BindingsConfig
	wake chan struct{}

	mu     sync.Mutex // guards what follows; never held over OnChange
	byID   map[BindingID]*bound
	byKey  map[Key]*bound
	byConn map[uint64][]*bound
	byUser map[string][]*bound
	heap   dueHeap
}

// bound is a binding in the table. The Binding is replaced, never written to, by
// each change, so that whoever is told of one needs no copy.
type bound struct {
	*Binding
	due   time.Time // when it is looked at, and goes if end has come
	end   time.Time // when it goes by itself; not before due
	place int       // in the heap
}

// renewLocked puts a copy in the place of the binding, to be changed, and
// returns what it was.
func (e *bound) renewLocked() (old *Binding) {
	old = e.Binding
	next := *old
	e.Binding = &next
	return old
}

// NewBindings returns an empty table.
func NewBindings(cfg BindingsConfig) *Bindings {
	cfg.Total = cmp.Or(cfg.Total, 20_000)
	cfg.PerUser = cmp.Or(cfg.PerUser, 20)
	cfg.PerConn = cmp.Or(cfg.PerConn, 64)
	cfg.Pending = cmp.Or(cfg.Pending, time.Minute)
	cfg.Reconnect = cmp.Or(cfg.Reconnect, 5*time.Minute)
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Uint64
	}
	return &Bindings{cfg: cfg, wake: make(chan struct{}, 1), byID: map[BindingID]*bound{}, byKey: map[Key]*bound{},
		byConn: map[uint64][]*bound{}, byUser: map[string][]*bound{}}
}

// Put returns the binding of a key, or makes one that waits to be confirmed. It
// changes nothing of one that exists: whoever merely asks to register as
// somebody gets that binding's identifier into his Path, not its calls.
func (b *Bindings) Put(k Key, c *Conn, contact string) (Binding, error) {
	b.mu.Lock()
	if e := b.byKey[k]; e != nil {
		defer b.mu.Unlock()
		return *e.Binding, nil
	}
	if err := b.roomLocked(k, c); err != nil {
		b.mu.Unlock()
		return Binding{}, err
	}
	now := b.cfg.Clock()
	made := &Binding{ID: b.newIDLocked(), Key: k, Contact: strings.Clone(contact), Conn: c,
		Source: c.Remote(), Since: now, Seen: now, Expires: now.Add(b.cfg.Pending)}
	b.insertLocked(&bound{Binding: made})
	b.mu.Unlock()
	b.changed(nil, made)
	return *made, nil
}

func (b *Bindings) roomLocked(k Key, c *Conn) error {
	switch {
	case len(b.byID) >= b.cfg.Total:
		return ErrTooMany
	case len(b.byUser[k.AOR]) >= b.cfg.PerUser:
		return ErrPerUser
	case len(b.byConn[c.id]) >= b.cfg.PerConn:
		return ErrPerConn
	}
	return nil
}

func (b *Bindings) newIDLocked() BindingID {
	for {
		if id := BindingID(b.cfg.Rand()); id != 0 && b.byID[id] == nil {
			return id
		}
	}
}

func (b *Bindings) insertLocked(e *bound) {
	b.byID[e.ID], b.byKey[e.Key] = e, e
	b.byUser[e.Key.AOR] = append(b.byUser[e.Key.AOR], e)
	if e.Conn != nil {
		b.byConn[e.Conn.id] = append(b.byConn[e.Conn.id], e)
	}
	e.due, e.end = e.Expires, e.Expires
	b.heap.add(e)
	b.nudgeLocked(e)
}

// Confirm tells that a registrar has accepted the registration that came over
// c: from now on the binding is behind c, wherever it was before.
func (b *Bindings) Confirm(id BindingID, c *Conn, contact string, lasts time.Duration) (Binding, error) {
	b.mu.Lock()
	e := b.byID[id]
	if err := b.mayConfirmLocked(e, c); err != nil {
		b.mu.Unlock()
		return Binding{}, err
	}
	old := b.confirmLocked(e, c, contact, lasts)
	is := e.Binding
	b.mu.Unlock()
	b.changed(old, is)
	return *is, nil
}

func (b *Bindings) mayConfirmLocked(e *bound, c *Conn) error {
	switch {
	case e == nil:
		return ErrNoBinding
	case c.closed.Load():
		return ErrNoSuchConn
	case e.Conn != c && len(b.byConn[c.id]) >= b.cfg.PerConn:
		return ErrPerConn
	}
	return nil
}

func (b *Bindings) confirmLocked(e *bound, c *Conn, contact string, lasts time.Duration) (old *Binding) {
	old = e.renewLocked()
	now := b.cfg.Clock()
	b.moveLocked(e, c)
	if e.Contact != contact {
		e.Contact = strings.Clone(contact)
	}
	e.Source, e.Confirmed = c.Remote(), true
	e.Seen, e.Expires, e.Lost = now, now.Add(lasts), time.Time{}
	b.dueLocked(e, e.Expires)
	return old
}

// moveLocked puts a renewed binding behind another connection, or none.
func (b *Bindings) moveLocked(e *bound, c *Conn) {
	if e.Conn == c {
		return
	}
	if e.Conn != nil {
		b.byConn[e.Conn.id] = without(b.byConn[e.Conn.id], e)
		if len(b.byConn[e.Conn.id]) == 0 {
			delete(b.byConn, e.Conn.id)
		}
	}
	e.Conn = c
	if c != nil {
		b.byConn[c.id] = append(b.byConn[c.id], e)
	}
}

func without(list []*bound, e *bound) []*bound {
	return slices.DeleteFunc(list, func(o *bound) bool { return o == e })
}

// Restore puts a binding back that an earlier life of the node knew, without a
// connection; its client has the reconnect window to come back.
func (b *Bindings) Restore(is Binding) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byID[is.ID] != nil || b.byKey[is.Key] != nil {
		return errKnownAlready
	}
	if len(b.byID) >= b.cfg.Total {
		return ErrTooMany
	}
	is.Conn, is.Lost = nil, b.cfg.Clock()
	e := &bound{Binding: &is}
	b.insertLocked(e)
	b.dueLocked(e, earlier(e.Expires, e.Lost.Add(b.cfg.Reconnect)))
	return nil
}

// Remove ends a binding.
func (b *Bindings) Remove(id BindingID) bool {
	b.mu.Lock()
	e := b.byID[id]
	if e == nil {
		b.mu.Unlock()
		return false
	}
	old := b.dropLocked(e)
	b.mu.Unlock()
	b.changed(old, nil)
	return true
}

// dropLocked takes a binding out and returns what it was.
func (b *Bindings) dropLocked(e *bound) (old *Binding) {
	old = e.renewLocked()
	b.moveLocked(e, nil)
	delete(b.byID, e.ID)
	delete(b.byKey, e.Key)
	b.byUser[e.Key.AOR] = without(b.byUser[e.Key.AOR], e)
	if len(b.byUser[e.Key.AOR]) == 0 {
		delete(b.byUser, e.Key.AOR)
	}
	b.heap.remove(e)
	return old
}

func (b *Bindings) changed(old, now *Binding) {
	if b.cfg.OnChange != nil {
		b.cfg.OnChange(old, now)
	}
}

package flow

import (
	"strings"
	"time"
)

// Name returns the identifier of the binding of a key, or one for it: the same
// that an earlier life of the node gave it where the configuration can tell.
// Nothing is kept for the asking, so that strangers who ask to register as
// somebody take no room from him.
func (b *Bindings) Name(k Key) BindingID {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.byKey[k]; e != nil {
		return e.ID
	}
	if b.cfg.Named != nil {
		if id := b.cfg.Named(k); id != 0 && b.byID[id] == nil {
			return id
		}
	}
	return b.newIDLocked()
}

// Again returns the confirmed binding of an address of record that stands behind
// c with this very Contact, not to be written to, or nil: a refresh needs no more
// to be known.
func (b *Bindings) Again(c *Conn, aor, contact string) *Binding {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.byConn[c.id] {
		if e.Confirmed && e.Contact == contact && e.Key.AOR == aor {
			return e.Binding
		}
	}
	return nil
}

// Admit tells that a registrar has accepted a registration under an
// identifier that Name gave: the binding is made if there is none yet, and is
// behind c from now on. info is the role's.
func (b *Bindings) Admit(id BindingID, k Key, c *Conn, contact string, lasts time.Duration, info any) (Binding, error) {
	b.mu.Lock()
	e := b.byID[id]
	if e == nil || e.Key != k {
		if err := b.enterLocked(id, k, c, contact, lasts); err != nil {
			b.mu.Unlock()
			return Binding{}, err
		}
		e = b.byID[id]
	}
	if err := b.mayConfirmLocked(e, c); err != nil {
		b.mu.Unlock()
		return Binding{}, err
	}
	old := b.confirmLocked(e, c, contact, lasts)
	e.Info = info
	is := e.Binding
	b.mu.Unlock()
	b.changed(old, is)
	return *is, nil
}

// enterLocked makes room for a binding and puts it in.
func (b *Bindings) enterLocked(id BindingID, k Key, c *Conn, contact string, lasts time.Duration) error {
	if e := b.byKey[k]; e != nil && e.ID != id {
		b.dropLocked(e) // two first registrations crossed; the registrar has kept the later one's Path
	}
	if b.byID[id] != nil {
		return nil
	}
	if err := b.roomLocked(k, c); err != nil {
		return err
	}
	now := b.cfg.Clock()
	b.insertLocked(&bound{Binding: &Binding{
		ID: id, Key: k, Contact: strings.Clone(contact), Conn: c, Since: now, Expires: now.Add(lasts),
	}})
	return nil
}

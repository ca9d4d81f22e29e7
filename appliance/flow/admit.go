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

// Admit tells that a registrar has accepted a registration under an
// identifier that Name gave: the binding is made if there is none yet, and is
// behind c from now on. info is the role's.
func (b *Bindings) Admit(id BindingID, k Key, c *Conn, contact string, lasts time.Duration, info any) (Binding, error) {
	b.mu.Lock()
	if e := b.byKey[k]; e != nil && e.ID != id {
		b.dropLocked(e) // two first registrations crossed; the registrar has kept the later one's Path
	}
	if b.byID[id] == nil {
		if err := b.roomLocked(k, c); err != nil {
			b.mu.Unlock()
			return Binding{}, err
		}
		now := b.cfg.Clock()
		b.insertLocked(&bound{Binding: Binding{
			ID: id, Key: k, Contact: strings.Clone(contact), Conn: c, Since: now, Expires: now.Add(lasts),
		}})
	}
	b.byID[id].Info = info
	b.mu.Unlock()
	return b.Confirm(id, c, contact, lasts)
}

package flow

import (
	"cmp"
	"slices"
)

// Get returns a binding by its identifier.
func (b *Bindings) Get(id BindingID) (Binding, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return copyOf(b.byID[id])
}

// Look is Get without a copy: the binding is not to be written to; nil if there
// is none.
func (b *Bindings) Look(id BindingID) *Binding {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.byID[id]; e != nil {
		return e.Binding
	}
	return nil
}

// Find returns the binding of a key.
func (b *Bindings) Find(k Key) (Binding, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return copyOf(b.byKey[k])
}

func copyOf(e *bound) (Binding, bool) {
	if e == nil {
		return Binding{}, false
	}
	return *e.Binding, true
}

// Touch tells that the binding was used just now.
func (b *Bindings) Touch(id BindingID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.byID[id]; e != nil {
		e.renewLocked()
		e.Seen = b.cfg.Clock()
	}
}

// SetInfo keeps v with the binding.
func (b *Bindings) SetInfo(id BindingID, v any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.byID[id]; e != nil {
		e.renewLocked()
		e.Info = v
	}
}

// ByConn returns the bindings behind a connection, not to be written to.
func (b *Bindings) ByConn(c *Conn) []*Binding {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.byConn[c.id]
	all := make([]*Binding, len(list))
	for i, e := range list {
		all[i] = e.Binding
	}
	return all
}

// ByUser returns the bindings of an address of record.
func (b *Bindings) ByUser(aor string) []Binding {
	b.mu.Lock()
	defer b.mu.Unlock()
	return copies(b.byUser[aor])
}

func copies(list []*bound) []Binding {
	all := make([]Binding, len(list))
	for i, e := range list {
		all[i] = *e.Binding
	}
	return all
}

// Range calls f for every binding, by user, until it returns false.
func (b *Bindings) Range(f func(Binding) bool) {
	b.mu.Lock()
	all := make([]Binding, 0, len(b.byID))
	for _, e := range b.byID {
		all = append(all, *e.Binding)
	}
	b.mu.Unlock()
	slices.SortFunc(all, func(x, y Binding) int {
		return cmp.Or(cmp.Compare(x.Key.AOR, y.Key.AOR), x.Since.Compare(y.Since), cmp.Compare(x.ID, y.ID))
	})
	for _, is := range all {
		if !f(is) {
			return
		}
	}
}

// Len is how many bindings there are.
func (b *Bindings) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.byID)
}

package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sallyport/appliance/xapi"
)

// Edit is a change in the making. It is valid only inside the function it was
// handed to, and only in that function's goroutine.
type Edit struct {
	next   *Snapshot
	sealer *sealer
	own    map[*xapi.Item]bool // rows whose cells next no longer shares
	before map[string]change   // by storage key: what each touched key was
	note   string              // for the journal
}

// change is one key's raw text before the edit; absent if it was unset.
type change struct {
	place xapi.Place
	raw   string
	set   bool
}

func newEdit(base *Snapshot, sealer *sealer) *Edit {
	return &Edit{
		next: base.clone(), sealer: sealer,
		own: map[*xapi.Item]bool{}, before: map[string]change{},
	}
}

// Snapshot is the candidate: the values as they would be after the commit. It
// shows later changes of the same edit too, so it must not be kept.
func (e *Edit) Snapshot() *Snapshot { return e.next }

// Note says in the journal what the revision was for.
func (e *Edit) Note(note string) { e.note = note }

// Set gives the row at path, such as "Zones Zone 1 Name", a value. Words may be
// shortened while unique. The error is a *xapi.WordError or a *xapi.ValueError.
func (e *Edit) Set(path, value string) error {
	p, err := e.next.table.mine.Find(strings.Fields(path))
	if err != nil {
		return err
	}
	return e.SetPlace(p, value)
}

// SetPlace is Set with the row already found. An empty value where empty is the
// default unsets the row.
func (e *Edit) SetPlace(p xapi.Place, value string) error {
	text, err := e.canonical(p, value)
	if err != nil {
		return err
	}
	if text == "" && p.Item.Default == "" {
		e.remove(p)
		return nil
	}
	e.put(p, text)
	return nil
}

func (e *Edit) canonical(p xapi.Place, value string) (string, error) {
	if p.Item.Masked() && value != "" {
		return e.secret(p, value)
	}
	text, err := p.Item.Parse(value)
	if err != nil {
		return "", named(err, p)
	}
	return text, nil
}

// secret seals a password or its hash. A token that this box sealed for the same
// row is taken as it is, so that an export can be pasted back.
func (e *Edit) secret(p xapi.Place, value string) (string, error) {
	if isToken(value) {
		if _, err := e.sealer.open(p.Item.Path, value); err != nil {
			return "", &ForeignSecretError{p.String()}
		}
		return value, nil
	}
	plain := value
	if p.Item.Kind == xapi.PasswordHash && isHash(value) {
		return e.sealer.seal(p.Item.Path, value)
	}
	if _, err := p.Item.Parse(value); err != nil {
		return "", named(err, p)
	}
	if p.Item.Kind == xapi.PasswordHash {
		hash, err := HashPassword(value, e.sealer.rand)
		if err != nil {
			return "", err
		}
		plain = hash
	}
	return e.sealer.seal(p.Item.Path, plain)
}

// named makes a value error tell the place instead of the row.
func named(err error, p xapi.Place) error {
	if v, ok := err.(*xapi.ValueError); ok {
		v.Name = p.String()
	}
	return err
}

// Unset takes the row at path back to its default.
func (e *Edit) Unset(path string) error {
	p, err := e.next.table.mine.Find(strings.Fields(path))
	if err != nil {
		return err
	}
	e.remove(p)
	return nil
}

// DeleteTree unsets every row at and below prefix, such as "Zones Zone 3".
func (e *Edit) DeleteTree(prefix string) error {
	words := strings.Fields(prefix)
	at, idx, used, err := e.next.table.mine.Walk(words)
	if err != nil {
		return err
	}
	if used < len(words) || used == 0 {
		return fmt.Errorf("%q names no part of the configuration", prefix)
	}
	for _, it := range at.Items() {
		for _, cell := range e.below(it, idx) {
			e.remove(xapi.Place{Item: it, Idx: slices.Clone(cell.list(it.Indexes()))})
		}
	}
	return nil
}

// below lists the cells of a row whose first indexes are idx. Where idx is all
// of them nothing is searched: lists may be long.
func (e *Edit) below(it *xapi.Item, idx []int) (out []index) {
	all := e.next.values[it]
	if len(idx) == it.Indexes() {
		cell := indexOf(idx)
		if _, set := all[cell]; set {
			out = append(out, cell)
		}
		return out
	}
	for cell := range all {
		if slices.Equal(cell.list(len(idx)), idx) {
			out = append(out, cell)
		}
	}
	return out
}

func (e *Edit) put(p xapi.Place, raw string) {
	if old, ok := e.next.raw(p.Item, p.Idx); ok && old == raw {
		return
	}
	e.touch(p)
	e.next.values[p.Item][indexOf(p.Idx)] = raw
}

func (e *Edit) remove(p xapi.Place) {
	_, aside := e.next.kept[p.Key()]
	if _, ok := e.next.raw(p.Item, p.Idx); !ok && !aside {
		return
	}
	e.touch(p)
	delete(e.next.values[p.Item], indexOf(p.Idx))
	if len(e.next.values[p.Item]) == 0 {
		delete(e.next.values, p.Item)
		delete(e.own, p.Item)
	}
}

// touch remembers what the place was and makes its row's cells our own. A stored
// text that was not understood gives way.
func (e *Edit) touch(p xapi.Place) {
	key := p.Key()
	raw, set := e.next.raw(p.Item, p.Idx)
	if text, aside := e.next.kept[key]; aside {
		raw, set = text, true
		e.next.kept = maps.Clone(e.next.kept)
		delete(e.next.kept, key)
	}
	if _, seen := e.before[key]; !seen {
		e.before[key] = change{p, raw, set}
	}
	if e.own[p.Item] {
		return
	}
	cells := maps.Clone(e.next.values[p.Item])
	if cells == nil {
		cells = map[index]string{}
	}
	e.next.values[p.Item] = cells
	e.own[p.Item] = true
}

// changed lists the keys that really differ from before, in order.
func (e *Edit) changed() []string {
	var keys []string
	for key, was := range e.before {
		raw, set := e.next.raw(was.place.Item, was.place.Idx)
		if set != was.set || raw != was.raw {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

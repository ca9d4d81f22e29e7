package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"sallyport/appliance/xapi"
)

// Snapshot is one revision of all values. It never changes, and may be kept and
// read from any goroutine.
type Snapshot struct {
	rev    int
	table  *table
	sealer *sealer
	values map[*xapi.Item]map[index]string // canonical texts, secrets sealed; unset = absent
	kept   map[string]string               // stored, but not understood: key to text
}

// Rev is the revision's number; 0 is the empty store.
func (sn *Snapshot) Rev() int { return sn.rev }

func (sn *Snapshot) raw(it *xapi.Item, idx []int) (string, bool) {
	v, ok := sn.values[it][indexOf(idx)]
	return v, ok
}

func (sn *Snapshot) text(it *xapi.Item, idx []int) string {
	if v, ok := sn.raw(it, idx); ok {
		return v
	}
	return it.Default
}

// Int reads a number; an unset row without default reads 0.
func (sn *Snapshot) Int(h xapi.Int, idx ...int) int {
	n, _ := strconv.Atoi(sn.text(h.Item, idx))
	return n
}

// Str reads a text.
func (sn *Snapshot) Str(h xapi.Str, idx ...int) string { return sn.text(h.Item, idx) }

// Enum reads a value in the table's spelling.
func (sn *Snapshot) Enum(h xapi.Enum, idx ...int) string { return sn.text(h.Item, idx) }

// Bool reads a two-valued row.
func (sn *Snapshot) Bool(h xapi.Bool, idx ...int) bool { return xapi.Truth(sn.text(h.Item, idx)) }

// Secret reads a secret in the clear: a password, or the hash of one for
// VerifyPassword. It is empty if unset or sealed by another box.
func (sn *Snapshot) Secret(h xapi.Secret, idx ...int) string {
	token, ok := sn.raw(h.Item, idx)
	if !ok {
		return ""
	}
	plain, _ := sn.sealer.open(h.Path, token)
	return plain
}

// Text reads any row as the operator sees it: the canonical text, the default if
// unset, a mask for secrets that are set.
func (sn *Snapshot) Text(it *xapi.Item, idx ...int) string {
	if sn.IsSet(it, idx...) && it.Masked() {
		return xapi.Mask
	}
	return sn.text(it, idx)
}

// IsSet reports whether the row has a value of its own.
func (sn *Snapshot) IsSet(it *xapi.Item, idx ...int) bool {
	_, ok := sn.raw(it, idx)
	return ok
}

// Indexes lists, in order, the entries of the list that the row belongs to: the
// numbers at the row's first index segment after those given, for which any row
// of the entry is set. Indexes(ZoneName.Item) are the zones there are;
// Indexes(NeighborPeerAddress.Item, 3) the peers of zone 3.
func (sn *Snapshot) Indexes(it *xapi.Item, idx ...int) []int {
	level, prefix := len(idx), listPrefix(it.Path, len(idx))
	found := map[int]bool{}
	for other, cells := range sn.values {
		if !strings.HasPrefix(other.Path, prefix) {
			continue
		}
		for at := range cells {
			if slices.Equal(at.list(level), idx) {
				found[at[level]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// listPrefix is the path up to and with its index segment number level.
func listPrefix(path string, level int) string {
	end := 0
	for ; level >= 0; level-- {
		open := strings.IndexByte(path[end:], '[')
		if open < 0 {
			panic("config: " + path + " has no such index level")
		}
		end += open + strings.IndexByte(path[end+open:], ']') + 1
	}
	return path[:end]
}

// Value is one row that is set.
type Value struct {
	Place xapi.Place
	Text  string // as the operator sees it; secrets are masked
}

// Values lists everything that is set, in storage key order.
func (sn *Snapshot) Values() []Value {
	places := sn.places()
	out := make([]Value, len(places))
	for i, p := range places {
		out[i] = Value{p, sn.Text(p.Item, p.Idx...)}
	}
	return out
}

func (sn *Snapshot) places() []xapi.Place {
	keys := map[string]xapi.Place{}
	for it, cells := range sn.values {
		for at := range cells {
			p := xapi.Place{Item: it, Idx: slices.Clone(at.list(it.Indexes()))}
			keys[p.Key()] = p
		}
	}
	out := make([]xapi.Place, 0, len(keys))
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		out = append(out, keys[k])
	}
	return out
}

// Kept lists stored keys that this version does not understand. They are left
// alone and come back into use when a version knows them.
func (sn *Snapshot) Kept() []string { return slices.Sorted(maps.Keys(sn.kept)) }

// Unreadable lists the paths of secrets that are set but were sealed with
// another key.
func (sn *Snapshot) Unreadable() []string {
	var out []string
	for _, p := range sn.places() {
		if !p.Item.Masked() {
			continue
		}
		token, _ := sn.raw(p.Item, p.Idx)
		if _, err := sn.sealer.open(p.Item.Path, token); err != nil {
			out = append(out, p.String())
		}
	}
	return out
}

// clone shares all cells with sn; a writer must own a row's cells before it
// changes them.
func (sn *Snapshot) clone() *Snapshot {
	c := *sn
	c.values = maps.Clone(sn.values)
	return &c
}

package config

import (
	"strconv"
	"strings"
	"sync"

	"sallyport/appliance/xapi"
)

// table is what the store needs of xapi's rows, built once.
type table struct {
	mine  *xapi.Word        // rows of this role
	all   *xapi.Word        // rows of both
	lost  func() *xapi.Word // rows of the replaced product that are not needed here
	items []*xapi.Item
	byKey map[string]*xapi.Item // storage key with indexes left out
}

func newTable(items []*xapi.Item, role xapi.Role) *table {
	t := &table{
		mine:  xapi.TreeOf(items, role),
		all:   xapi.TreeOf(items, xapi.Both),
		lost:  sync.OnceValue(xapi.AbsentTree), // large, and only imports need it
		items: items,
		byKey: make(map[string]*xapi.Item, len(items)),
	}
	for _, it := range items {
		t.byKey[bareKey(it.Key())] = it
	}
	return t
}

// index is a place's indexes; rows have at most two levels.
type index [2]int

func indexOf(idx []int) (at index) {
	if len(idx) > len(at) {
		panic("config: a row has more than two index levels")
	}
	copy(at[:], idx)
	return at
}

func (at index) list(levels int) []int { return at[:levels] }

// bareKey replaces each index segment of a row's key by "#".
func bareKey(key string) string {
	words := strings.Split(key, "/")
	for i, w := range words {
		if w[0] == '[' {
			words[i] = "#"
		}
	}
	return strings.Join(words, "/")
}

// place reads a storage key back. ok is false if no row of the table has it.
func (t *table) place(key string) (p xapi.Place, ok bool) {
	words := strings.Split(key, "/")
	for i, w := range words {
		if n, err := strconv.Atoi(w); err == nil && len(w) == xapi.KeyWidth {
			p.Idx = append(p.Idx, n)
			words[i] = "#"
		}
	}
	p.Item = t.byKey[strings.Join(words, "/")]
	return p, p.Item != nil && t.inRange(p) && p.Key() == key
}

// takes finds the place of a stored text that its row still accepts. Sealed texts
// are not opened.
func (t *table) takes(key, raw string) (p xapi.Place, ok bool) {
	p, ok = t.place(key)
	if ok && !p.Item.Masked() {
		_, err := p.Item.Parse(raw)
		ok = err == nil
	}
	return p, ok
}

func (t *table) inRange(p xapi.Place) bool {
	idx := p.Idx
	for _, seg := range xapi.Segments(p.Item.Path) {
		if !seg.Index() {
			continue
		}
		if len(idx) == 0 || idx[0] < seg.Min || idx[0] > seg.Max {
			return false
		}
		idx = idx[1:]
	}
	return len(idx) == 0
}

package xapi

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// WordError is a word that nothing at its place answers to.
type WordError struct {
	Word    string   // as typed
	After   string   // what stood before it; empty at the start
	Why     string   // what is wrong
	Allowed []string // what may stand there
	Nearest string   // the allowed word most like it, or empty
}

// Error names the word, what may stand there, and what was probably meant.
func (e *WordError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q", e.Word)
	if e.After != "" {
		fmt.Fprintf(&b, " after %q", e.After)
	}
	b.WriteString(" " + e.Why)
	if e.Nearest != "" {
		b.WriteString("; did you mean " + e.Nearest + "?")
	}
	if len(e.Allowed) > 0 {
		b.WriteString("; allowed: " + strings.Join(e.Allowed, ", "))
	}
	return b.String()
}

// pick finds word among names: equal but for case, else as a unique beginning.
func pick(word string, names []string) (int, *WordError) {
	var hits []int
	for i, n := range names {
		if strings.EqualFold(n, word) {
			return i, nil
		}
		if hasPrefixFold(n, word) {
			hits = append(hits, i)
		}
	}
	switch len(hits) {
	case 1:
		return hits[0], nil
	case 0:
		return -1, &WordError{Word: word, Why: "is not known", Allowed: names, Nearest: Nearest(word, names)}
	}
	could := make([]string, len(hits))
	for i, h := range hits {
		could[i] = names[h]
	}
	return -1, &WordError{Word: word, Why: "is not unique", Allowed: could}
}

func hasPrefixFold(s, prefix string) bool {
	return len(prefix) > 0 && len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// Word is a node of the word tree of xConfiguration rows. A node is either a
// named word or an index; a row hangs where its path ends.
type Word struct {
	Segment
	Path     string  // from the root, as in the table: "Zones Zone [1..1000]"
	Item     *Item   // the row that ends here, or nil
	Children []*Word // sorted by name, an index first
}

// Tree builds the word tree of the rows that role has. The caller keeps it.
func Tree(role Role) *Word { return TreeOf(Items(), role) }

// TreeOf builds the word tree of the given rows that role has.
func TreeOf(items []*Item, role Role) *Word {
	root := &Word{}
	for _, it := range items {
		if it.Role&role != 0 {
			root.insert(Segments(it.Path), it)
		}
	}
	root.sort()
	return root
}

func (w *Word) insert(segs []Segment, it *Item) {
	if len(segs) == 0 {
		w.Item = it
		return
	}
	for _, c := range w.Children {
		if c.Segment == segs[0] {
			c.insert(segs[1:], it)
			return
		}
	}
	c := &Word{Segment: segs[0], Path: strings.TrimSpace(w.Path + " " + segs[0].String())}
	w.Children = append(w.Children, c)
	c.insert(segs[1:], it)
}

func (w *Word) sort() {
	sort.Slice(w.Children, func(i, j int) bool { return w.Children[i].Word < w.Children[j].Word })
	for _, c := range w.Children {
		c.sort()
	}
}

// Names lists what may follow the node, indexes as ranges.
func (w *Word) Names() []string {
	names := make([]string, len(w.Children))
	for i, c := range w.Children {
		names[i] = c.Segment.String()
	}
	return names
}

// Child finds what follows the node: a word equal but for case or shortened
// while unique, or an index in range, whose number is returned. The error is a
// *WordError.
func (w *Word) Child(text string) (*Word, int, error) {
	if len(w.Children) == 1 && w.Children[0].Index() {
		return w.index(text)
	}
	i, err := pick(text, w.Names())
	if err != nil {
		err.After = w.Path
		return nil, 0, err
	}
	return w.Children[i], 0, nil
}

func (w *Word) index(text string) (*Word, int, error) {
	c := w.Children[0]
	n, err := strconv.Atoi(text)
	if err != nil || n < c.Min || n > c.Max {
		why := fmt.Sprintf("is not a number from %d to %d", c.Min, c.Max)
		return nil, 0, &WordError{Word: text, After: w.Path, Why: why}
	}
	return c, n, nil
}

// Walk follows words as far as they name nodes and returns the node reached,
// the indexes passed, and how many words were used. It stops at a row's end
// (what follows is a value) or at the first word that does not fit, which the
// error then tells.
func (w *Word) Walk(words []string) (at *Word, idx []int, used int, err error) {
	at = w
	for used < len(words) && len(at.Children) > 0 {
		next, n, err := at.Child(words[used])
		if err != nil {
			return at, idx, used, err
		}
		if next.Index() {
			idx = append(idx, n)
		}
		at, used = next, used+1
	}
	return at, idx, used, nil
}

// Items lists the rows at and below the node, in path order.
func (w *Word) Items() []*Item {
	var out []*Item
	if w.Item != nil {
		out = append(out, w.Item)
	}
	for _, c := range w.Children {
		out = append(out, c.Items()...)
	}
	return out
}

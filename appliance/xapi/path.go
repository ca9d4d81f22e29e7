package xapi

import (
	"fmt"
	"strconv"
	"strings"
)

// Segment is one step of a row's path: a word, or an index with its range.
type Segment struct {
	Word     string // empty for an index
	Min, Max int    // range of an index
}

// Index reports whether the segment is an index.
func (s Segment) Index() bool { return s.Word == "" }

// String prints the segment as it stands in the path.
func (s Segment) String() string {
	if s.Index() {
		return fmt.Sprintf("[%d..%d]", s.Min, s.Max)
	}
	return s.Word
}

// Segments splits a row's path. A malformed path is a broken table and panics.
func Segments(path string) []Segment {
	words := strings.Fields(path)
	segs := make([]Segment, len(words))
	for i, w := range words {
		segs[i] = segment(w)
	}
	return segs
}

func segment(w string) Segment {
	if !strings.HasPrefix(w, "[") {
		return Segment{Word: w}
	}
	lo, hi, ok := strings.Cut(strings.Trim(w, "[]"), "..")
	low, err1 := strconv.Atoi(lo)
	high, err2 := strconv.Atoi(hi)
	if !ok || err1 != nil || err2 != nil || low < 1 || high < low {
		panic("xapi: malformed index " + w)
	}
	return Segment{Min: low, Max: high}
}

// Indexes is the number of index segments in the row's path.
func (it *Item) Indexes() int { return strings.Count(it.Path, "[") }

// At returns the row's path with its indexes filled in, in order:
// "Zones Zone 3 Name". Missing indexes stay as written in the table.
func (it *Item) At(idx ...int) string {
	return fill(it.Path, " ", idx, strconv.Itoa)
}

// KeyWidth is the fixed width of an index in a storage key, so that the order of
// keys is the order of indexes.
const KeyWidth = 5

// Key returns the storage key of the row at the given indexes: lower-cased words
// joined by '/', indexes in fixed width: "zones/zone/00003/name".
func (it *Item) Key(idx ...int) string {
	return fill(strings.ToLower(it.Path), "/", idx, func(n int) string {
		return fmt.Sprintf("%0*d", KeyWidth, n)
	})
}

func fill(path, sep string, idx []int, print func(int) string) string {
	words := strings.Fields(path)
	for i, w := range words {
		if w[0] == '[' && len(idx) > 0 {
			words[i] = print(idx[0])
			idx = idx[1:]
		}
	}
	return strings.Join(words, sep)
}

package xapi

import (
	"slices"
	"strings"
)

// Place is a row of the table at definite indexes.
type Place struct {
	Item *Item
	Idx  []int
}

// String is the place's canonical path: "Zones Zone 3 Name".
func (p Place) String() string { return p.Item.At(p.Idx...) }

// Key is the place's storage key.
func (p Place) Key() string { return p.Item.Key(p.Idx...) }

// FindItem finds the row that words name exactly or by unique beginnings, among
// the rows that role has. Words that are left over are an error. The error is a
// *WordError.
func FindItem(role Role, words []string) (Place, error) { return Tree(role).Find(words) }

// Find is FindItem on a tree that the caller kept.
func (w *Word) Find(words []string) (Place, error) {
	at, idx, used, err := w.Walk(words)
	if err != nil {
		return Place{}, err
	}
	if used < len(words) {
		return Place{}, &WordError{Word: words[used], After: at.Path, Why: "is too much: the path ends before it"}
	}
	if at.Item == nil {
		return Place{}, &WordError{Word: at.Path, Why: "is not the end of a path", Allowed: at.Names()}
	}
	return Place{at.Item, idx}, nil
}

// FindCommand finds the command that the first words name, among those that
// role has, and returns the words that are left as its arguments. Names are
// compared without blanks and case, in one word or several, the longest spelling
// first, and may be shortened while unique. The error is a *WordError.
func FindCommand(role Role, words []string) (*Command, []string, error) {
	var have []*Command
	var names []string
	for _, c := range Commands() {
		if c.Role&role != 0 {
			have, names = append(have, c), append(names, c.Name)
		}
	}
	if len(words) == 0 {
		return nil, nil, &WordError{Why: "names no command", Allowed: names}
	}
	if i, used := joined(words, names); i >= 0 {
		return have[i], words[used:], nil
	}
	i, err := pick(words[0], names)
	if err != nil {
		return nil, nil, err
	}
	return have[i], words[1:], nil
}

// maxCommandWords is the most words that a command's spaced name has.
const maxCommandWords = 6

// joined tries the first words, run together, as a whole name.
func joined(words, names []string) (at, used int) {
	for used = min(len(words), maxCommandWords); used > 0; used-- {
		name := strings.Join(words[:used], "")
		at = slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
		if at >= 0 {
			return at, used
		}
	}
	return -1, 0
}

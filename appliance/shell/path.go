package shell

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sallyport/appliance/xapi"
)

// setting is one value of a line that sets values.
type setting struct {
	place xapi.Place
	value string
	word  word // where the value stands in the line
}

// request is what an xConfiguration line asks for: to set values, or, without
// any, to read what is at and below a node.
type request struct {
	at       *xapi.Word
	idx      []int
	settings []setting
}

// pathParser reads the words behind xConfiguration. A value follows its leaf
// with or without colon and quotes; behind a value goes a leaf beside it, or one
// beside any element above it, so that several stand on one line.
type pathParser struct {
	words []word
	next  int
	steps []step // from the root to where we are
	set   []setting
}

type step struct {
	at  *xapi.Word
	idx []int
}

func parsePath(tree *xapi.Word, words []word) (request, error) {
	p := pathParser{words: words, steps: []step{{at: tree}}}
	for p.next < len(words) {
		if err := p.element(); err != nil {
			return request{at: p.here().at, idx: p.here().idx, settings: p.set}, err
		}
	}
	here := p.here()
	if len(p.set) > 0 && !p.behindValue() {
		return request{settings: p.set}, usageError(fmt.Sprintf("%s: the value is missing", pathOf(here)))
	}
	return request{here.at, here.idx, p.set}, nil
}

func (p *pathParser) here() step { return p.steps[len(p.steps)-1] }

// behindValue reports whether the last word was a value, not part of a path.
func (p *pathParser) behindValue() bool {
	return len(p.set) > 0 && p.set[len(p.set)-1].word.end == p.words[p.next-1].end
}

func pathOf(s step) string {
	return (&xapi.Item{Path: s.at.Path}).At(s.idx...)
}

func (p *pathParser) element() error {
	w := p.words[p.next]
	name, rest, colon := strings.Cut(w.text, ":")
	if w.quoted || name == "" {
		return &xapi.WordError{Word: clip(w.text), After: pathOf(p.here()), Why: "stands where a name is expected", Allowed: p.here().at.Names()}
	}
	child, n, err := p.child(name)
	if err != nil {
		return err
	}
	idx := p.here().idx
	if child.Index() {
		idx = append(slices.Clone(idx), n)
	}
	p.steps = append(p.steps, step{child, idx})
	p.next++
	switch {
	case child.Item != nil && !p.goesOn(child, colon):
		return p.value(w, rest, colon)
	case rest != "":
		return &xapi.WordError{Word: clip(rest), After: pathOf(p.here()), Why: "is a value, but the path does not end here", Allowed: child.Names()}
	}
	return nil
}

// goesOn reports whether a node that is a row itself is passed on the way to a
// longer path.
func (p *pathParser) goesOn(at *xapi.Word, colon bool) bool {
	if colon || len(at.Children) == 0 || p.next >= len(p.words) || p.words[p.next].quoted {
		return false
	}
	name, _, _ := strings.Cut(p.words[p.next].text, ":")
	_, _, err := at.Child(name)
	return err == nil
}

// child finds name below where we are or, behind a value, below the nearest
// element above that has it.
func (p *pathParser) child(name string) (*xapi.Word, int, error) {
	child, n, err := p.here().at.Child(name)
	if err == nil || !p.behindValue() {
		return child, n, err
	}
	for up := len(p.steps) - 2; up >= 0; up-- {
		if child, n, e := p.steps[up].at.Child(name); e == nil {
			p.steps = p.steps[:up+1]
			return child, n, nil
		}
	}
	var word *xapi.WordError
	if errors.As(err, &word) {
		word.Why += "; a value with blanks needs quotes"
	}
	return nil, 0, err
}

// value takes the value of the leaf that w named. Without one the leaf is read.
func (p *pathParser) value(w word, rest string, colon bool) error {
	leaf := p.here()
	v := word{text: rest, start: w.end - len(rest), end: w.end}
	if rest == "" {
		if !colon && p.next < len(p.words) && strings.HasPrefix(p.words[p.next].text, ":") && !p.words[p.next].quoted {
			colon = p.strayColon()
		}
		if p.next == len(p.words) {
			if colon {
				return usageError(fmt.Sprintf(`%s: the value is missing; "" goes back to the default`, pathOf(leaf)))
			}
			return nil
		}
		v = p.words[p.next]
		p.next++
	}
	p.set = append(p.set, setting{xapi.Place{Item: leaf.at.Item, Idx: leaf.idx}, v.text, v})
	p.steps = p.steps[:len(p.steps)-1]
	return nil
}

// strayColon passes a colon that stands apart: "Port : 5061", "Port :5061".
// An IPv6 address may begin with two.
func (p *pathParser) strayColon() bool {
	w := &p.words[p.next]
	switch {
	case w.text == ":":
		p.next++
	case strings.HasPrefix(w.text, "::"):
		return false
	default:
		ws := slices.Clone(p.words)
		ws[p.next].text, ws[p.next].start = w.text[1:], w.start+1
		p.words = ws
	}
	return true
}

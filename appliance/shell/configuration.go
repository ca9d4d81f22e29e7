package shell

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sallyport/appliance/config"
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

// configuration is the verb xConfiguration.
func (t *turn) configuration(_ context.Context, words []word) int {
	words, forced := force(words)
	if rest, depth := question(words); depth > 0 {
		return t.configurationHelp(rest, depth)
	}
	if len(words) > 0 && strings.HasPrefix(words[0].text, "//") {
		return t.searchValues(searchTerm(words))
	}
	req, err := parsePath(t.tree, words)
	if err != nil {
		return t.wrong(t.elsewhere(words, err))
	}
	if len(req.settings) > 0 {
		return t.set(req.settings, forced)
	}
	return t.show(req)
}

// force takes a trailing "!" or "-force" off the line.
func force(words []word) ([]word, bool) {
	if n := len(words); n > 0 && !words[n-1].quoted && (words[n-1].text == "!" || strings.EqualFold(words[n-1].text, "-force")) {
		return words[:n-1], true
	}
	return words, false
}

// question takes a trailing "?" or "??" off the line, standing alone or at the
// end of a word, and tells how much is asked for.
func question(words []word) (rest []word, depth int) {
	n := len(words)
	if n == 0 || words[n-1].quoted {
		return words, 0
	}
	last := words[n-1]
	bare := strings.TrimRight(last.text, "?")
	if depth = len(last.text) - len(bare); depth == 0 {
		return words, 0
	}
	rest = slices.Clone(words[:n-1])
	if last.text = bare; bare != "" {
		rest = append(rest, last)
	}
	return rest, depth
}

func searchTerm(words []word) string {
	return strings.TrimPrefix(strings.Join(texts(words), " "), "//")
}

func (t *turn) set(settings []setting, forced bool) int {
	for _, s := range settings {
		if s.place.Item.Masked() && s.value == xapi.Mask {
			return t.wrong(usageError(fmt.Sprintf("%s: %s only stands for the password; type the password itself", s.place, xapi.Mask)))
		}
	}
	c, err := t.commit(t.cutsOff(settings) && !forced, func(e *config.Edit) error {
		var errs []error
		for _, s := range settings {
			errs = append(errs, assign(e, s))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		return t.wrong(err)
	}
	t.waits(c)
	t.printf(okLine)
	return Done
}

// assign sets one value. The empty value goes back to the default where the row
// has no use for it.
func assign(e *config.Edit, s setting) error {
	if _, err := s.place.Item.Parse(s.value); s.value == "" && err != nil {
		return e.Unset(s.place.String())
	}
	return e.SetPlace(s.place, s.value)
}

// cutsOff reports whether the settings change something that this session may
// hang on: not a first value where there was none, such as one more key.
func (t *turn) cutsOff(settings []setting) bool {
	sn := t.b.Config().Snapshot()
	return slices.ContainsFunc(settings, func(s setting) bool {
		was := sn.Text(s.place.Item, s.place.Idx...)
		return s.place.Item.Effect == xapi.CutsOff && was != "" && was != s.value
	})
}

func (t *turn) commit(careful bool, edit func(*config.Edit) error) (*config.Commit, error) {
	if careful && t.limit > 0 {
		return t.b.Config().EditConfirm(t.who, t.limit, edit)
	}
	return t.b.Config().Edit(t.who, edit)
}

// waits reminds of a change that waits to be confirmed.
func (t *turn) waits(c *config.Commit) {
	if c.Pending == nil || len(c.Changes) == 0 {
		return
	}
	left := c.Pending.Deadline.Sub(t.now())
	t.printf("This may cut off a session. It is taken back in %d seconds, to revision %d, unless you type: confirm\n",
		int(left.Seconds()+0.5), c.Pending.Base)
}

// show prints the values at and below a node.
func (t *turn) show(req request) int {
	sn := t.b.Config().Snapshot()
	if req.at.Item == nil {
		if err := missing(sn, req); err != nil {
			return t.wrong(err)
		}
	}
	visit(sn, req.at, req.idx, false, func(p xapi.Place, set bool) {
		if text := sn.Text(p.Item, p.Idx...); text != "" || p.Item == req.at.Item {
			t.value(p.String(), text)
		}
	})
	t.printf("\n" + okLine)
	return Done
}

// missing tells of a list entry that is not there which ones are.
func missing(sn *config.Snapshot, req request) error {
	for level, n := range req.idx {
		have := sn.Indexes(req.at.Items()[0], req.idx[:level]...)
		if slices.Contains(have, n) {
			continue
		}
		there := "there are none"
		if len(have) > 0 {
			there = "there are " + strings.Trim(fmt.Sprint(have), "[]")
		}
		return fmt.Errorf("%s is not set; %s", pathOf(step{req.at, req.idx}), there)
	}
	return nil
}

// visit calls f for each row at and below a node: where there is a list, for the
// entries that are there. Elements that belong to another type of the entry than
// its Type says, such as the Neighbor part of a TraversalClient zone, are left
// out unless something is set there.
func visit(sn *config.Snapshot, at *xapi.Word, idx []int, setOnly bool, f func(p xapi.Place, set bool)) {
	if at.Item != nil {
		p := xapi.Place{Item: at.Item, Idx: slices.Clone(idx)}
		if set := sn.IsSet(p.Item, p.Idx...); set || !setOnly {
			f(p, set)
		}
	}
	for _, c := range at.Children {
		if !c.Index() {
			visit(sn, c, idx, setOnly || otherType(sn, at, c, idx), f)
			continue
		}
		for _, n := range sn.Indexes(c.Items()[0], idx...) {
			visit(sn, c, append(slices.Clone(idx), n), setOnly, f)
		}
	}
}

func otherType(sn *config.Snapshot, at, child *xapi.Word, idx []int) bool {
	for _, c := range at.Children {
		if c.Word == "Type" && c.Item != nil && c.Item.Kind == xapi.Enumeration {
			is := sn.Text(c.Item, idx...)
			return child.Word != is && is != "" && slices.Contains(c.Item.Values, child.Word)
		}
	}
	return false
}

// searchValues prints each value whose path has term in it.
func (t *turn) searchValues(term string) int {
	if term == "" {
		return t.wrong(usageError("// needs a part of a path behind it, such as //port"))
	}
	if strings.HasSuffix(term, "?") {
		return t.searchHelp(strings.TrimSpace(strings.TrimRight(term, "?")))
	}
	sn := t.b.Config().Snapshot()
	visit(sn, t.tree, nil, false, func(p xapi.Place, set bool) {
		if text := sn.Text(p.Item, p.Idx...); text != "" && containsFold(p.String(), term) {
			t.value(p.String(), text)
		}
	})
	t.printf("\n" + okLine)
	return Done
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

// elsewhere explains a path that this role does not have: the other role may, or
// the replaced product.
func (t *turn) elsewhere(words []word, err error) error {
	var unknown *xapi.WordError
	if !errors.As(err, &unknown) {
		return err
	}
	if req, e := parsePath(t.both, words); e == nil {
		for _, it := range rowsOf(req) {
			if !it.Role.Has(t.b.Role()) {
				return usageError(fmt.Sprintf("%s is a setting of %s; this is %s", it.Path, it.Role, t.b.Role()))
			}
		}
	}
	req, e := parsePath(t.absent, words)
	for _, it := range rowsOf(req) {
		if e == nil || len(req.settings) > 0 {
			return usageError(fmt.Sprintf("%s: known, not needed here: %s", it.Path, it.Help))
		}
	}
	return err
}

func rowsOf(req request) (rows []*xapi.Item) {
	for _, s := range req.settings {
		rows = append(rows, s.place.Item)
	}
	if req.at != nil && len(rows) == 0 && req.at.Path != "" {
		rows = req.at.Items()
	}
	return rows
}

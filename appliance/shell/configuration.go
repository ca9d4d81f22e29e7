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
	if question := t.questions(settings); !forced && !t.agreed(question) {
		return t.wrong(t.unasked(question))
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

// questions are what has to be asked before the settings are made: of the rows
// that ask and whose value would change.
func (t *turn) questions(settings []setting) string {
	sn := t.b.Config().Snapshot()
	var all []string
	for _, s := range settings {
		value, err := s.place.Item.Parse(s.value)
		if s.place.Item.Confirm != "" && err == nil && value != sn.Text(s.place.Item, s.place.Idx...) {
			all = append(all, s.place.Item.Confirm)
		}
	}
	return strings.Join(all, " ")
}

// cutsOff reports whether the settings change something that this session may
// hang on: not a first value where there was none, such as one more key, but a
// first gateway or route may lead the session's answers elsewhere, and a hardware
// address moves an interface.
func (t *turn) cutsOff(settings []setting) bool {
	sn := t.b.Config().Snapshot()
	return slices.ContainsFunc(settings, func(s setting) bool {
		was := sn.Text(s.place.Item, s.place.Idx...)
		first := was == "" && !strings.HasPrefix(s.place.Item.Path, "IP ") && s.place.Item != xapi.EthernetHardware.Item
		return s.place.Item.Effect == xapi.CutsOff && !first && was != s.value
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
	if c.Pending.Holder != 0 && c.Pending.Deadline.Sub(c.Pending.Since) >= config.MaxConfirm {
		t.printf("It goes back, to revision %d, when the session of %s ends, unless it is confirmed.\n", c.Pending.Base, c.Pending.Who.User)
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
				return usageError(fmt.Sprintf("%s is a setting of %s; this is %s", asked(req, it), it.Role, t.b.Role()))
			}
		}
	}
	req, e := parsePath(t.absent, words)
	if rows := rowsOf(req); len(rows) > 0 && (e == nil || len(req.settings) > 0) {
		return usageError(fmt.Sprintf("%s: known, not here: %s", asked(req, rows[0]), strings.Join(reasons(rows), "; ")))
	}
	return err
}

// asked is what a request names: a subtree as a whole, else the row of a value.
func asked(req request, row *xapi.Item) string {
	if len(req.settings) > 0 {
		return row.Path
	}
	return pathOf(step{req.at, req.idx})
}

// reasons are why rows are absent, each reason once.
func reasons(rows []*xapi.Item) (why []string) {
	for _, it := range rows {
		if !slices.Contains(why, it.Help) {
			why = append(why, it.Help)
		}
	}
	return why
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

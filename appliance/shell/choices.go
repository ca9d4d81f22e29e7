package shell

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// pathChoices completes a path of the configuration, or the value of its leaf.
func (s *Session) pathChoices(done []word, last string, start int) ([]choice, int) {
	sn := s.b.Config().Snapshot()
	if name, rest, colon := strings.Cut(last, ":"); colon { // Leaf:val
		req, err := parsePath(s.tree, append(slices.Clone(done), word{text: name}))
		if err != nil || req.at == nil || req.at.Item == nil {
			return nil, start
		}
		return values(sn, req.at.Item, req.idx), start + len(last) - len(rest)
	}
	if n := len(done); n > 0 && !done[n-1].quoted { // the cursor may stand at a value
		req, err := parsePath(s.tree, trimColon(done))
		if err == nil && len(req.settings) == 0 && req.at.Item != nil {
			return values(sn, req.at.Item, req.idx), start
		}
	}
	req, err := parsePath(s.tree, done)
	if err != nil {
		return nil, start
	}
	if len(req.settings) > 0 {
		p := req.settings[len(req.settings)-1].place
		return beside(s.tree, p), start
	}
	return below(sn, req.at, req.idx), start
}

// below lists what may follow a node.
func below(sn *config.Snapshot, at *xapi.Word, idx []int) (list []choice) {
	for _, c := range at.Children {
		switch {
		case c.Index():
			list = append(list, entries(sn, c, idx)...)
		case otherType(sn, at, c, idx):
		case c.Item != nil:
			list = append(list, choice{c.Word + ": ", c.Word + ": " + c.Item.Space(), c.Item.Help})
		default:
			list = append(list, choice{c.Word + " ", c.Word, ""})
		}
	}
	return list
}

// entries lists the entries of a list by number, each with its name, and the
// next free number.
func entries(sn *config.Snapshot, at *xapi.Word, idx []int) (list []choice) {
	items := at.Items()
	have := sn.Indexes(items[0], idx...)
	for _, n := range have {
		list = append(list, choice{strconv.Itoa(n) + " ", strconv.Itoa(n), label(sn, items, append(slices.Clone(idx), n))})
	}
	for n := at.Min; n <= at.Max; n++ {
		if !slices.Contains(have, n) {
			return append(list, choice{strconv.Itoa(n) + " ", strconv.Itoa(n), "new; the range is " + at.Segment.String()})
		}
	}
	return list
}

// label is what tells a list entry apart: its name or, lacking one, its first
// value.
func label(sn *config.Snapshot, items []*xapi.Item, idx []int) string {
	best := ""
	for _, it := range items {
		if it.Indexes() != len(idx) || it.Masked() || !sn.IsSet(it, idx...) {
			continue
		}
		text := sn.Text(it, idx...)
		if strings.HasSuffix(it.Path, "Name") {
			return xapi.Quote(text)
		}
		if best == "" {
			best = xapi.Quote(text)
		}
	}
	return best
}

// beside lists the leaves beside one that has its value, for several on a line.
func beside(tree *xapi.Word, p xapi.Place) (list []choice) {
	words := strings.Fields(p.String())
	at, _, _, err := tree.Walk(words[:len(words)-1])
	if err != nil {
		return nil
	}
	for _, c := range at.Children {
		if c.Item != nil && c.Item != p.Item {
			list = append(list, choice{c.Word + ": ", c.Word + ": " + c.Item.Space(), c.Item.Help})
		}
	}
	return list
}

// values lists what a leaf may be: its words, names of zones where it names one,
// what it is now, or its space.
func values(sn *config.Snapshot, it *xapi.Item, idx []int) (list []choice) {
	now := sn.Text(it, idx...)
	if it.Kind == xapi.Enumeration {
		return words(it.Values, now)
	}
	if namesZone(it.Path) {
		list = names(sn, xapi.ZoneName)
	}
	if now != "" && !it.Masked() && it.Kind != xapi.Integer {
		list = append(list, choice{xapi.Quote(now) + " ", xapi.Quote(now), "as it is now"})
	}
	return append(list, choice{"", it.Space(), it.Help})
}

func namesZone(path string) bool {
	for _, end := range []string{"Authzone", "Target Name", "Source Name"} {
		if strings.HasSuffix(path, end) {
			return true
		}
	}
	return false
}

func words(values []string, now string) (list []choice) {
	for _, v := range values {
		help := ""
		if v == now {
			help = "as it is now"
		}
		list = append(list, choice{v + " ", v, help})
	}
	return list
}

func names(sn *config.Snapshot, row xapi.Str) (list []choice) {
	for _, n := range sn.Indexes(row.Item) {
		if name := sn.Str(row, n); name != "" {
			list = append(list, choice{xapi.Quote(name) + " ", xapi.Quote(name), fmt.Sprint("number ", n)})
		}
	}
	return list
}

func (s *Session) commandChoices(done []word, last string, start int) (list []choice, at int) {
	cmd, rest, err := findCommand(s.b.Role(), done)
	if err != nil {
		joined := strings.Join(plain(done), "")
		for _, c := range commandsOf(s.b.Role()) {
			if prefixFold(c.Name, joined) {
				list = append(list, choice{c.Name[len(joined):] + " ", c.Name, c.Help})
			}
		}
		return list, start
	}
	sn := s.b.Config().Snapshot()
	if name, value, colon := strings.Cut(last, ":"); colon {
		if p, err := cmd.Param(name); err == nil {
			return paramValues(sn, p), start + len(last) - len(value)
		}
		return nil, start
	}
	if n := len(rest); n > 0 && !rest[n-1].quoted && strings.HasSuffix(rest[n-1].text, ":") {
		if p, err := cmd.Param(strings.TrimSuffix(rest[n-1].text, ":")); err == nil {
			return paramValues(sn, p), start
		}
	}
	given := map[string]bool{}
	for _, a := range marked(cmd, rest) {
		if p, err := cmd.Param(a.Name); err == nil {
			given[p.Name] = true
		}
	}
	for i := range cmd.Params {
		p := &cmd.Params[i]
		if !given[p.Name] || p.Repeats {
			list = append(list, choice{p.Name + ": ", p.Name + required(cmd, p) + ": " + p.Space(), p.Help})
		}
	}
	return list, start
}

// paramValues lists what a parameter may be: numbers of entries for those that
// end in Id, names for those that name a zone or a domain.
func paramValues(sn *config.Snapshot, p *xapi.Param) []choice {
	ids := map[string]xapi.Str{"ZoneId": xapi.ZoneName, "DomainId": xapi.SIPDomainName, "SearchRuleId": xapi.RuleName}
	switch row, isID := ids[p.Name]; {
	case isID:
		var list []choice
		for _, n := range sn.Indexes(row.Item) {
			list = append(list, choice{strconv.Itoa(n) + " ", strconv.Itoa(n), xapi.Quote(sn.Str(row, n))})
		}
		return list
	case p.Name == "ZoneName" || p.Name == "SourceZone":
		return append(names(sn, xapi.ZoneName), choice{"", p.Space(), p.Help})
	case len(p.Values) > 0:
		return words(p.Values, "")
	}
	return []choice{{"", p.Space(), p.Help}}
}

func (s *Session) feedbackChoices(done []word) (list []choice) {
	if len(done) == 0 {
		return words([]string{"register", "deregister", "list"}, "")
	}
	switch done[0].text {
	case "register":
		for _, n := range elements(s.b.Role()) {
			list = append(list, choice{"/Status/" + n + " ", "/Status/" + n, ""})
		}
		for _, n := range eventNames() {
			list = append(list, choice{"/Event/" + n + " ", "/Event/" + n, ""})
		}
	case "deregister":
		for _, f := range s.feeds.all() {
			list = append(list, choice{strconv.Itoa(f.id) + " ", strconv.Itoa(f.id), f.expression})
		}
	}
	return list
}

func (s *Session) revisionChoices() (list []choice) {
	entries, _ := s.b.Config().Journal(shownRevisions)
	for _, e := range entries {
		rev := strconv.Itoa(e.Rev)
		list = append(list, choice{rev + " ", rev, e.When.Format("2006-01-02 15:04:05") + " by " + e.Who.User})
	}
	return list
}

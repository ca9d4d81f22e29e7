package shell

import (
	"context"
	"encoding/xml"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sallyport/appliance/xapi"
)

// getXML is the verb xgetxml: one path such as /Status/Zones/Zone[2]/Name, with
// * for any element and // for any depth. What is found prints with all that
// leads to it; every element but the root carries its number among its like.
func (t *turn) getXML(ctx context.Context, words []word) int {
	if len(words) != 1 || words[0].text == "?" {
		t.help("xgetxml <path>", "", "Prints a part of /Configuration, /Status or /History as XML, such as /Status/Zones/Zone[1]")
		t.printf(okLine)
		return Done
	}
	steps, err := parseXPath(words[0].text)
	if err != nil {
		return t.wrong(err)
	}
	root, err := t.document(ctx, steps)
	if err != nil {
		return t.wrong(err)
	}
	if found := matchXPath(root, steps); len(found) > 0 {
		root = prune(root, found)
	} else if err := t.known(root, steps); err != nil {
		return t.wrong(err)
	}
	t.xmlNode(root, 0)
	t.printf("\n" + okLine)
	return Done
}

// xstep is one step of a path.
type xstep struct {
	name string // "*": any
	item int    // 0: any
	deep bool   // at any depth below
}

// maxSteps bounds a path; the tables are about ten deep.
const maxSteps = 32

var stepForm = regexp.MustCompile(`^([A-Za-z0-9_*]+)(?:\[(?:@item=["']?)?(\d{1,6})["']?\])?$`)

func parseXPath(path string) ([]xstep, error) {
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	var steps []xstep
	deep := false
	for part := range strings.SplitSeq(strings.TrimSuffix(path[1:], "/"), "/") {
		if part == "" {
			deep = true
			continue
		}
		m := stepForm.FindStringSubmatch(part)
		if m == nil || len(steps) == maxSteps {
			return nil, usageError(fmt.Sprintf("%q is no step of a path; write Name, Name[2] or *", clip(part)))
		}
		n, _ := strconv.Atoi(m[2])
		steps = append(steps, xstep{m[1], n, deep})
		deep = false
	}
	if len(steps) == 0 {
		return nil, usageError("the path is empty; begin it with /Configuration, /Status or /History")
	}
	return steps, nil
}

// document builds the trees that the first step can reach.
func (t *turn) document(ctx context.Context, steps []xstep) (*xapi.Node, error) {
	roots := []string{"Configuration", "History", "Status"}
	if first := steps[0]; !first.deep && first.name != "*" {
		name, err := pick(first.name, roots)
		if err != nil {
			return nil, err
		}
		steps[0].name, roots = name, []string{name}
	}
	doc := xapi.NewNode("")
	for _, name := range roots {
		n, err := t.subtree(ctx, name)
		if err != nil {
			return nil, err
		}
		doc.Children = append(doc.Children, n)
	}
	return doc, nil
}

func (t *turn) subtree(ctx context.Context, name string) (*xapi.Node, error) {
	names, read := elements(t.b.Role()), reader(t.b.Status)
	switch name {
	case "Configuration":
		return t.configurationTree(), nil
	case "History":
		n, err := t.b.History(ctx, "")
		if err != nil {
			return nil, err
		}
		names, read = nil, t.b.History
		for _, c := range n.Children {
			names = append(names, c.Name)
		}
	}
	trees, err := readTrees(ctx, nil, names, read)
	return &xapi.Node{Name: name, Children: trees}, err
}

func (t *turn) configurationTree() *xapi.Node {
	sn := t.b.Config().Snapshot()
	root := xapi.NewNode("Configuration")
	visit(sn, t.tree, nil, false, func(p xapi.Place, set bool) {
		if text := sn.Text(p.Item, p.Idx...); text != "" {
			put(root, p, text)
		}
	})
	return root
}

// put hangs a value into the tree at its path.
func put(root *xapi.Node, p xapi.Place, text string) {
	at, idx := root, p.Idx
	segs := xapi.Segments(p.Item.Path)
	for i := 0; i < len(segs); i++ {
		n := 0
		name := segs[i].Word
		if i+1 < len(segs) && segs[i+1].Index() {
			n, idx = idx[0], idx[1:]
			i++
		}
		at = branch(at, name, n)
	}
	at.Value, at.Text = text, true
}

func branch(at *xapi.Node, name string, n int) *xapi.Node {
	for _, c := range at.Children {
		if c.Name == name && c.Index == n {
			return c
		}
	}
	return at.Nth(name, n)
}

// known empties a document in which steps find nothing, if they could: if the
// tables have such a path. Else the error tells the step that they have not.
func (t *turn) known(doc *xapi.Node, steps []xstep) error {
	tables := &xapi.Word{}
	for _, root := range doc.Children {
		root.Children = nil
		tables.Children = append(tables.Children, t.table(root.Name))
	}
	at := []*xapi.Word{tables}
	for i, s := range steps {
		next := s.below(at)
		if len(next) == 0 {
			return s.unknown(steps[:i], at)
		}
		at = next
	}
	return nil
}

// table is what a root may have below it.
func (t *turn) table(root string) *xapi.Word {
	w := t.tree
	switch root {
	case "Status":
		w = xapi.StatusTree(xapi.Statuses(), t.b.Role())
	case "History":
		w = xapi.StatusTree(xapi.Histories(), t.b.Role())
	}
	return &xapi.Word{Segment: xapi.Segment{Word: root}, Children: w.Children}
}

// below are the words that a step may be, next under those at or at any depth.
// An index is no step of its own.
func (s xstep) below(at []*xapi.Word) (found []*xapi.Word) {
	for _, w := range at {
		for _, c := range w.Children {
			if c.Index() {
				found = append(found, s.below([]*xapi.Word{c})...)
				continue
			}
			if s.name == "*" || strings.EqualFold(s.name, c.Word) {
				found = append(found, c)
			}
			if s.deep {
				found = append(found, s.below([]*xapi.Word{c})...)
			}
		}
	}
	return found
}

// unknown is the error of a step that none of the words at has below it.
func (s xstep) unknown(before []xstep, at []*xapi.Word) error {
	err := &xapi.WordError{Word: s.name, Why: "is not known"}
	for _, b := range before {
		err.After = strings.TrimSpace(err.After + " " + b.name)
	}
	all := xstep{name: "*", deep: s.deep}
	for _, w := range all.below(at) {
		err.Allowed = append(err.Allowed, w.Word)
	}
	slices.Sort(err.Allowed)
	err.Allowed = slices.Compact(err.Allowed)
	err.Nearest = xapi.Nearest(s.name, err.Allowed)
	if s.deep {
		err.Allowed = nil // everything there is
	}
	return err
}

func (s xstep) fits(n *xapi.Node) bool {
	return (s.name == "*" || strings.EqualFold(s.name, n.Name)) && (s.item == 0 || s.item == max(1, n.Index))
}

func matchXPath(n *xapi.Node, steps []xstep) []*xapi.Node {
	if len(steps) == 0 {
		return []*xapi.Node{n}
	}
	var found []*xapi.Node
	for _, c := range n.Children {
		if steps[0].fits(c) {
			found = append(found, matchXPath(c, steps[1:])...)
		}
		if steps[0].deep {
			found = append(found, matchXPath(c, steps)...)
		}
	}
	return slices.Compact(found)
}

// xmlNode prints a node; level 0 is the document, level 1 its roots.
func (t *turn) xmlNode(n *xapi.Node, level int) {
	if level == 0 {
		for _, c := range n.Children {
			t.xmlNode(c, 1)
		}
		return
	}
	indent := strings.Repeat("  ", level-1)
	head := n.Name
	if level > 1 {
		head += fmt.Sprintf(` item="%d"`, max(1, n.Index))
	}
	switch {
	case n.Empty():
		t.printf("%s<%s/>\n", indent, head)
	case len(n.Children) == 0:
		t.printf("%s<%s>%s</%s>\n", indent, head, escapeXML(n.Value), n.Name)
	default:
		t.printf("%s<%s>\n", indent, head)
		for _, c := range n.Children {
			t.xmlNode(c, level+1)
		}
		t.printf("%s</%s>\n", indent, n.Name)
	}
}

func escapeXML(text string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(printable(text)))
	return b.String()
}

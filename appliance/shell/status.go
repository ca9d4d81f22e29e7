package shell

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sallyport/appliance/xapi"
)

// status is the verb xStatus.
func (t *turn) status(ctx context.Context, words []word) int {
	if rest, depth := question(words); depth > 0 {
		return t.readingHelp("xStatus", xapi.Statuses(), rest, depth)
	}
	if len(words) > 0 {
		if first := statusWords(words[:1]); len(first) > 0 && elsewhere(first[0], t.b.Role()) {
			return t.wrong(usageError(fmt.Sprintf("%s is a part of %s's status; this is %s", first[0], other(t.b.Role()), t.b.Role())))
		}
	}
	return t.trees(ctx, 's', words, elements(t.b.Role()), t.b.Status)
}

// elsewhere tells whether a first word of the status, written out, is one of the
// other role only.
func elsewhere(first string, role xapi.Role) bool {
	has := func(names []string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, first) })
	}
	return !has(elements(role)) && has(elements(other(role)))
}

func other(role xapi.Role) xapi.Role {
	if role == xapi.Edge {
		return xapi.Core
	}
	return xapi.Edge
}

// history is the verb xHistory.
func (t *turn) history(ctx context.Context, words []word) int {
	root, err := t.b.History(ctx, "")
	if err != nil {
		return t.wrong(err)
	}
	var names []string
	for _, c := range root.Children {
		names = append(names, c.Name)
	}
	if rest, depth := question(words); depth > 0 {
		return t.readingHelp("xHistory", xapi.Histories(), rest, depth)
	}
	return t.trees(ctx, 'h', words, names, t.b.History)
}

// elements are the first words of the status that role has.
func elements(role xapi.Role) []string { return xapi.StatusTree(xapi.Statuses(), role).Names() }

type reader func(ctx context.Context, element string) (*xapi.Node, error)

// trees prints, each as a block, the elements that words ask for: all of them,
// one, a part of one, or by //name every leaf whose path has name in it.
func (t *turn) trees(ctx context.Context, letter byte, words []word, names []string, read reader) int {
	term, search := "", len(words) > 0 && strings.HasPrefix(words[0].text, "//")
	if search {
		if term, words = searchTerm(words), nil; term == "" {
			return t.wrong(usageError("// needs a part of a path behind it, such as //port"))
		}
	}
	trees, err := readTrees(ctx, words, names, read)
	if err != nil {
		return t.wrong(err)
	}
	for _, n := range trees {
		if search {
			if n = leaves(n, term); n == nil {
				continue
			}
		}
		t.block(letter, n)
	}
	t.printf(okLine)
	return Done
}

// readTrees reads what words name, pruned to it; without words everything.
func readTrees(ctx context.Context, words []word, names []string, read reader) ([]*xapi.Node, error) {
	path := statusWords(words)
	if len(path) > 0 {
		name, err := pick(path[0], names)
		if err != nil {
			return nil, err
		}
		names = []string{name}
	}
	var trees []*xapi.Node
	for _, name := range names {
		n, err := read(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if n == nil {
			n = xapi.NewNode(name)
		}
		if len(path) > 1 && len(n.Children) == 0 {
			return nil, fmt.Errorf("%s is empty now", name)
		}
		if len(path) > 1 {
			found, err := n.Find(path[1:]...)
			if err != nil && mayBe(append([]string{name}, path[1:]...)) {
				return nil, fmt.Errorf("%s %s is empty now", name, strings.Join(path[1:], " "))
			}
			if err != nil {
				return nil, err
			}
			n = prune(n, found)
		}
		trees = append(trees, n)
	}
	return trees, nil
}

// mayBe tells whether a part of the status exists that has nothing to show. Its
// words are written out; an index is for Find to judge.
func mayBe(path []string) bool {
	return slices.ContainsFunc(xapi.Statuses(), func(s *xapi.Status) bool {
		words := strings.Fields(s.Path)
		return len(path) <= len(words) && slices.EqualFunc(path, words[:len(path)], strings.EqualFold)
	})
}

// statusWords accepts what a block prints, colons behind names, as a path.
func statusWords(words []word) (path []string) {
	for _, w := range words {
		for part := range strings.FieldsSeq(strings.TrimSuffix(w.text, ":")) {
			path = append(path, part)
		}
	}
	return path
}

// pick finds word among names by the rules of the tables.
func pick(word string, names []string) (string, error) {
	at := &xapi.Word{}
	for _, n := range names {
		at.Children = append(at.Children, &xapi.Word{Segment: xapi.Segment{Word: n}})
	}
	c, _, err := at.Child(word)
	if err != nil {
		return "", err
	}
	return c.Word, nil
}

// prune copies n with only the nodes in keep, what is below them and what leads
// to them. It returns nil if there is none.
func prune(n *xapi.Node, keep []*xapi.Node) *xapi.Node {
	if slices.Contains(keep, n) {
		return n
	}
	c := *n
	c.Children = nil
	for _, child := range n.Children {
		if p := prune(child, keep); p != nil {
			c.Children = append(c.Children, p)
		}
	}
	if c.Children == nil {
		return nil
	}
	return &c
}

// leaves prunes n to the leaves whose path has term in it.
func leaves(n *xapi.Node, term string) *xapi.Node {
	var keep []*xapi.Node
	n.Walk(func(path string, leaf *xapi.Node) {
		if containsFold(n.Label()+" "+path, term) {
			keep = append(keep, leaf)
		}
	})
	return prune(n, keep)
}

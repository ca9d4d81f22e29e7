package xapi

import (
	"strconv"
	"strings"
)

// Node is one element of a status or result tree. A node with children has no
// value of its own. The zero value is an empty element.
type Node struct {
	Name     string
	Index    int    // n of "Zone n"; 0 = not one of many
	Value    string // of a leaf
	Text     bool   // the value prints in quotes
	Children []*Node
}

// NewNode returns an element to add to.
func NewNode(name string) *Node { return &Node{Name: name} }

// Add appends an element and returns it.
func (n *Node) Add(name string) *Node { return n.append(&Node{Name: name}) }

// Branch returns the element of a name, added if there is none yet.
func (n *Node) Branch(name string) *Node {
	for _, c := range n.Children {
		if c.Name == name && c.Index == 0 {
			return c
		}
	}
	return n.Add(name)
}

// Nth appends one element of many, such as "Zone 3", and returns it.
func (n *Node) Nth(name string, index int) *Node {
	return n.append(&Node{Name: name, Index: index})
}

// Leaf appends a bare value (a word such as Active) and returns n.
func (n *Node) Leaf(name, value string) *Node {
	n.append(&Node{Name: name, Value: value})
	return n
}

// Str appends a text value, printed in quotes, and returns n.
func (n *Node) Str(name, value string) *Node {
	n.append(&Node{Name: name, Value: value, Text: true})
	return n
}

// Int appends a number and returns n.
func (n *Node) Int(name string, value int) *Node { return n.Leaf(name, strconv.Itoa(value)) }

func (n *Node) append(c *Node) *Node {
	n.Children = append(n.Children, c)
	return c
}

// Label is the element's name as it prints: with its number, if it has one.
func (n *Node) Label() string {
	if n.Index > 0 {
		return n.Name + " " + strconv.Itoa(n.Index)
	}
	return n.Name
}

// Empty reports whether the element has neither value nor children; it prints
// as "/".
func (n *Node) Empty() bool { return n.Value == "" && !n.Text && len(n.Children) == 0 }

// Find follows words below n: names shortened while unique, then the number
// where there are many. A name without number that there are many of keeps them
// all, so the answer is a list. The error is a *WordError.
func (n *Node) Find(words ...string) ([]*Node, error) {
	if len(words) == 0 {
		return []*Node{n}, nil
	}
	name, err := n.pick(words[0])
	if err != nil {
		return nil, err
	}
	return n.among(name, words[1:])
}

func (n *Node) pick(word string) (string, error) {
	var names []string
	for _, c := range n.Children {
		if len(names) == 0 || names[len(names)-1] != c.Name {
			names = append(names, c.Name)
		}
	}
	i, err := pick(word, names)
	if err != nil {
		err.After = n.Name
		return "", err
	}
	return names[i], nil
}

func (n *Node) among(name string, rest []string) ([]*Node, error) {
	want := 0
	if len(rest) > 0 {
		if k, err := strconv.Atoi(rest[0]); err == nil {
			want, rest = k, rest[1:]
		}
	}
	var out []*Node
	for _, c := range n.Children {
		if c.Name != name || want != 0 && c.Index != want {
			continue
		}
		found, err := c.Find(rest...)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	if out == nil {
		return nil, &WordError{Word: strconv.Itoa(want), After: name, Why: "is not there"}
	}
	return out, nil
}

// Walk visits every leaf below n with its path from n: "Zone 1 Name".
func (n *Node) Walk(visit func(path string, leaf *Node)) { n.walk(nil, visit) }

func (n *Node) walk(above []string, visit func(string, *Node)) {
	for _, c := range n.Children {
		path := append(above[:len(above):len(above)], c.Label())
		if len(c.Children) == 0 {
			visit(strings.Join(path, " "), c)
		}
		c.walk(path, visit)
	}
}

package sdp

import (
	"slices"
	"strings"
)

func (s *Section) count(kind byte) int {
	n := 0
	for _, l := range s.lines {
		if l.kind() == kind {
			n++
		}
	}
	return n
}

// index is the place of the first line of that kind, or -1.
func (s *Section) index(kind byte) int {
	return slices.IndexFunc(s.lines, func(l line) bool { return l.kind() == kind })
}

// value is what follows x= on the first line of that kind.
func (s *Section) value(kind byte) (string, bool) {
	i := s.index(kind)
	if i < 0 {
		return "", false
	}
	return s.lines[i].text[2:], true
}

// put replaces the value of line i and keeps its ending.
func (s *Section) put(i int, value string) {
	s.lines[i].text = s.lines[i].text[:2] + value
}

// attr splits an a= line into name and value; other lines give no name.
func (l line) attr() (name, value string) {
	if l.kind() != 'a' {
		return "", ""
	}
	name, value, _ = strings.Cut(l.text[2:], ":")
	return name, value
}

// Attr is the value of the first attribute of that name, empty for a flag.
func (s *Section) Attr(name string) (string, bool) {
	for _, l := range s.lines {
		if n, v := l.attr(); n == name {
			return v, true
		}
	}
	return "", false
}

// Attrs are the values of all attributes of that name, in order.
func (s *Section) Attrs(name string) []string {
	var all []string
	for _, l := range s.lines {
		if n, v := l.attr(); n == name {
			all = append(all, v)
		}
	}
	return all
}

// Has reports whether there is such an attribute.
func (s *Section) Has(name string) bool {
	_, ok := s.Attr(name)
	return ok
}

// Remove takes out every attribute of these names and reports how many went.
func (s *Section) Remove(names ...string) int {
	return s.removeIf(func(l line) bool {
		n, _ := l.attr()
		return n != "" && slices.Contains(names, n)
	})
}

func (s *Section) removeIf(gone func(line) bool) int {
	before := len(s.lines)
	s.lines = slices.DeleteFunc(s.lines, gone)
	return before - len(s.lines)
}

// Set replaces the first attribute of that name where it stands, takes out
// the others, and adds it at the end if there is none.
func (s *Section) Set(name, value string) {
	s.Replace(name, []string{value})
}

// Replace puts these values in the place of all attributes of that name, or
// at the section's end if there was none.
func (s *Section) Replace(name string, values []string) {
	at := slices.IndexFunc(s.lines, func(l line) bool { n, _ := l.attr(); return n == name })
	s.Remove(name)
	if at < 0 || at > len(s.lines) {
		at = len(s.lines)
	}
	fresh := make([]line, len(values))
	for i, v := range values {
		fresh[i] = line{"a=" + name, s.body.eol}
		if v != "" {
			fresh[i].text += ":" + v
		}
	}
	s.insert(at, fresh...)
}

// insert puts lines in at a place and mends the ending of a last line that
// had none.
func (s *Section) insert(at int, fresh ...line) {
	if len(fresh) == 0 {
		return
	}
	if at > 0 && s.lines[at-1].eol == "" {
		s.lines[at-1].eol = s.body.eol
	}
	s.lines = slices.Insert(s.lines, at, fresh...)
}

// RemoveAttr takes attributes of that name out of every section.
func (b *Body) RemoveAttr(name string) {
	for _, s := range b.sections() {
		s.Remove(name)
	}
}

package xmpp

import "encoding/xml"

// fit checks one start tag.
func fit(t xml.StartElement, depth int) error {
	if depth >= maxDepth || len(t.Attr) > maxAttrs {
		return fault(condPolicy, "more than %d elements within each other, or attributes of one", maxDepth)
	}
	for i, a := range t.Attr {
		for _, b := range t.Attr[:i] {
			if a.Name == b.Name {
				return fault(condNotWellFormed, "an attribute stands twice")
			}
		}
	}
	return nil
}

// declare keeps the namespaces that the header declares for the whole stream.
func (s *Splitter) declare(t xml.StartElement) {
	s.ns = map[string]string{}
	for _, a := range t.Attr {
		if prefix, ok := declares(a); ok {
			s.ns[prefix] = a.Value
		}
	}
}

func declares(a xml.Attr) (prefix string, ok bool) {
	switch {
	case a.Name.Space == "xmlns":
		return a.Name.Local, true
	case a.Name.Space == "" && a.Name.Local == "xmlns":
		return "", true
	}
	return "", false
}

// resolve names an element of the top level.
func (s *Splitter) resolve(t xml.StartElement) xml.Name {
	for _, a := range t.Attr {
		if prefix, ok := declares(a); ok && prefix == t.Name.Space {
			return xml.Name{Space: a.Value, Local: t.Name.Local}
		}
	}
	return xml.Name{Space: s.ns[t.Name.Space], Local: t.Name.Local}
}

// written is a name as it stands in the stream.
func written(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

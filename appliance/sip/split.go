package sip

import "strings"

// Split takes a list joined by commas apart. Commas in quoted strings and in
// angle brackets do not count; empty elements are left out.
func Split(list string) []string {
	var all []string
	for list != "" {
		var v string
		if v, list = cut(list); v != "" {
			all = append(all, v)
		}
	}
	return all
}

// Cut is the first element of a list joined by commas, and what follows it; see
// Split.
func Cut(list string) (first, rest string) { return cut(list) }

// cut is the first element of a list, trimmed, and what follows its comma.
func cut(list string) (first, rest string) {
	i := strings.IndexByte(list, ',')
	if i < 0 { // nearly always
		return trim(list), ""
	}
	if head := list[:i]; strings.IndexByte(head, '"') < 0 && strings.IndexByte(head, '<') < 0 {
		return trim(head), trimLeft(list[i+1:])
	}
	for i = 0; i < len(list); i++ {
		switch list[i] {
		case ',':
			return trim(list[:i]), trimLeft(list[i+1:])
		case '"':
			end := quotedEnd(list, i)
			if end < 0 {
				return trim(list), ""
			}
			i = end - 1
		case '<':
			// In a URI no quote or bracket is legal, so only its end matters.
			for i++; i < len(list) && list[i] != '>'; i++ {
			}
		}
	}
	return trim(list), ""
}

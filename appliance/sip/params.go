package sip

// Header parameters, as behind a name-addr or a Via: ;name, ;name=token or
// ;name="quoted", with spaces allowed around ';' and '='. (URI parameters have
// neither spaces nor quotes: see uri.go.)

// nextParam reads the parameter at the head of s, which is empty or starts with
// ';' after spaces. The value keeps its quotes.
func nextParam(s string) (name, value, rest string, ok bool) {
	s = trimLeft(s)
	if s == "" || s[0] != ';' {
		return "", "", "", false
	}
	s = trimLeft(s[1:])
	n := spanText(s, inToken)
	if n == 0 {
		return "", "", "", false
	}
	name, s = s[:n], trimLeft(s[n:])
	if s == "" || s[0] != '=' {
		return name, "", s, s == "" || s[0] == ';'
	}
	s = trimLeft(s[1:])
	n = paramValueEnd(s)
	if n <= 0 {
		return "", "", "", false
	}
	value, s = s[:n], trimLeft(s[n:])
	return name, value, s, s == "" || s[0] == ';'
}

// paramValueEnd is the length of the value at the head of s. More than RFC
// 3261's token and host is let through, because phones send more ('/', '@'),
// but nothing that another reader could take for the end of the value.
func paramValueEnd(s string) int {
	if s != "" && s[0] == '"' {
		return quotedEnd(s, 0)
	}
	return spanText(s, inValue)
}

// paramsOK tells whether s is nothing but well-formed parameters, and finds one
// of them on the way as param does.
func paramsOK(s, name string) (value string, found, ok bool) {
	for s = trimLeft(s); s != ""; {
		n, v, rest, ok := nextParam(s)
		if !ok {
			return "", false, false
		}
		if !found && same(n, name) {
			value, found = v, true
		}
		s = rest
	}
	return value, found, true
}

// param finds a parameter without regard to case; quotes stay on the value.
func param(s, name string) (value string, found bool) {
	for s = trimLeft(s); s != ""; {
		n, v, rest, ok := nextParam(s)
		if !ok {
			return "", false
		}
		if same(n, name) {
			return v, true
		}
		s = rest
	}
	return "", false
}

// withParam sets a parameter where it stands, or appends it; an empty value
// makes it a flag. withoutParam takes it out. All else stays as it was.
func withParam(s, name, value string) string {
	text := ";" + name
	if value != "" {
		text += "=" + value
	}
	head, tail, found := aroundParam(s, name)
	if !found {
		return trimRight(s) + text
	}
	return head + text + tail
}

func withoutParam(s, name string) string {
	for {
		head, tail, found := aroundParam(s, name)
		if !found {
			return s
		}
		s = head + tail
	}
}

func aroundParam(s, name string) (head, tail string, found bool) {
	for at := trimLeft(s); at != ""; {
		n, _, rest, ok := nextParam(at)
		if !ok {
			break
		}
		if same(n, name) {
			return s[:len(s)-len(at)], rest, true
		}
		at = rest
	}
	return "", "", false
}

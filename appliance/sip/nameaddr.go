package sip

import "strings"

// NameAddr is an address with its header parameters, as in From, To, Contact,
// Route and the like. As long as no field is changed, String gives back the very
// text it was parsed from.
type NameAddr struct {
	Display string // without quotes and escapes
	URI     URI
	Params  string // header parameters: ";tag=1;q=0.5"

	raw string
}

// ParseNameAddr reads one element of an address header. The "*" of a Contact is
// not an address.
func ParseNameAddr(s string) (NameAddr, error) {
	s = trim(s)
	a, ok := scanAddr(s, "")
	if !ok {
		return NameAddr{}, errNameAddr
	}
	u, err := ParseURI(s[a.uri:a.uriEnd])
	if err != nil {
		return NameAddr{}, err
	}
	display := ""
	if a.uri > 0 {
		display = unquote(trim(s[:a.uri-1]))
	}
	return NameAddr{Display: display, URI: u, Params: s[a.params:], raw: s}, nil
}

// String writes the address; angle brackets are always there unless it came
// without them.
func (a NameAddr) String() string {
	if a.raw != "" {
		if was, err := ParseNameAddr(a.raw); err == nil && was == a {
			return a.raw
		}
	}
	uri := "<" + a.URI.String() + ">" + a.Params
	if a.Display == "" {
		return uri
	}
	return Quote(a.Display) + " " + uri
}

// Param finds a header parameter without regard to case, quotes taken off.
func (a NameAddr) Param(name string) (string, bool) {
	v, found := param(a.Params, name)
	return unquote(v), found
}

// WithParam sets a header parameter, where it stands or at the end. The value is
// written as it is given: quote it with Quote where it is no token. An empty
// value makes it a flag.
func (a NameAddr) WithParam(name, value string) NameAddr {
	a.Params = withParam(a.Params, name, value)
	return a
}

// WithoutParam takes a header parameter out.
func (a NameAddr) WithoutParam(name string) NameAddr {
	a.Params = withoutParam(a.Params, name)
	return a
}

// addr is where the parts of an address lie, and a parameter that was looked for.
type addr struct {
	uri, uriEnd, params int
	value               string
	found               bool
}

// scanAddr finds the parts of a trimmed name-addr or addr-spec and checks that
// nothing else is there: one URI, quotes and brackets in pairs, well-formed
// parameters.
func scanAddr(s, param string) (a addr, ok bool) {
	start := displayEnd(s)
	if start < 0 {
		return scanBare(s, param)
	}
	end := start + 1 + spanText(s[start+1:], inAddr)
	if end == len(s) || s[end] != '>' {
		return addr{}, false
	}
	a.uri, a.uriEnd, a.params = start+1, end, end+1
	a.value, a.found, ok = paramsOK(s[a.params:], param)
	return a, ok && hasScheme(s[a.uri:a.uriEnd])
}

// displayEnd is the index of the '<' behind an optional display name, or -1.
func displayEnd(s string) int {
	i := 0
	if s != "" && s[0] == '"' {
		if i = quotedEnd(s, 0); i < 0 {
			return -1
		}
		for i < len(s) && isSpace(s[i]) {
			i++
		}
	} else {
		// Letters beyond ASCII belong in quotes, but phones send them bare.
		i = spanText(s, inDisplay)
	}
	if i < len(s) && s[i] == '<' {
		return i
	}
	return -1
}

// scanBare reads a URI without brackets: RFC 3261 20.10 gives what follows its
// first ';' to the header, and forbids ',' and '?' in it.
func scanBare(s, param string) (a addr, ok bool) {
	end := strings.IndexAny(s, "; \t")
	if end < 0 {
		end = len(s)
	}
	a.uriEnd, a.params = end, end
	a.value, a.found, ok = paramsOK(s[end:], param)
	return a, ok && spanText(s[:end], inAddr) == end && hasScheme(s[:end]) && strings.IndexByte(s[:end], ',') < 0 && strings.IndexByte(s[:end], '?') < 0
}

// hasScheme tells a URI of whatever scheme by its first part.
func hasScheme(s string) bool {
	if len(s) > 4 && s[:4] == "sip:" {
		return true
	}
	colon := strings.IndexByte(s, ':')
	return colon > 0 && colon < len(s)-1 && isScheme(s[:colon])
}

// AddrParam is a header parameter of an address, as NameAddr.Param finds it,
// without a look at the address itself; ok is false where s is no address.
func AddrParam(s, name string) (value string, found, ok bool) {
	a, ok := scanAddr(trim(s), name)
	return unquote(a.value), a.found, ok
}

// addrTag is the tag of a From or To value.
func addrTag(s string) string {
	a, ok := scanAddr(s, "tag")
	if !ok {
		return ""
	}
	return a.value
}

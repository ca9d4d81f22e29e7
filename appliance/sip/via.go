package sip

// Via is one element of a Via header. As long as no field is changed, String
// gives back the very text it was parsed from.
type Via struct {
	Transport string // as written: "UDP", "TLS", …
	Host      string // without brackets
	Port      int    // 0 if none is written
	Params    string // ";branch=z9hG4bK…;rport"

	raw string
}

// ParseVia reads one element of a Via header.
func ParseVia(s string) (Via, error) {
	s = trim(s)
	v := Via{raw: s}
	rest, ok := viaProtocol(s)
	if !ok {
		return Via{}, errVia
	}
	n := spanText(rest, inToken)
	if n == 0 || n == len(rest) || !isSpace(rest[n]) {
		return Via{}, errVia
	}
	v.Transport = rest[:n]
	if v.Host, v.Port, rest, ok = sentBy(trimLeft(rest[n:])); !ok {
		return Via{}, errVia
	}
	if _, _, ok := paramsOK(rest, ""); !ok {
		return Via{}, errVia
	}
	v.Params = rest
	return v, nil
}

// viaProtocol reads SIP/2.0/ with the spaces that may stand around the slashes.
func viaProtocol(s string) (rest string, ok bool) {
	if len(s) > 8 && s[:8] == "SIP/2.0/" { // nearly always
		return trimLeft(s[8:]), true
	}
	for _, want := range [...]string{"SIP", "/", "2.0", "/"} {
		if len(s) < len(want) || !same(s[:len(want)], want) {
			return "", false
		}
		s = trimLeft(s[len(want):])
	}
	return s, true
}

// sentBy reads host and port with the spaces that may stand around the colon.
func sentBy(s string) (host string, port int, rest string, ok bool) {
	host, rest, ok = hostAt(s)
	if !ok {
		return "", 0, "", false
	}
	if s = trimLeft(rest); s != "" && s[0] == ':' {
		port, rest, ok = portNumber(trimLeft(s[1:]))
	}
	return host, port, rest, ok
}

// String writes the Via.
func (v Via) String() string {
	if v.raw != "" {
		if was, err := ParseVia(v.raw); err == nil && was == v {
			return v.raw
		}
	}
	return "SIP/2.0/" + v.Transport + " " + v.SentBy() + v.Params
}

// SentBy is host and, where one is written, port, with brackets around IPv6.
func (v Via) SentBy() string { return joinHostPort(v.Host, v.Port) }

// Param finds a parameter without regard to case, quotes taken off.
func (v Via) Param(name string) (string, bool) {
	p, found := param(v.Params, name)
	return unquote(p), found
}

// WithParam sets a parameter, where it stands or at the end; an empty value
// makes it a flag like ;rport.
func (v Via) WithParam(name, value string) Via {
	v.Params = withParam(v.Params, name, value)
	return v
}

// WithoutParam takes a parameter out.
func (v Via) WithoutParam(name string) Via {
	v.Params = withoutParam(v.Params, name)
	return v
}

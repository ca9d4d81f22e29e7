package sip

import (
	"net/netip"
	"strings"
)

// syntaxError is an error whose text is all there is to know.
type syntaxError string

func (e syntaxError) Error() string { return string(e) }

const (
	errURI      = syntaxError("sip: malformed URI")
	errNameAddr = syntaxError("sip: malformed address")
	errVia      = syntaxError("sip: malformed Via")
)

// maxURI bounds a URI: RFC 3261 asks for 256 bytes, and comparing parameters
// takes the square of their number.
const maxURI = 4096

// URI is a sip:, sips:, tel: or other URI. As long as no field is changed,
// String gives back the very text it was parsed from.
type URI struct {
	Scheme   string // lower case
	User     string // as written, escapes included; of other than sip: and sips:, all up to the first ';'
	Password string // as written
	Host     string // without brackets; empty in tel: and other URIs
	Port     int    // 0 if none is written
	Params   string // ";transport=tls;lr"
	Headers  string // "?Subject=x"

	raw string
}

// ParseURI reads a URI without anything around it.
func ParseURI(s string) (URI, error) {
	if len(s) > maxURI || !isURIText(s) {
		return URI{}, errURI
	}
	u := URI{raw: s}
	rest, ok := u.readScheme(s)
	if !ok {
		return URI{}, errURI
	}
	if !u.SIP() {
		u.User, u.Params = splitAt(rest, ';')
		if u.User == "" {
			return URI{}, errURI
		}
		return u, nil
	}
	// A user may hold ';' and '?', nothing else may hold '@': it is cut off first.
	if at := strings.IndexByte(rest, '@'); at >= 0 {
		n := spanText(rest[:at], inUser)
		if u.User = rest[:n]; n < at {
			u.Password = rest[n+1 : at]
		}
		if n == 0 || n < at && (rest[n] != ':' || spanText(u.Password, inUser) < len(u.Password)) {
			return URI{}, errURI
		}
		rest = rest[at+1:]
	}
	if u.Host, u.Port, rest, ok = hostPort(rest); !ok {
		return URI{}, errURI
	}
	if rest == "" {
		return u, nil
	}
	u.Params, u.Headers = splitAt(rest, '?')
	if u.Params != "" && u.Params[0] != ';' || !uriParamsOK(u.Params) {
		return URI{}, errURI
	}
	return u, nil
}

// readScheme takes the scheme off the head of s.
func (u *URI) readScheme(s string) (rest string, ok bool) {
	if len(s) > 4 && s[:4] == "sip:" {
		u.Scheme = s[:3]
		return s[4:], true
	}
	n := strings.IndexByte(s, ':')
	if n <= 0 || !isScheme(s[:n]) {
		return "", false
	}
	u.Scheme = lower(s[:n])
	return s[n+1:], true
}

// SIP tells whether the scheme is sip or sips.
func (u URI) SIP() bool { return u.Scheme == "sip" || u.Scheme == "sips" }

// String writes the URI.
func (u URI) String() string {
	if u.raw != "" {
		if was, err := ParseURI(u.raw); err == nil && was == u {
			return u.raw
		}
	}
	if u.Scheme == "" {
		return ""
	}
	var b strings.Builder
	b.Grow(len(u.Scheme) + len(u.User) + len(u.Host) + len(u.Params) + len(u.Headers) + 16)
	b.WriteString(u.Scheme)
	b.WriteByte(':')
	b.WriteString(u.User)
	if u.SIP() {
		if u.Password != "" {
			b.WriteByte(':')
			b.WriteString(u.Password)
		}
		if u.User != "" {
			b.WriteByte('@')
		}
		b.WriteString(u.HostPort())
	}
	b.WriteString(u.Params)
	b.WriteString(u.Headers)
	return b.String()
}

// HostPort is host and, where one is written, port, with brackets around IPv6.
func (u URI) HostPort() string { return joinHostPort(u.Host, u.Port) }

// Addr is the host as an address, if it is one.
func (u URI) Addr() (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.Replace(u.Host, ":::", "::", 1)) // RFC 5118 4.10
	return a, err == nil && a.Zone() == ""
}

// splitAt cuts s before the first sep, which stays with the tail.
func splitAt(s string, sep byte) (head, tail string) {
	if i := strings.IndexByte(s, sep); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

func isScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !isAlpha(c) && (i == 0 || !isDigit(c) && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}

// isURIText keeps out what ends a URI in any place it may stand in, and broken
// escapes.
func isURIText(s string) bool {
	for i := 0; ; i += 3 {
		i += spanText(s[i:], inURI)
		if i == len(s) {
			return true
		}
		if s[i] != '%' || i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
			return false
		}
	}
}

func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			return strings.ToLower(s)
		}
	}
	return s
}

package sip

import (
	"net/netip"
	"strconv"
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
	colon := strings.IndexByte(s, ':')
	if colon <= 0 || len(s) > maxURI || !isScheme(s[:colon]) || !isURIText(s) {
		return URI{}, errURI
	}
	u := URI{Scheme: lower(s[:colon]), raw: s}
	rest := s[colon+1:]
	if !u.SIP() {
		u.User, u.Params = splitAt(rest, ';')
		if u.User == "" {
			return URI{}, errURI
		}
		return u, nil
	}
	// A user may hold ';' and '?', nothing else may hold '@': it is cut off first.
	if at := strings.IndexByte(rest, '@'); at >= 0 {
		u.User, u.Password = splitAt(rest[:at], ':')
		u.Password = strings.TrimPrefix(u.Password, ":")
		if u.User == "" || strings.IndexByte(rest[:at], '[') >= 0 || strings.IndexByte(u.Password, ':') >= 0 {
			return URI{}, errURI
		}
		rest = rest[at+1:]
	}
	var ok bool
	if u.Host, u.Port, rest, ok = hostPort(rest); !ok {
		return URI{}, errURI
	}
	u.Params, u.Headers = splitAt(rest, '?')
	if u.Params != "" && u.Params[0] != ';' || !uriParamsOK(u.Params) {
		return URI{}, errURI
	}
	return u, nil
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

// Param finds a URI parameter without regard to case; the value is as written.
func (u URI) Param(name string) (string, bool) {
	for rest := u.Params; rest != ""; {
		var p string
		p, rest = nextURIParam(rest)
		if n, v := splitAt(p, '='); same(n, name) {
			return strings.TrimPrefix(v, "="), true
		}
	}
	return "", false
}

// WithParam sets a parameter, where it stands or at the end. An empty value
// makes it a flag like ;lr. Bytes that would end the URI are escaped.
func (u URI) WithParam(name, value string) URI {
	text := ";" + escape(name, isParamByte)
	if value != "" {
		text += "=" + escape(value, isParamByte)
	}
	var b strings.Builder
	done := false
	for rest := u.Params; rest != ""; {
		var p string
		p, rest = nextURIParam(rest)
		if n, _ := splitAt(p, '='); !same(n, name) {
			b.WriteString(";" + p)
		} else if !done {
			b.WriteString(text)
			done = true
		}
	}
	if !done {
		b.WriteString(text)
	}
	u.Params = b.String()
	return u
}

// WithoutParam takes a parameter out.
func (u URI) WithoutParam(name string) URI {
	if _, found := u.Param(name); !found {
		return u
	}
	var b strings.Builder
	for rest := u.Params; rest != ""; {
		var p string
		p, rest = nextURIParam(rest)
		if n, _ := splitAt(p, '='); !same(n, name) {
			b.WriteString(";" + p)
		}
	}
	u.Params = b.String()
	return u
}

// nextURIParam cuts the first parameter, without its ';', off s.
func nextURIParam(s string) (p, rest string) {
	return splitAt(strings.TrimPrefix(s, ";"), ';')
}

// uriParamsOK refuses empty parameters, and two of one that says where a request
// goes: others might follow the other one.
func uriParamsOK(s string) bool {
	var once uint
	for s != "" {
		var p string
		p, s = nextURIParam(s)
		name, _ := splitAt(p, '=')
		if name == "" {
			return false
		}
		bit := routingParam(name)
		if once&bit != 0 {
			return false
		}
		once |= bit
	}
	return true
}

func routingParam(name string) uint {
	for i, r := range [...]string{"transport", "maddr", "ttl", "user", "method", "lr"} {
		if same(name, r) {
			return 1 << i
		}
	}
	return 0
}

// hostPort reads host and port at the head of s.
func hostPort(s string) (host string, port int, rest string, ok bool) {
	host, s, ok = hostAt(s)
	if !ok || s == "" || s[0] != ':' {
		return host, 0, s, ok
	}
	port, rest, ok = portNumber(s[1:])
	return host, port, rest, ok
}

// hostAt reads a host name, an IPv4 address or an IPv6 reference.
func hostAt(s string) (host, rest string, ok bool) {
	if s != "" && s[0] == '[' {
		n := strings.IndexByte(s, ']')
		if n < 0 || !isIPv6Text(s[1:n]) {
			return "", "", false
		}
		return s[1:n], s[n+1:], true
	}
	n := spanText(s, inHost)
	return s[:n], s[n:], n > 0
}

func portNumber(s string) (port int, rest string, ok bool) {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	p, ok := digits(s[:n], 65535)
	return int(p), s[n:], ok && p > 0
}

func joinHostPort(host string, port int) string {
	if strings.IndexByte(host, ':') >= 0 {
		host = "[" + host + "]"
	}
	if port == 0 {
		return host
	}
	return host + ":" + strconv.Itoa(port)
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
	if spanText(s, inURI) < len(s) {
		return false
	}
	for i := strings.IndexByte(s, '%'); i >= 0 && i < len(s); i++ {
		if s[i] == '%' && (i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0) {
			return false
		}
	}
	return true
}

// isIPv6Text is the shape of RFC 3261's IPv6address. RFC 5118 4.10 asks to
// accept its three colons in a row too, so the meaning is left to Addr.
func isIPv6Text(s string) bool {
	colons := 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == ':':
			colons++
		case unhex(s[i]) < 0 && s[i] != '.':
			return false
		}
	}
	return colons >= 2 && len(s) <= 46
}

func isParamByte(c byte) bool {
	return isAlpha(c) || isDigit(c) || strings.IndexByte("-_.!~*'()[]/:&+$%", c) >= 0
}

func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			return strings.ToLower(s)
		}
	}
	return s
}

package sip

import (
	"strconv"
	"strings"
)

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

package lab

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// splitList splits a header value at commas outside quotes and <>.
func splitList(s string) []string {
	var parts []string
	depth, quoted, start := 0, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			depth++
		case c == '>':
			depth--
		case c == ',' && depth == 0:
			parts = append(parts, strings.TrimSpace(s[start:i]))
			start = i + 1
		}
	}
	if last := strings.TrimSpace(s[start:]); last != "" {
		parts = append(parts, last)
	}
	return parts
}

// uriOf takes the URI out of a name-addr or addr-spec.
func uriOf(nameAddr string) string {
	if i := openAngle(nameAddr); i >= 0 {
		uri, _, _ := strings.Cut(nameAddr[i+1:], ">")
		return uri
	}
	uri, _, _ := strings.Cut(nameAddr, ";")
	return strings.TrimSpace(uri)
}

// openAngle finds the < outside a quoted display name.
func openAngle(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '<' && !quoted:
			return i
		}
	}
	return -1
}

// paramsOf is what follows the URI of a name-addr.
func paramsOf(nameAddr string) string {
	if i := openAngle(nameAddr); i >= 0 {
		_, rest, _ := strings.Cut(nameAddr[i:], ">")
		return rest
	}
	_, rest, _ := strings.Cut(nameAddr, ";")
	return ";" + rest
}

// paramOf is a header parameter of a name-addr, "" if it is absent.
func paramOf(nameAddr, name string) string { return lookParam(paramsOf(nameAddr), name) }

// uriParam is a parameter of a URI; a flag without value yields its own name.
func uriParam(uri, name string) string {
	_, rest, _ := strings.Cut(uri, ";")
	rest, _, _ = strings.Cut(rest, "?")
	return lookParam(";"+rest, name)
}

func lookParam(params, name string) string {
	for _, p := range strings.Split(params, ";") {
		k, v, valued := strings.Cut(strings.TrimSpace(p), "=")
		if !strings.EqualFold(strings.TrimSpace(k), name) {
			continue
		}
		if !valued {
			return name
		}
		return strings.Trim(strings.TrimSpace(v), `"`)
	}
	return ""
}

// splitURI gives user, host and port (0 if none) of a SIP URI.
func splitURI(uri string) (user, host string, port int) {
	_, rest, ok := strings.Cut(uri, ":")
	if !ok {
		return "", "", 0
	}
	rest, _, _ = strings.Cut(rest, "?")
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		user, rest = rest[:at], rest[at+1:]
		user, _, _ = strings.Cut(user, ";")
	}
	rest, _, _ = strings.Cut(rest, ";")
	return user, hostOf(rest), portOf(rest)
}

func hostOf(hostport string) string {
	if strings.HasPrefix(hostport, "[") {
		host, _, _ := strings.Cut(hostport[1:], "]")
		return host
	}
	host, _, _ := strings.Cut(hostport, ":")
	return host
}

func portOf(hostport string) int {
	if _, rest, ok := strings.Cut(hostport, "]"); ok {
		hostport = rest
	}
	_, port, _ := strings.Cut(hostport, ":")
	n, _ := strconv.Atoi(port)
	return n
}

// target is where a URI says a message goes.
type target struct {
	network string // UDP, TCP or TLS
	host    string
	port    int
}

// targetOf applies the transport and port rules of RFC 3263 that need no DNS.
func targetOf(uri string) target {
	_, host, port := splitURI(uri)
	t := target{strings.ToUpper(uriParam(uri, "transport")), host, port}
	if t.network == "" {
		t.network = "UDP"
	}
	if strings.HasPrefix(uri, "sips:") {
		t.network = "TLS"
	}
	if t.port == 0 {
		t.port = defaultPort(t.network)
	}
	return t
}

func defaultPort(network string) int {
	if network == "TLS" {
		return 5061
	}
	return 5060
}

// addr resolves the host against a table of names, else as an address.
func (t target) addr(hosts map[string]netip.Addr) (netip.AddrPort, error) {
	ip, ok := hosts[strings.ToLower(t.host)]
	if !ok {
		var err error
		if ip, err = netip.ParseAddr(t.host); err != nil {
			return netip.AddrPort{}, fmt.Errorf("lab: unknown host %q", t.host)
		}
	}
	return netip.AddrPortFrom(ip, uint16(t.port)), nil
}

// hostPort renders an address for a URI or Via.
func hostPort(ap netip.AddrPort) string { return ap.String() }

package allow

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Match says how a rule's path is compared.
type Match uint8

// Exact wants the very path; Prefix any path that begins with the rule's,
// as plain text: "/a" lets "/ab" through too.
const (
	Exact Match = iota
	Prefix
)

// String is the word of shell, CSV and log.
func (m Match) String() string {
	if m == Prefix {
		return "prefix"
	}
	return "exact"
}

// ParseMatch reads the words that shell and CSV accept.
func ParseMatch(s string) (Match, bool) {
	switch strings.ToLower(s) {
	case "exact":
		return Exact, true
	case "prefix", "starts-with", "startswith":
		return Prefix, true
	}
	return Exact, false
}

// Rule permits requests to one inside server.
type Rule struct {
	Name        string // what logs call it: "rule 3", "Unified CM servers"
	Type        string // where it stems from
	Scheme      string // "http" or "https"
	Host        string // lower case, no brackets
	Port        uint16
	Path        string // canonical, begins with "/"
	Match       Match
	Methods     []string // empty: the list's default methods
	Deployment  string   // whose users it is for, in whichever words the list's user has for that
	Description string

	Authorization bool // the server gets the client's Authorization though it is no UC node
}

// URL is the rule's target in the form that an administrator types.
func (r *Rule) URL() string {
	t := Target{Scheme: r.Scheme, Host: r.Host, Port: r.Port}
	return t.Origin() + r.Path
}

// ParseURL reads protocol://host[:port][/path] into a rule. The port defaults
// to the protocol's, the path to "/".
func ParseURL(text string) (Rule, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return Rule{}, fmt.Errorf("%q is not a URL", text)
	case u.Scheme != "http" && u.Scheme != "https":
		return Rule{}, fmt.Errorf("%q does not begin with http:// or https://", text)
	case u.User != nil:
		return Rule{}, fmt.Errorf("%q holds a user name, which no rule can", text)
	case u.RawQuery != "" || u.Fragment != "":
		return Rule{}, fmt.Errorf("%q goes on behind its path; rules end with the path", text)
	}
	host, err := canonicalHost(u.Hostname())
	if err != nil {
		return Rule{}, err
	}
	port, err := portOf(u)
	if err != nil {
		return Rule{}, err
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if path, err = canonicalPath(path); err != nil {
		return Rule{}, err
	}
	return Rule{Scheme: u.Scheme, Host: host, Port: port, Path: path}, nil
}

func portOf(u *url.URL) (uint16, error) {
	if u.Port() == "" {
		return defaultPort(u.Scheme), nil
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("port %s is not in 1..65535", u.Port())
	}
	return uint16(n), nil
}

func defaultPort(scheme string) uint16 {
	if scheme == "https" {
		return 443
	}
	return 80
}

// canonicalHost is a name in lower case or an address in its shortest form.
// Spellings that some servers take for another host are refused.
func canonicalHost(h string) (string, error) {
	if a, err := netip.ParseAddr(h); err == nil && a.Zone() == "" {
		return a.Unmap().String(), nil
	}
	if h == "" || len(h) > 253 || strings.HasSuffix(h, ".") || strings.HasPrefix(h, ".") || strings.Contains(h, "..") {
		return "", fmt.Errorf("%q is not a host name", h)
	}
	for _, c := range []byte(h) {
		if c != '-' && c != '.' && c != '_' && !('0' <= c && c <= '9') && !('a' <= c|0x20 && c|0x20 <= 'z') {
			return "", fmt.Errorf("%q is not a host name", h)
		}
	}
	if numeric(h) {
		return "", fmt.Errorf("%q is neither a host name nor an address", h)
	}
	return strings.ToLower(h), nil
}

// numeric catches 127.1, 0x7f.1, 10.0.0.08 and 2130706433, which resolvers read
// as addresses: a name's last label is never a number.
func numeric(h string) bool {
	last := strings.ToLower(h[strings.LastIndexByte(h, '.')+1:])
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// permits tells whether a method is among the rule's or, if it names none, the
// default ones.
func (r *Rule) permits(method string, defaults []string) bool {
	if len(r.Methods) == 0 {
		return slices.Contains(defaults, method)
	}
	return slices.Contains(r.Methods, method)
}

// key is what makes a rule the same rule: what it lets through.
func (r *Rule) key() string {
	return strings.Join([]string{r.Deployment, r.Match.String(), r.URL(), strings.Join(r.Methods, ",")}, "\n")
}

package allow

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Target is where a client's transformed path leads.
type Target struct {
	Domain string // the user's domain, lower case
	Scheme string // "" if the path names only the domain
	Host   string
	Port   uint16
	Path   string // canonical and escaped: what the origin gets
}

// maxPath bounds a path; no inside server of this world has longer ones.
const maxPath = 8 << 10

// errAmbiguous is the answer to paths that servers read differently: cleaning
// them would be guessing.
var errAmbiguous = errors.New("path can be read in more than one way")

// ParseTarget reads the path of a request in origin form, escaped as it came:
// /<base64(domain/protocol/host/port)>/path, or /<base64(domain)>/path. The
// base64 is the standard one without padding.
func ParseTarget(path string) (Target, error) {
	if len(path) > maxPath {
		return Target{}, errors.New("path is too long")
	}
	if path == "" || path[0] != '/' {
		return Target{}, errors.New("path does not begin with /")
	}
	first, rest, found := strings.Cut(path[1:], "/")
	if !found {
		rest = ""
	}
	text, err := base64.RawStdEncoding.Strict().DecodeString(first)
	if err != nil {
		return Target{}, errors.New("first part of the path is not a base64 target")
	}
	t, err := parseParts(string(text))
	if err != nil {
		return Target{}, err
	}
	t.Path, err = canonicalPath("/" + rest)
	return t, err
}

func parseParts(text string) (Target, error) {
	parts := strings.Split(text, "/")
	if len(parts) != 1 && len(parts) != 4 {
		return Target{}, errors.New("target is not domain/protocol/host/port")
	}
	domain, err := canonicalHost(parts[0])
	if err != nil {
		return Target{}, err
	}
	t := Target{Domain: domain}
	if len(parts) == 1 {
		return t, nil
	}
	if t.Scheme = parts[1]; t.Scheme != "http" && t.Scheme != "https" {
		return Target{}, fmt.Errorf("protocol %q is neither http nor https", t.Scheme)
	}
	host := parts[2]
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	if t.Host, err = canonicalHost(host); err != nil {
		return Target{}, err
	}
	port, err := strconv.ParseUint(parts[3], 10, 16)
	if err != nil || port == 0 || parts[3][0] == '0' {
		return Target{}, fmt.Errorf("port %q is not in 1..65535", parts[3])
	}
	t.Port = uint16(port)
	return t, nil
}

// Prefix is the first part of a transformed path for a target.
func (t Target) Prefix() string {
	text := t.Domain
	if t.Scheme != "" {
		text += "/" + t.Scheme + "/" + t.Host + "/" + strconv.Itoa(int(t.Port))
	}
	return "/" + base64.RawStdEncoding.EncodeToString([]byte(text))
}

// Origin is scheme, host and port as a URL has them.
func (t Target) Origin() string {
	return t.Scheme + "://" + net.JoinHostPort(t.Host, strconv.Itoa(int(t.Port)))
}

// canonicalPath gives the one spelling of an escaped path that is compared
// and sent on. Unreserved characters lose their escapes; what servers disagree
// about (dot segments, empty segments, escaped separators, double escapes,
// backslashes, control characters) is refused.
func canonicalPath(path string) (string, error) {
	var b strings.Builder
	b.Grow(len(path))
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' {
			decoded, ok := unhex(path, i)
			if !ok || decoded < 0x20 || decoded == 0x7f || decoded == '/' || decoded == '\\' || decoded == '%' || decoded == ';' {
				return "", errAmbiguous
			}
			i += 2
			if unreserved(decoded) {
				b.WriteByte(decoded)
			} else {
				fmt.Fprintf(&b, "%%%02X", decoded)
			}
			continue
		}
		if c <= 0x20 || c >= 0x7f || strings.IndexByte(`\"<>^`+"`{|}?#", c) >= 0 {
			return "", errAmbiguous
		}
		b.WriteByte(c)
	}
	return b.String(), segments(b.String())
}

// segments refuses empty segments but the last, and those that mean here or
// one up, also with parameters behind them.
func segments(path string) error {
	parts := strings.Split(path[1:], "/")
	for i, p := range parts {
		name, _, params := strings.Cut(p, ";")
		if name == "." || name == ".." || name == "" && (params || i < len(parts)-1) {
			return errAmbiguous
		}
	}
	return nil
}

func unhex(s string, i int) (byte, bool) {
	if i+2 >= len(s) {
		return 0, false
	}
	n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
	return byte(n), err == nil && s[i+1] != '+' && s[i+1] != '-'
}

func unreserved(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.IndexByte("-._~", c) >= 0
}

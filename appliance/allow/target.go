package allow

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"unicode/utf8"
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
	if err != nil || strings.ContainsAny(first, "\r\n") { // which the decoder would pass over
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
// backslashes, control characters, broken UTF-8) is refused.
func canonicalPath(path string) (string, error) {
	var escaped, plain strings.Builder
	escaped.Grow(len(path))
	plain.Grow(len(path))
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c != '%' {
			if c <= 0x20 || c >= 0x7f || strings.IndexByte(`\"<>^`+"`{|}?#", c) >= 0 {
				return "", errAmbiguous
			}
			escaped.WriteByte(c)
			plain.WriteByte(c)
			continue
		}
		decoded, ok := unhex(path, i)
		if !ok || decoded < 0x20 || decoded == 0x7f || strings.IndexByte(`/\%;`, decoded) >= 0 {
			return "", errAmbiguous
		}
		i += 2
		plain.WriteByte(decoded)
		if unreserved(decoded) {
			escaped.WriteByte(decoded)
		} else {
			fmt.Fprintf(&escaped, "%%%02X", decoded)
		}
	}
	if text := plain.String(); !utf8.ValidString(text) || strings.ContainsAny(text, lookalikes) {
		return "", errAmbiguous
	}
	return escaped.String(), segments(plain.String())
}

// lookalikes are characters that a server which normalises or narrows Unicode
// turns into dots and separators, and those that end a line for some.
const lookalikes = "．․‥…／⁄∕＼；％\u0085\u2028\u2029"

// segments refuses empty segments but the last, and those that mean here or
// one up, also with parameters behind them or with the dots and spaces that
// some file systems drop from the end of a name.
func segments(path string) error {
	parts := strings.Split(path[1:], "/")
	for i, p := range parts {
		name, _, params := strings.Cut(p, ";")
		if strings.Trim(name, ". ") == "" && (name != "" || params || i < len(parts)-1) {
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

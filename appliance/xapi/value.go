package xapi

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// space is what rows and parameters share: the set of values they accept.
type space struct {
	name     string
	kind     Kind
	min, max int
	values   []string
	lacks    []string
	why      string // why a value of lacks is refused
}

func (it *Item) space() space {
	return space{it.Path, it.Kind, it.Min, it.Max, it.Values, it.Lacks, it.Differs}
}

// Space prints the row's value space as the shell's help does: <0..63>,
// <S: 7,15>, <On/Off>.
func (it *Item) Space() string { return it.space().String() }

// Parse checks text and returns it in canonical spelling: enumerations in the
// table's case, numbers without leading zeros, addresses in their shortest form.
// The error is a *ValueError.
func (it *Item) Parse(text string) (string, error) { return it.space().parse(text) }

func (s space) String() string {
	switch s.kind {
	case Integer:
		return fmt.Sprintf("<%d..%d>", s.min, s.max)
	case Enumeration:
		return "<" + strings.Join(s.values, "/") + ">"
	case Set:
		return "<" + strings.Join(s.values, ",") + ">"
	case Password, PasswordHash:
		return "<Password>"
	case Time:
		return "<Time>"
	}
	return fmt.Sprintf("<S: %d,%d>", s.min, s.max)
}

// plain says the value space in words, for error messages.
func (s space) plain() string {
	switch s.kind {
	case Integer:
		return fmt.Sprintf("a number from %d to %d", s.min, s.max)
	case Enumeration:
		return strings.Join(s.values, ", ")
	case Set:
		return "a comma list of " + strings.Join(s.values, ", ")
	case IPv4:
		return "an IPv4 address such as 192.0.2.10"
	case IPv6:
		return "an IPv6 address such as 2001:db8::10"
	case IP:
		return "an IPv4 or IPv6 address"
	case Host:
		return "an address or a host name"
	case DNSName:
		return "a host or domain name such as example.com"
	}
	return fmt.Sprintf("text of %d to %d characters", s.min, s.max)
}

func (s space) fail(value, why string) error {
	e := &ValueError{Name: s.name, Value: value, Why: why, Allowed: s.plain()}
	if s.kind.Secret() {
		e.Value = ""
	}
	if s.kind == Enumeration {
		e.Nearest = Nearest(value, s.values)
	}
	return e
}

func (s space) parse(text string) (string, error) {
	switch s.kind {
	case Integer:
		return s.integer(text)
	case Enumeration:
		return s.enumeration(text)
	case Set:
		return s.set(text)
	}
	if err := s.length(text); err != nil || text == "" {
		return text, err
	}
	switch s.kind {
	case IPv4, IPv6, IP:
		return s.address(text)
	case Host:
		return s.host(text)
	case DNSName:
		return s.dnsName(text)
	}
	return text, nil
}

func (s space) integer(text string) (string, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return "", s.fail(text, "is not a number")
	}
	if n < s.min || n > s.max {
		return "", s.fail(text, "is out of range")
	}
	return strconv.Itoa(n), nil
}

func (s space) enumeration(text string) (string, error) {
	for _, v := range s.values {
		if strings.EqualFold(v, text) {
			return v, nil
		}
	}
	for _, v := range s.lacks {
		if strings.EqualFold(v, text) {
			return "", s.fail(text, "is known, but not supported here: "+s.why)
		}
	}
	return "", s.fail(text, "is not one of the values")
}

// set accepts commas, blanks or both between members and returns table order.
func (s space) set(text string) (string, error) {
	var have []string
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		i := slices.IndexFunc(s.values, func(v string) bool { return strings.EqualFold(v, word) })
		if i < 0 {
			return "", s.fail(word, "is not one of the values")
		}
		have = append(have, s.values[i])
	}
	var out []string
	for _, v := range s.values {
		if slices.Contains(have, v) {
			out = append(out, v)
		}
	}
	return strings.Join(out, ","), nil
}

// length bounds text and keeps out what could forge a line of output or export.
func (s space) length(text string) error {
	n := 0
	for _, r := range text {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return s.fail("", "holds a character that cannot be shown")
		}
		n++
	}
	switch {
	case n < s.min && n == 0:
		return s.fail("", "must not be empty")
	case n < s.min:
		return s.fail(text, "is too short")
	case n > s.max:
		return s.fail(text[:min(len(text), 40)]+"…", "is too long")
	}
	return nil
}

func (s space) address(text string) (string, error) {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return "", s.fail(text, "is not an address")
	}
	if s.kind == IPv4 && !a.Is4() || s.kind == IPv6 && (!a.Is6() || a.Is4In6()) || a.Zone() != "" {
		return "", s.fail(text, "is an address of another kind")
	}
	return a.String(), nil
}

func (s space) host(text string) (string, error) {
	if a, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil && a.Zone() == "" {
		return a.String(), nil
	}
	return s.dnsName(text)
}

// dnsName lower-cases a name. An underscore is allowed only as the first
// character of a label, as in service names.
func (s space) dnsName(text string) (string, error) {
	name := strings.ToLower(strings.TrimSuffix(text, "."))
	if name == "" {
		return "", s.fail(text, "is not a name")
	}
	for label := range strings.SplitSeq(name, ".") {
		if !isLabel(label) {
			return "", s.fail(text, "is not a name")
		}
	}
	if _, err := strconv.Atoi(name[strings.LastIndexByte(name, '.')+1:]); err == nil {
		return "", s.fail(text, "looks like an address, but is none")
	}
	return name, nil
}

func isLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i, c := range []byte(label) {
		letter := c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
		if !letter && !(c == '_' && i == 0) {
			return false
		}
	}
	return true
}

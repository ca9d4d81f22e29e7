package xapi

import (
	"fmt"
	"strings"
)

// Kind says how the text of a value is read, checked and printed.
type Kind uint8

const (
	String       Kind = iota // any printable text of Min..Max characters
	Integer                  // a whole number of Min..Max
	Enumeration              // one of Values
	Password                 // text, sealed at rest; the node can read it back
	PasswordHash             // text, kept only as a hash; can be checked, not read back
	IPv4                     // an IPv4 address, or nothing
	IPv6                     // an IPv6 address, or nothing
	IP                       // an address of either family, or nothing
	Host                     // an address or a host name, or nothing
	DNSName                  // a host or domain name, or nothing
	Set                      // comma list of Values, kept in table order
	Time                     // a point in time; readings only
)

// Secret reports whether values of the kind are masked.
func (k Kind) Secret() bool { return k == Password || k == PasswordHash }

// Bare reports whether values of the kind print without quotes in status trees.
func (k Kind) Bare() bool { return k == Integer || k == Enumeration }

// ValueError is a value that a row or parameter does not accept.
type ValueError struct {
	Name    string // row path or parameter name
	Value   string // as given; empty for secrets
	Why     string // what is wrong, in plain words
	Allowed string // what would be right, in plain words
	Nearest string // the allowed value most like the given one, or empty
}

// Error says what is wrong, what is allowed, and what was probably meant.
func (e *ValueError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", e.Name)
	if e.Value != "" {
		fmt.Fprintf(&b, "%q ", e.Value)
	}
	b.WriteString(e.Why)
	if e.Allowed != "" {
		b.WriteString("; allowed: " + e.Allowed)
	}
	if e.Nearest != "" {
		b.WriteString("; did you mean " + e.Nearest + "?")
	}
	return b.String()
}

package sip

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unsafe"
)

// What a byte can be part of, one bit each.
const (
	inToken   = 1 << iota // a token of RFC 3261 25.1
	inHost                // a host name
	inURI                 // a URI, by a strict reading; '%' is looked at apart
	inAddr                // what stands between angle brackets
	inValue               // an unquoted parameter value
	inDisplay             // an unquoted display name, spaces included
	inUser                // a user or a password
)

// classes holds those bits for each byte; TestClasses spells them out. It is a
// string because a constant cannot be written to.
const classes = "" +
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20\x00\x00\x00\x00\x00\x00" +
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
	"\x20\x7d\x00\x5c\x5c\x79\x5c\x7d\x5c\x5c\x7d\x7d\x4c\x7f\x7f\x5c" +
	"\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x1c\x4c\x00\x5c\x00\x5c" +
	"\x1c\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f" +
	"\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x1c\x08\x1c\x18\x7f" +
	"\x39\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f" +
	"\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x18\x18\x18\x7d\x00" +
	"\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c" +
	"\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c" +
	"\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c" +
	"\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c" +
	"\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c" +
	"\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c" +
	"\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c" +
	"\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c\x7c"

func isToken(c byte) bool { return classes[c]&inToken != 0 }

// span is how many bytes from i on are of a class.
func span(b []byte, i int, class byte) int {
	n := i
	for n < len(b) && classes[b[n]]&class != 0 {
		n++
	}
	return n - i
}

// spanText is span for a string from its start.
func spanText(s string, class byte) int {
	n := 0
	for n < len(s) && classes[s[n]]&class != 0 {
		n++
	}
	return n
}

func isTokenText(s string) bool { return s != "" && spanText(s, inToken) == len(s) }

func isSpace(c byte) bool { return c == ' ' || c == '\t' }
func isDigit(c byte) bool { return c-'0' < 10 }
func isAlpha(c byte) bool { return c|0x20-'a' < 26 }

// control is the index of the first control character of b at or after i, or
// len(b). It looks at eight bytes at a time: this is the loop that touches every
// byte of a header section.
func control(b []byte, i int) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
		space = 0x20 * ones
		del   = 0x7f * ones
	)
	for ; i+16 <= len(b); i += 16 {
		w := b[i : i+16 : i+16]
		x, z := binary.LittleEndian.Uint64(w), binary.LittleEndian.Uint64(w[8:])
		// The lowest bit set is exact; bits above it may be borrowed.
		p := ((x-space)&^x | (x^del-ones)&^x) & highs
		q := ((z-space)&^z | (z^del-ones)&^z) & highs
		if p|q == 0 {
			continue
		}
		if p != 0 {
			return i + bits.TrailingZeros64(p)/8
		}
		return i + 8 + bits.TrailingZeros64(q)/8
	}
	for i < len(b) && b[i] >= ' ' && b[i] != 0x7f {
		i++
	}
	return i
}

// text is b as a string that shares its memory; b must never change again.
func text(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// trim takes spaces and tabs off both ends.
func trim(s string) string { return trimRight(trimLeft(s)) }

func trimLeft(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}

func trimRight(s string) string {
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// same compares ASCII without regard to case.
func same(a, b string) bool {
	if a == b || len(a) != len(b) {
		return a == b
	}
	for i := 0; i < len(a); i++ {
		if x, y := a[i], b[i]; x != y && (x|0x20 != y|0x20 || !isAlpha(x)) {
			return false
		}
	}
	return true
}

// digits reads an unsigned number of at most max; ok is false for anything else.
func digits(s string, max uint64) (n uint64, ok bool) {
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return 0, false
		}
		if n = n*10 + uint64(s[i]-'0'); n > max {
			return 0, false
		}
	}
	return n, s != ""
}

// quotedEnd is the index just behind the quoted string that opens at s[i], or -1.
func quotedEnd(s string, i int) int {
	n := strings.IndexByte(s[i+1:], '"')
	if n < 0 {
		return -1
	}
	if strings.IndexByte(s[i+1:i+1+n], '\\') < 0 { // nearly always
		return i + n + 2
	}
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// unquote takes the quotes and the escapes off a quoted string; other text is
// returned as it is.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// Quote writes s as a quoted string. Control characters become spaces.
func Quote(s string) string {
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c == 0x7f:
			b = append(b, ' ')
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}

package xapi

import (
	"errors"
	"strings"
)

// Quote prints a value between double quotes so that Unquote reads it back. A
// backslash stands for itself, as patterns are full of them; only a quote, and
// backslashes right before a quote, take one more in front.
func Quote(value string) string {
	var b strings.Builder
	b.WriteByte('"')
	slashes := 0
	for _, c := range []byte(value) {
		switch c {
		case '\\':
			slashes++
		case '"':
			b.WriteString(strings.Repeat(`\`, slashes+1))
			slashes = 0
		default:
			slashes = 0
		}
		b.WriteByte(c)
	}
	b.WriteString(strings.Repeat(`\`, slashes))
	b.WriteByte('"')
	return b.String()
}

// ErrUnclosed is a quoted value whose closing quote is missing.
var ErrUnclosed = errors.New("the closing quote is missing")

// Unquote reads a quoted value at the start of text, which begins with a double
// quote, and returns the value and what follows its closing quote.
func Unquote(text string) (value, rest string, err error) {
	var b strings.Builder
	slashes := 0
	for i := 1; i < len(text); i++ {
		c := text[i]
		if c == '\\' {
			slashes++
			continue
		}
		if c != '"' {
			b.WriteString(text[i-slashes : i+1])
			slashes = 0
			continue
		}
		b.WriteString(text[i-slashes : i-slashes+slashes/2])
		if slashes%2 == 0 {
			return b.String(), text[i+1:], nil
		}
		b.WriteByte('"')
		slashes = 0
	}
	return "", "", ErrUnclosed
}

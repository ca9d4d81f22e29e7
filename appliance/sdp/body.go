// Package sdp edits session descriptions (RFC 8866) line by line. It keeps
// every byte that it was not asked to change, in its place, whatever the
// media type: a description with fax, slides or something not yet invented
// passes. It knows lines, m-lines, keys of SDES (RFC 4568) and what offer and
// answer owe each other (RFC 3264); it knows no sockets and no policy.
// Packages edge and core call it.
package sdp

import (
	"bytes"
	"fmt"
)

// What a description may be. Real ones stay below 8 KiB, 200 lines and 10
// m-lines; the rest is there to be refused early.
const (
	MaxBytes = 64 << 10
	MaxLines = 2000
	MaxLine  = 4096
	MaxMedia = 32
)

// Error is a description that cannot be read.
type Error struct {
	Line int // counted from 1; 0 = the whole
	Why  string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return "sdp: " + e.Why
	}
	return fmt.Sprintf("sdp: line %d: %s", e.Line, e.Why)
}

// Body is one description: the session section and one section per m-line.
type Body struct {
	Session *Section
	Media   []*Section
	eol     string // how this body ends its lines
	tail    []byte // empty lines after the last one
}

// Section is a run of lines: all before the first m-line, or one m-line and
// what belongs to it.
type Section struct {
	body  *Body
	lines []line
}

// line is one line as it came, and its ending apart.
type line struct {
	text string // without its ending
	eol  string // "\r\n", "\n", or "" for a last line that lacks one
}

func (l line) kind() byte { return l.text[0] }

// Parse splits a description into lines and checks its frame: bounds, the
// form x=value, v= first, at least o= and s=. It does not judge values.
func Parse(b []byte) (*Body, error) {
	if len(b) > MaxBytes {
		return nil, &Error{Why: "too long"}
	}
	body := &Body{}
	body.Session = &Section{body: body}
	at, n := body.Session, 0
	for rest := b; len(rest) > 0; {
		l, next := cut(rest)
		if l.text == "" {
			if len(bytes.Trim(rest, "\r\n")) != 0 {
				return nil, &Error{n + 1, "empty line"}
			}
			body.tail = bytes.Clone(rest)
			break
		}
		if n++; n > MaxLines {
			return nil, &Error{Why: "too many lines"}
		}
		if err := checkLine(l, n); err != nil {
			return nil, err
		}
		if l.kind() == 'm' {
			if len(body.Media) == MaxMedia {
				return nil, &Error{n, "too many media lines"}
			}
			at = &Section{body: body}
			body.Media = append(body.Media, at)
		}
		at.lines = append(at.lines, l)
		rest = next
	}
	return body, body.check()
}

// cut takes the first line off b.
func cut(b []byte) (line, []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return line{text: string(b)}, nil
	}
	if i > 0 && b[i-1] == '\r' {
		return line{string(b[:i-1]), "\r\n"}, b[i+1:]
	}
	return line{string(b[:i]), "\n"}, b[i+1:]
}

func checkLine(l line, n int) error {
	switch {
	case len(l.text) > MaxLine:
		return &Error{n, "line too long"}
	case len(l.text) < 2 || l.text[1] != '=' || l.text[0] < 'a' || l.text[0] > 'z':
		return &Error{n, "not of the form x=value"}
	case n == 1 && l.text != "v=0":
		return &Error{n, "does not begin with v=0"}
	}
	for i := 0; i < len(l.text); i++ {
		if c := l.text[i]; c == 0 || c == '\r' {
			return &Error{n, "control character"}
		}
	}
	return nil
}

func (b *Body) check() error {
	if len(b.Session.lines) == 0 {
		return &Error{Why: "empty"}
	}
	b.eol = b.Session.lines[0].eol
	if b.eol == "" {
		b.eol = "\r\n"
	}
	if b.Session.count('o') != 1 {
		return &Error{Why: "not exactly one o= line"}
	}
	if b.Session.count('c') > 1 {
		return &Error{Why: "more than one c= line for the session"}
	}
	for _, m := range b.Media {
		if _, err := parseMLine(m.lines[0].text[2:]); err != nil {
			return err
		}
	}
	return nil
}

// Bytes writes the description.
func (b *Body) Bytes() []byte {
	n := len(b.tail)
	b.each(func(l line) { n += len(l.text) + 2 })
	out := make([]byte, 0, n)
	b.each(func(l line) {
		out = append(out, l.text...)
		out = append(out, l.eol...)
	})
	return append(out, b.tail...)
}

func (b *Body) each(f func(line)) {
	for _, l := range b.Session.lines {
		f(l)
	}
	for _, m := range b.Media {
		for _, l := range m.lines {
			f(l)
		}
	}
}

// sections lists the session section and then the m-lines'.
func (b *Body) sections() []*Section {
	return append([]*Section{b.Session}, b.Media...)
}

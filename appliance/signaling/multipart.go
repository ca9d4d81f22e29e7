package signaling

import (
	"bytes"
	"mime"
	"strings"

	"sallyport/appliance/sip"
)

// span is where something lies in a body.
type span struct{ start, end int }

// Bounds of a multipart body. Real ones have two or three parts, not nested.
const (
	maxParts = 32
	maxDepth = 4
)

// HasDescription tells whether a message carries a session description, or a
// body of which nobody can say that it carries none.
func HasDescription(m *sip.Message) bool {
	at, ok := descriptions(m)
	return len(at) > 0 || !ok
}

// descriptions finds every session description in the body of a message, alone
// or as a part of a multipart body at any depth (RFC 5621). ok is false where
// the body is multipart and cannot be read.
func descriptions(m *sip.Message) (at []span, ok bool) {
	whole := m.Body()
	if len(whole) == 0 {
		return nil, true
	}
	s := search{body: whole}
	ok = s.entity(m.ContentType(), span{0, len(whole)}, 0)
	return s.found, ok
}

// search goes through a body.
type search struct {
	body  []byte
	parts int
	found []span
}

// entity looks at one body, or part of one, by its type.
func (s *search) entity(kind string, at span, depth int) bool {
	name, _, _ := strings.Cut(kind, ";")
	name = strings.TrimSpace(name)
	switch {
	case strings.EqualFold(name, "application/sdp"):
		s.found = append(s.found, at)
		return true
	case len(name) < len("multipart/") || !strings.EqualFold(name[:len("multipart/")], "multipart/"):
		return true
	}
	_, params, err := mime.ParseMediaType(kind)
	if err != nil || params["boundary"] == "" || depth == maxDepth {
		return false
	}
	return s.multipart(params["boundary"], at, depth)
}

// multipart goes through the parts between delimiter lines (RFC 2046 5.1.1). It
// reads as the most lenient receiver would, so that no part is seen by that one
// only: bare line feeds end lines, and the last delimiter may be missing.
func (s *search) multipart(boundary string, at span, depth int) bool {
	delimiter := []byte("--" + boundary)
	begin := -1 // of the part that is open
	seen := false
	for line := range lines(s.body, at) {
		last, is := delimits(s.body[line.start:line.end], delimiter)
		if !is {
			continue
		}
		if begin >= 0 && !s.part(span{begin, beforeBreak(s.body, begin, line.start)}, depth) {
			return false
		}
		if seen = true; last {
			return true
		}
		begin = line.end
	}
	if begin >= 0 && !s.part(span{begin, at.end}, depth) {
		return false
	}
	return seen
}

// lines yields each line of a span with its line break.
func lines(body []byte, at span) func(yield func(span) bool) {
	return func(yield func(span) bool) {
		for begin := at.start; begin < at.end; {
			end := at.end
			if n := bytes.IndexByte(body[begin:at.end], '\n'); n >= 0 {
				end = begin + n + 1
			}
			if !yield(span{begin, end}) {
				return
			}
			begin = end
		}
	}
}

// delimits tells whether a line is a delimiter, and whether the last one.
func delimits(line, delimiter []byte) (last, is bool) {
	rest, is := bytes.CutPrefix(line, delimiter)
	if !is {
		return false, false
	}
	rest, last = bytes.CutPrefix(rest, []byte("--"))
	return last, len(bytes.TrimRight(rest, " \t\r\n")) == 0
}

// beforeBreak is the end of a part: the line break before a delimiter is the
// delimiter's.
func beforeBreak(body []byte, begin, end int) int {
	for _, c := range []byte("\n\r") {
		if end > begin && body[end-1] == c {
			end--
		}
	}
	return end
}

// part looks at one part: its header, then its content.
func (s *search) part(at span, depth int) bool {
	if s.parts++; s.parts > maxParts {
		return false
	}
	var kind []string // values of Content-Type; a continued line goes on with the last
	last := ""
	for line := range lines(s.body, at) {
		text := strings.TrimRight(string(s.body[line.start:line.end]), "\r\n")
		name, value, _ := strings.Cut(text, ":")
		switch {
		case text == "":
			if len(kind) > 1 {
				return false // one receiver would take the first, another the last
			}
			return s.entity(strings.Join(kind, ""), span{line.end, at.end}, depth+1)
		case text[0] == ' ' || text[0] == '\t':
			if last == "content-type" {
				kind[len(kind)-1] += text
			}
			continue
		}
		if last = strings.ToLower(strings.TrimSpace(name)); last == "content-type" {
			kind = append(kind, value)
		}
	}
	return true // a header and nothing behind it
}

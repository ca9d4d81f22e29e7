package sip

import (
	"bytes"
	"strconv"
)

// Parse reads one message and lets it through only if every part that routing
// relies on is there once and well formed; b then belongs to the Message. Empty
// lines before the message and bytes behind its Content-Length are ignored, as
// a datagram may have both; a message without Content-Length gets one. A
// request that says no Max-Forwards counts as DefaultMaxForwards.
func Parse(b []byte) (*Message, *Fault) {
	for len(b) >= 2 && b[0] == '\r' && b[1] == '\n' {
		b = b[2:]
	}
	m := &Message{raw: b}
	f := m.parse()
	if f != nil && f.Status == isOdd {
		var plain []byte
		if plain, f = normalise(b); f == nil {
			b = plain
			*m = Message{raw: b}
			if f = m.parse(); f != nil && f.Status == isOdd {
				f = bad("Malformed Header Line")
			}
		}
	}
	if f != nil {
		return nil, f.answerable(b)
	}
	return m, nil
}

// parse is the one pass over a message in plain form.
func (m *Message) parse() *Fault {
	i, f := m.parseStart()
	if f != nil {
		return f
	}
	m.rows = m.few[:0]
	var s seen
	for {
		if i+1 >= len(m.raw) {
			return bad("Missing End Of Header")
		}
		if m.raw[i] == '\r' && m.raw[i+1] == '\n' {
			break
		}
		if i, f = m.parseRow(i, &s); f != nil {
			return f
		}
	}
	if i > maxHeader {
		return &Fault{Status: 513, Reason: "Header Too Large"}
	}
	if f := m.gate(&s); f != nil {
		return f
	}
	return m.frameBody(i+2, &s)
}

// parseStart reads the start line and returns where the next line starts.
func (m *Message) parseStart() (int, *Fault) {
	b := m.raw
	end := control(b, 0)
	if end+1 >= len(b) || b[end] != '\r' || b[end+1] != '\n' {
		return 0, bad("Malformed Start Line")
	}
	line := text(b[:end])
	m.start = end + 2
	if len(line) >= 4 && same(line[:4], "SIP/") {
		return m.start, m.parseStatus(line)
	}
	return m.start, m.parseRequest(line)
}

func (m *Message) parseRequest(line string) *Fault {
	n := spanText(line, inToken)
	if n == 0 || n > maxMethod || n == len(line) || line[n] != ' ' {
		return bad("Malformed Method")
	}
	m.method, line = line[:n], line[n+1:]
	for n = len(line); n > 0 && line[n-1] != ' '; n-- {
	}
	if n < 2 {
		return bad("Malformed Request Line")
	}
	if version := line[n:]; version != "SIP/2.0" {
		return versionFault(version)
	}
	m.uri = line[:n-1]
	return checkRequestURI(m.uri)
}

// versionFault tells another version of SIP from what is no version at all.
func versionFault(v string) *Fault {
	switch {
	case same(v, "SIP/2.0"):
		return odd()
	case len(v) > 4 && same(v[:4], "SIP/") && isDigit(v[4]):
		return &Fault{Status: 505, Reason: "Version Not Supported"}
	}
	return bad("Malformed Request Line")
}

func (m *Message) parseStatus(line string) *Fault {
	const prefix = len("SIP/2.0 ")
	if len(line) < prefix+4 || line[prefix-1] != ' ' || line[prefix+3] != ' ' {
		return bad("Malformed Status Line")
	}
	if line[:prefix-1] != "SIP/2.0" {
		return versionFault(line[:prefix-1])
	}
	code, ok := digits(line[prefix:prefix+3], 699)
	if !ok || code < 100 {
		return bad("Malformed Status Code")
	}
	m.status, m.reason = int(code), line[prefix+4:]
	return nil
}

// parseRow reads the header field at i and returns where the next line starts.
func (m *Message) parseRow(i int, s *seen) (int, *Fault) {
	b := m.raw
	n := i + span(b, i, inToken)
	if n == len(b) {
		return 0, bad("Missing End Of Header")
	}
	if b[n] != ':' || n == i {
		if isSpace(b[n]) {
			return 0, odd() // a folded line, or spaces before the colon
		}
		return 0, bad("Malformed Header Name")
	}
	at := n + 1
	for at < len(b) && isSpace(b[at]) {
		at++
	}
	k := kindOf(text(b[i:n]))
	end, f := rowEnd(b, at, k)
	if f != nil {
		return 0, f
	}
	if len(m.rows) == MaxFields {
		return 0, &Fault{Status: 513, Reason: "Too Many Header Fields"}
	}
	if end > maxHeader || n-i > maxName {
		return 0, &Fault{Status: 513, Reason: "Header Too Large"}
	}
	stop := end
	for stop > at && isSpace(b[stop-1]) {
		stop--
	}
	s.note(k, len(m.rows))
	m.rows = append(m.rows, newRow(i, end+2-i, n-i, at-i, stop-at, k))
	return end + 2, nil
}

// rowEnd is where the value at b[at] ends: at its CRLF.
func rowEnd(b []byte, at int, k kind) (int, *Fault) {
	end, odd := control(b, at), false
	for end < len(b) && b[end] != '\r' && b[end] != '\n' {
		odd = odd || b[end] != '\t'
		end = control(b, end+1)
	}
	switch {
	case end+1 >= len(b):
		return 0, bad("Missing End Of Header")
	case b[end] != '\r' || b[end+1] != '\n', odd && (mayQuote>>k&1 == 0 || !controlsEscaped(b[at:end])):
		return 0, bad("Control Character In " + k.label())
	}
	return end, nil
}

// controlsEscaped tells whether each control character of v stands as a
// quoted-pair in a quoted string, where RFC 3261 allows it.
func controlsEscaped(v []byte) bool {
	quoted := false
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c < ' ' && c != '\t' || c == 0x7f:
			return false
		}
	}
	return true
}

// label names a field in a reason phrase.
func (k kind) label() string {
	if k == other {
		return "Header"
	}
	return k.String()
}

// frameBody takes the body, which starts at i, by Content-Length.
func (m *Message) frameBody(i int, s *seen) *Fault {
	rest := m.raw[i:]
	if !s.has(kContentLength) {
		m.body = rest
		m.Add("Content-Length", strconv.Itoa(len(rest)))
		return nil
	}
	n, ok := digits(m.value(s.row(kContentLength)), 1<<31)
	if !ok {
		return bad("Malformed Content-Length")
	}
	if n > uint64(len(rest)) {
		return bad("Content-Length Exceeds Message")
	}
	m.body = rest[:n:n]
	return nil
}

// normalise rewrites legal but odd header sections into plain form: folded lines
// are joined by one space, spaces before a colon go, and the version is written
// in upper case. Nothing else changes.
func normalise(b []byte) ([]byte, *Fault) {
	out := make([]byte, 0, len(b)+32)
	end := bytes.Index(b, []byte("\r\n"))
	if end < 0 {
		return nil, bad("Malformed Start Line")
	}
	out = append(out, upperVersion(b[:end])...)
	for i := end + 2; ; {
		out = append(out, '\r', '\n')
		if i >= len(b) {
			return nil, bad("Missing End Of Header")
		}
		if isSpace(b[i]) && i == end+2 {
			return nil, bad("Malformed Start Line")
		}
		n := bytes.Index(b[i:], []byte("\r\n"))
		if n < 0 {
			return nil, bad("Missing End Of Header")
		}
		if n == 0 {
			out = append(out, '\r', '\n')
			return append(out, b[i+2:]...), nil
		}
		out = appendTight(out, b[i:i+n])
		for i += n + 2; i < len(b) && isSpace(b[i]); i += n + 2 {
			if n = bytes.Index(b[i:], []byte("\r\n")); n < 0 {
				return nil, bad("Missing End Of Header")
			}
			out = append(trimRightBytes(out), ' ')
			out = append(out, bytes.Trim(b[i:i+n], " \t")...)
		}
	}
}

// appendTight appends a header line without the spaces before its colon.
func appendTight(dst, line []byte) []byte {
	n := span(line, 0, inToken)
	colon := n
	for colon < len(line) && isSpace(line[colon]) {
		colon++
	}
	if colon > n && colon < len(line) && line[colon] == ':' {
		return append(append(dst, line[:n]...), line[colon:]...)
	}
	return append(dst, line...)
}

func trimRightBytes(b []byte) []byte {
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// upperVersion writes the SIP/2.0 at either end of a start line in upper case.
func upperVersion(line []byte) []byte {
	const v = "SIP/2.0"
	out := bytes.Clone(line)
	if len(out) < len(v) {
		return out
	}
	if head := out[:len(v)]; same(string(head), v) {
		copy(head, v)
	} else if tail := out[len(out)-len(v):]; same(string(tail), v) {
		copy(tail, v)
	}
	return out
}

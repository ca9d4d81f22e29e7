package sip

import "strconv"

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
	var s seen
	if i, f = m.parseRows(i, &s); f != nil {
		return f
	}
	if f := m.gate(&s); f != nil {
		return f
	}
	return m.frameBody(i, &s)
}

// parseStart reads the start line and returns where the next line starts.
func (m *Message) parseStart() (int, *Fault) {
	b := m.raw
	end := control(b, 0)
	if end+1 >= len(b) || b[end] != '\r' || b[end+1] != '\n' {
		return 0, bad("Malformed Start Line")
	}
	line := text(b[:end])
	m.start = int32(end + 2)
	if len(line) >= 4 && same(line[:4], "SIP/") {
		return end + 2, m.parseStatus(line)
	}
	return end + 2, m.parseRequest(line)
}

func (m *Message) parseRequest(line string) *Fault {
	n := spanText(line, inToken)
	if n == 0 || n > maxMethod || n == len(line) || line[n] != ' ' {
		return bad("Malformed Method")
	}
	m.word, line = line[:n], line[n+1:]
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
	m.status, m.word = int32(code), line[prefix+4:]
	return nil
}

// parseRows reads the header fields from i on and returns where the body starts.
func (m *Message) parseRows(i int, s *seen) (int, *Fault) {
	b, rows := m.raw, m.few[:0]
	for {
		n := i + span(b, i, inToken)
		if n == len(b) {
			return 0, bad("Missing End Of Header")
		}
		if b[n] != ':' || n == i {
			if n == i && i+1 < len(b) && b[i] == '\r' && b[i+1] == '\n' {
				m.rows, m.held = rows, s.once
				return i + 2, nil
			}
			return 0, notAField(b[n])
		}
		k := kindOf(text(b[i:n]))
		at := n + 1
		for at < len(b) && isSpace(b[at]) {
			at++
		}
		end := control(b, at)
		if end+1 >= len(b) || b[end] != '\r' || b[end+1] != '\n' {
			var f *Fault
			if end, f = oddEnd(b, at, end, k); f != nil {
				return 0, f
			}
		}
		if len(rows) == MaxFields || end > maxHeader || n-i > maxName {
			return 0, bad513()
		}
		stop := end
		for stop > at && isSpace(b[stop-1]) {
			stop--
		}
		s.note(k, len(rows))
		rows = append(rows, newRow(i, end+2-i, n-i, at-i, stop-at, k))
		i = end + 2
	}
}

// notAField judges a line that starts with no name and colon.
func notAField(c byte) *Fault {
	if isSpace(c) {
		return odd() // a folded line, or spaces before the colon
	}
	return bad("Malformed Header Name")
}

// oddEnd is where the value at b[at] ends, at its CRLF, if a control character
// stands before that, at end.
func oddEnd(b []byte, at, end int, k kind) (int, *Fault) {
	odd := false
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

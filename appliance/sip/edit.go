package sip

import (
	"slices"
	"strconv"
)

// Edits never fail. What would break the message out of its line is made
// harmless instead: in values and reason phrases every control character but
// the tab becomes a space, so no header can be injected through them; in a
// Request-URI such bytes, spaces, quotes and angle brackets are percent-encoded;
// a name that is no token loses the bytes that are none, and an edit whose name
// is left empty does nothing. A value is cut at 60 KiB.
//
// Where a value may come in parts, these are written one behind the other, which
// spares their caller a string.

// Set makes value the only field of that name, where the first one stood, or at
// the end.
func (m *Message) Set(name string, value ...string) {
	k := kindOf(name)
	i := m.find(k, name, 0)
	r, ok := m.write(k, name, value...)
	switch {
	case !ok:
	case i < 0:
		m.rows = append(m.rows, r)
	default:
		m.rows[i] = r
		m.removeFrom(k, name, i+1)
	}
}

// Add appends a field behind all others.
func (m *Message) Add(name, value string) {
	if r, ok := m.write(kindOf(name), name, value); ok {
		m.rows = append(m.rows, r)
	}
}

// Prepend makes value the first field of that name: right above the others, or
// below the Vias if there is none yet.
func (m *Message) Prepend(name string, value ...string) {
	r, ok := m.write(kindOf(name), name, value...)
	if !ok {
		return
	}
	i := m.find(r.kind, name, 0)
	if i < 0 {
		for i = 0; r.kind != kVia && i < len(m.rows) && m.rows[i].kind == kVia; i++ {
		}
	}
	m.insert(i, r)
}

// Remove takes all fields of that name out, whatever their spelling, and tells
// how many there were.
func (m *Message) Remove(name string) int { return m.removeFrom(kindOf(name), name, 0) }

// RemovePrefix takes all fields out whose name starts with prefix, in any case,
// and tells how many there were.
func (m *Message) RemovePrefix(prefix string) int {
	had := len(m.rows)
	m.rows = slices.DeleteFunc(m.rows, func(r row) bool {
		return int(r.name) >= len(prefix) && same(text(m.bytes(r.off)[:len(prefix)]), prefix)
	})
	return had - len(m.rows)
}

// RemoveFunc takes all fields out of whose name, as it is spelled in the
// message, gone says so.
func (m *Message) RemoveFunc(gone func(name string) bool) {
	kept := 0
	for i := range m.rows {
		if gone(m.name(i)) {
			continue
		}
		if kept < i {
			m.rows[kept] = m.rows[i]
		}
		kept++
	}
	m.rows = m.rows[:kept]
}

// PopFirst takes the first element of the first field of that name out and
// returns it; empty if there is none.
func (m *Message) PopFirst(name string) string {
	k := kindOf(name)
	for i := m.find(k, name, 0); i >= 0; i = m.find(k, name, i) {
		var v, rest string
		for rest = m.value(i); rest != "" && v == ""; {
			v, rest = cut(rest)
		}
		m.dropHead(i, rest)
		if v != "" {
			return v
		}
	}
	return ""
}

func (m *Message) insert(i int, r row) {
	m.rows = append(m.rows, r)
	copy(m.rows[i+1:], m.rows[i:])
	m.rows[i] = r
}

// SetFirst replaces the first element of the first field of that name, as a
// proxy does with the top Via; the rest of its list stays. Without such a field
// it is Prepend.
func (m *Message) SetFirst(name string, value ...string) {
	k := kindOf(name)
	i := m.find(k, name, 0)
	if i < 0 {
		m.Prepend(name, value...)
		return
	}
	if _, rest := cut(m.value(i)); rest != "" {
		value = append(value, ", ", rest)
	}
	if r, ok := m.write(k, name, value...); ok {
		m.rows[i] = r
	}
}

// dropHead leaves only the tail rest of a row's value, or nothing of the row.
func (m *Message) dropHead(i int, rest string) {
	if rest == "" {
		m.rows = slices.Delete(m.rows, i, i+1)
		return
	}
	if r, ok := m.write(m.rows[i].kind, m.name(i), rest); ok {
		m.rows[i] = r
	}
}

// SetAll replaces the fields of that name by one field per value, where the
// first one stood.
func (m *Message) SetAll(name string, values []string) {
	k := kindOf(name)
	i := m.find(k, name, 0)
	m.removeFrom(k, name, 0)
	if i < 0 {
		i = len(m.rows)
	}
	for _, v := range values {
		if r, ok := m.write(k, name, v); ok {
			m.insert(i, r)
			i++
		}
	}
}

// SetURI replaces the Request-URI of a request; an empty one changes nothing.
func (m *Message) SetURI(uri string) {
	if m.status == 0 && uri != "" {
		m.uri, m.start = cleanURI(uri), 0
	}
}

// SetStatus replaces status code and reason phrase of a response. Codes outside
// 100–699 become 500.
func (m *Message) SetStatus(code int, reason string) {
	if m.status == 0 {
		return
	}
	if code < 100 || code > 699 {
		code = 500
	}
	m.status, m.word, m.start = int32(code), clean(reason), 0
}

// SetMaxForwards sets how many more hops the request may take.
func (m *Message) SetMaxForwards(n int) {
	n = min(max(n, 0), 255)
	m.Set("Max-Forwards", strconv.Itoa(n))
}

// SetBody replaces the body, which m then owns, with Content-Length and
// Content-Type. An empty body has no Content-Type.
func (m *Message) SetBody(contentType string, b []byte) {
	m.body = b
	if len(b) == 0 {
		m.Remove("Content-Type")
	} else if contentType != m.ContentType() {
		m.Set("Content-Type", contentType)
	}
	m.Set("Content-Length", strconv.Itoa(len(b)))
}

func (m *Message) removeFrom(k kind, name string, from int) int {
	if m.held>>k&1 == 0 {
		return 0
	}
	kept := from
	for i := from; i < len(m.rows); i++ {
		if m.rows[i].kind == k && (k != other || same(m.name(i), name)) {
			continue
		}
		m.rows[kept] = m.rows[i]
		kept++
	}
	gone := len(m.rows) - kept
	m.rows = m.rows[:kept]
	return gone
}

// write puts a field into ext, whose kind is that of its name. It is not yet part
// of the message.
func (m *Message) write(k kind, name string, value ...string) (row, bool) {
	if k == other && (!isTokenText(name) || len(name) > maxName) {
		if name = tokenOnly(name); name == "" {
			return row{}, false
		}
		k = kindOf(name)
	}
	m.held |= 1 << k
	need := len(name) + 4
	for _, part := range value {
		need += min(len(part), maxEdit)
	}
	if cap(m.ext)-len(m.ext) < need {
		m.ext = append(make([]byte, 0, len(m.ext)+roomFor(len(m.ext), need)), m.ext...)
	}
	off := len(m.ext)
	m.ext = append(append(m.ext, name...), ':', ' ')
	at := len(m.ext) - off
	m.writeValue(value)
	size := len(m.ext) - off - at
	m.ext = append(m.ext, '\r', '\n')
	return newRow(off|inExt, len(m.ext)-off, len(name), at, size, k), true
}

// writeValue appends a value's parts to ext, without spaces at its ends.
func (m *Message) writeValue(parts []string) {
	n := len(m.ext)
	for _, part := range parts {
		if len(m.ext) == n {
			part = trimLeft(part)
		}
		m.ext = append(m.ext, part[:min(len(part), maxEdit-(len(m.ext)-n))]...)
	}
	cleanFrom(m.ext, n)
	end := len(m.ext)
	for end > n && isSpace(m.ext[end-1]) {
		end--
	}
	m.ext = m.ext[:end]
}

// roomFor is how much ext grows by: little for the one edit that most messages
// see, enough for all of a forwarded request's once there are more.
func roomFor(have, need int) int {
	if have == 0 {
		return 2 * need
	}
	return max(640, 2*need)
}

// cleanFrom makes the control characters of b from i on harmless.
func cleanFrom(b []byte, i int) {
	for i = control(b, i); i < len(b); i = control(b, i+1) {
		if b[i] != '\t' {
			b[i] = ' '
		}
	}
}

func clean(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			b := []byte(s)
			cleanFrom(b, 0)
			return string(b)
		}
	}
	return s
}

func cleanURI(s string) string {
	bad := func(c byte) bool { return c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"' }
	for i := 0; i < len(s); i++ {
		if bad(s[i]) {
			return escape(s, func(c byte) bool { return !bad(c) })
		}
	}
	return s
}

func tokenOnly(s string) string {
	var b []byte
	for i := 0; i < len(s) && len(b) < maxName; i++ {
		if isToken(s[i]) {
			b = append(b, s[i])
		}
	}
	return string(b)
}

package lab

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Message is one SIP message as text: a start line, header rows in order, and
// a body. It keeps values as they came and knows no header's grammar.
type Message struct {
	Start  string
	Fields []Field
	Body   []byte
}

// Field is one header row, its name in the full canonical spelling.
type Field struct{ Name, Value string }

const maxFields = 256 // far above what a proxy chain adds

// ParseMessage reads one whole message. It is lenient about spelling (compact
// names, folding, stray blanks) and strict about shape.
func ParseMessage(raw []byte) (*Message, error) {
	head, body, ok := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !ok {
		return nil, fmt.Errorf("lab: message has no end of headers")
	}
	lines := strings.Split(unfold(string(head)), "\r\n")
	m := &Message{Start: lines[0], Body: body}
	if !strings.Contains(m.Start, "SIP/2.0") || strings.ContainsAny(m.Start, "\r\n") {
		return nil, fmt.Errorf("lab: bad start line %q", m.Start)
	}
	return m, m.readFields(lines[1:])
}

func (m *Message) readFields(lines []string) error {
	if len(lines) > maxFields {
		return fmt.Errorf("lab: %d header rows", len(lines))
	}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" || strings.ContainsAny(line, "\r\n") {
			return fmt.Errorf("lab: bad header row %q", line)
		}
		m.Fields = append(m.Fields, Field{canonical(name), strings.TrimSpace(value)})
	}
	return nil
}

// unfold joins RFC 3261 7.3.1 continuation lines with one blank.
func unfold(s string) string {
	if !strings.Contains(s, "\r\n ") && !strings.Contains(s, "\r\n\t") {
		return s
	}
	var out []string
	for i, line := range strings.Split(s, "\r\n") {
		if i > 0 && line != "" && (line[0] == ' ' || line[0] == '\t') {
			out[len(out)-1] += " " + strings.TrimLeft(line, " \t")
			continue
		}
		out = append(out, line)
	}
	return strings.Join(out, "\r\n")
}

// NewRequest returns a request with no headers yet.
func NewRequest(method, uri string) *Message {
	return &Message{Start: method + " " + uri + " SIP/2.0"}
}

// Bytes renders the message; Content-Length is always written anew.
func (m *Message) Bytes() []byte {
	var b bytes.Buffer
	b.WriteString(m.Start + "\r\n")
	for _, f := range m.Fields {
		if f.Name != "Content-Length" {
			b.WriteString(f.Name + ": " + f.Value + "\r\n")
		}
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(m.Body))
	b.Write(m.Body)
	return b.Bytes()
}

// Clone returns a copy that shares nothing.
func (m *Message) Clone() *Message {
	return &Message{m.Start, append([]Field(nil), m.Fields...), bytes.Clone(m.Body)}
}

// IsRequest tells requests from responses.
func (m *Message) IsRequest() bool { return !strings.HasPrefix(m.Start, "SIP/2.0 ") }

// Method is the request's method, or that of a response's CSeq.
func (m *Message) Method() string {
	if m.IsRequest() {
		method, _, _ := strings.Cut(m.Start, " ")
		return method
	}
	_, method, _ := strings.Cut(m.Get("CSeq"), " ")
	return strings.TrimSpace(method)
}

// URI is the Request-URI.
func (m *Message) URI() string {
	if parts := strings.Split(m.Start, " "); m.IsRequest() && len(parts) == 3 {
		return parts[1]
	}
	return ""
}

// SetURI replaces the Request-URI.
func (m *Message) SetURI(uri string) { m.Start = m.Method() + " " + uri + " SIP/2.0" }

// Status is a response's code, 0 for a request.
func (m *Message) Status() int {
	if m.IsRequest() || len(m.Start) < 11 {
		return 0
	}
	n, _ := strconv.Atoi(m.Start[8:11])
	return n
}

// Seq is the number in CSeq.
func (m *Message) Seq() uint32 {
	n, _, _ := strings.Cut(m.Get("CSeq"), " ")
	v, _ := strconv.ParseUint(n, 10, 32)
	return uint32(v)
}

// Get is the first row of that name, or "".
func (m *Message) Get(name string) string {
	for _, f := range m.Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Has tells whether a list header of that name holds the token.
func (m *Message) Has(name, token string) bool {
	for _, v := range m.All(name) {
		if strings.EqualFold(v, token) {
			return true
		}
	}
	return false
}

// All is every element of every row of that name, split at commas.
func (m *Message) All(name string) []string {
	var all []string
	for _, f := range m.Fields {
		if strings.EqualFold(f.Name, name) {
			all = append(all, splitList(f.Value)...)
		}
	}
	return all
}

// Add appends a row.
func (m *Message) Add(name, value string) *Message {
	m.Fields = append(m.Fields, Field{name, value})
	return m
}

// Set replaces every row of that name by one.
func (m *Message) Set(name, value string) *Message {
	m.Del(name)
	return m.Add(name, value)
}

// SetAll replaces every row of that name by these, in front of all others.
func (m *Message) SetAll(name string, values []string) {
	m.Del(name)
	rows := make([]Field, 0, len(values)+len(m.Fields))
	for _, v := range values {
		rows = append(rows, Field{name, v})
	}
	m.Fields = append(rows, m.Fields...)
}

// Prepend puts a row in front of all others.
func (m *Message) Prepend(name, value string) {
	m.Fields = append([]Field{{name, value}}, m.Fields...)
}

// Del removes every row of that name.
func (m *Message) Del(name string) {
	kept := m.Fields[:0:0]
	for _, f := range m.Fields {
		if !strings.EqualFold(f.Name, name) {
			kept = append(kept, f)
		}
	}
	m.Fields = kept
}

// Reply starts the response that RFC 3261 8.2.6 describes; tag is put on To if
// it has none and the status is above 100.
func (m *Message) Reply(status int, reason, tag string) *Message {
	r := &Message{Start: fmt.Sprintf("SIP/2.0 %d %s", status, reason)}
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		for _, f := range m.Fields {
			if f.Name == name {
				r.Add(name, f.Value)
			}
		}
	}
	if to := r.Get("To"); status > 100 && tag != "" && paramOf(to, "tag") == "" {
		r.Set("To", to+";tag="+tag)
	}
	return r
}

// canonical gives the full name of a header, compact forms included.
func canonical(name string) string {
	name = strings.TrimSpace(name)
	known := map[string]string{
		"v": "Via", "f": "From", "t": "To", "i": "Call-ID", "m": "Contact", "l": "Content-Length",
		"c": "Content-Type", "e": "Content-Encoding", "k": "Supported", "s": "Subject", "o": "Event",
		"u": "Allow-Events", "r": "Refer-To", "b": "Referred-By", "x": "Session-Expires",
		"via": "Via", "from": "From", "to": "To", "call-id": "Call-ID", "cseq": "CSeq", "contact": "Contact",
		"route": "Route", "record-route": "Record-Route", "path": "Path", "content-length": "Content-Length",
	}
	if full, ok := known[strings.ToLower(name)]; ok {
		return full
	}
	return name
}

package sip

import (
	"iter"
	"strconv"
	"unsafe"
)

// Limits of what Parse lets in; a message beyond them gets 513.
const (
	MaxFields = 200       // header fields in a message
	maxHeader = 1<<16 - 3 // bytes of start line and header fields; a row relies on it
	maxName   = 1<<8 - 1  // bytes of a field's name; likewise
	maxEdit   = 60 << 10  // bytes of a field's value that is set; likewise
	maxMethod = 64        // bytes of a method name
)

// DefaultMaxForwards is what a request without Max-Forwards counts as.
const DefaultMaxForwards = 70

// Message is a request or a response: the bytes it came in and a table of its
// header fields. Many may read it at a time; edits need sole ownership, which
// Clone gives cheaply.
type Message struct {
	raw  []byte // as parsed, body included; never written
	ext  []byte // text of edited fields; only ever appended to
	rows []row
	body []byte

	word   string // the method of a request, the reason phrase of a response
	uri    string // of a request
	status int32  // of a response; 0 in a request
	start  int32  // bytes of raw that are the start line; 0 once edited

	held  uint64 // kinds that rows may be of: those that are not in it, none is
	known known

	few [24]row // backs rows while they are few: most messages need no more
}

// row is where one header field lies. It is kept at twelve bytes: the table is
// most of what a message costs beyond its bytes.
type row struct {
	off   uint32 // first byte of the name; inExt marks an offset into ext
	size  uint16 // whole line with its CRLF
	value uint16 // length of the value
	at    uint16 // from the first byte to the value
	name  uint8  // length of the name
	kind  kind
}

const inExt = 1 << 31

func newRow(off, size, name, at, value int, k kind) row {
	return row{off: uint32(off), size: uint16(size), value: uint16(value), at: uint16(at), name: uint8(name), kind: k}
}

// known is what gate has read already and routing asks for again.
type known struct {
	branch, fromTag, toTag, cseq piece
	number                       uint32 // of cseq, which is the method
}

// piece is a part of raw that was found in the value of a row; it says nothing
// once another row stands in its place.
type piece struct {
	row      uint32 // its offset; 0: none, as the start line comes first
	at, size uint16
}

// find keeps where in raw the text lies that was found in row i.
func (p *piece) find(m *Message, i int, found string) {
	if found == "" {
		return // it may lie anywhere
	}
	at := uintptr(unsafe.Pointer(unsafe.StringData(found))) - uintptr(unsafe.Pointer(unsafe.SliceData(m.raw)))
	*p = piece{row: m.rows[i].off, at: uint16(at), size: uint16(len(found))}
}

// piece is the text of p while the first row of its kind is still the one that it
// was found in.
func (m *Message) piece(k kind, p piece) (string, bool) {
	if i := m.index(k); i < 0 || p.row == 0 || m.rows[i].off != p.row {
		return "", false
	}
	return text(m.raw[p.at : p.at+p.size]), true
}

// Field is a header field by name and value, for callers that hand some over.
type Field struct{ Name, Value string }

// RetryAfter tells for how many seconds to stay away (RFC 3261 20.33).
func RetryAfter(seconds int) Field {
	return Field{Name: "Retry-After", Value: strconv.Itoa(seconds)}
}

// Request tells a request from a response.
func (m *Message) Request() bool { return m.status == 0 }

// Method is the method of a request; of a response, that of its CSeq.
func (m *Message) Method() string {
	if m.status == 0 {
		return m.word
	}
	_, method := m.CSeq()
	return method
}

// URI is the Request-URI; empty in a response.
func (m *Message) URI() string { return m.uri }

// Status is the status code of a response; 0 in a request.
func (m *Message) Status() int { return int(m.status) }

// Reason is the reason phrase of a response.
func (m *Message) Reason() string {
	if m.status == 0 {
		return ""
	}
	return m.word
}

// CSeq is the sequence number and its method; zero where the field is missing.
func (m *Message) CSeq() (uint32, string) {
	if method, ok := m.piece(kCSeq, m.known.cseq); ok {
		return m.known.number, method
	}
	n, method, _ := parseCSeq(m.first(kCSeq))
	return n, method
}

// CallID is the value of Call-ID.
func (m *Message) CallID() string { return m.first(kCallID) }

// FromTag is the tag of From; empty if it has none.
func (m *Message) FromTag() string {
	if tag, ok := m.piece(kFrom, m.known.fromTag); ok {
		return tag
	}
	return addrTag(m.first(kFrom))
}

// ToTag is the tag of To; empty if it has none.
func (m *Message) ToTag() string {
	if tag, ok := m.piece(kTo, m.known.toTag); ok {
		return tag
	}
	return addrTag(m.first(kTo))
}

// Branch is the branch of the top Via; empty if it has none.
func (m *Message) Branch() string {
	if branch, ok := m.piece(kVia, m.known.branch); ok {
		return branch
	}
	v, err := m.Via()
	if err != nil {
		return ""
	}
	b, _ := v.Param("branch")
	return b
}

// Via is the top Via.
func (m *Message) Via() (Via, error) {
	v, _ := cut(m.first(kVia))
	return ParseVia(v)
}

// MaxForwards is how many more hops the request may take; DefaultMaxForwards
// if it does not say.
func (m *Message) MaxForwards() int {
	n, ok := digits(m.first(kMaxForwards), 255)
	if !ok {
		return DefaultMaxForwards
	}
	return int(n)
}

// Get is the value of the first field of that name, with whatever list stands
// in it; empty if there is none. Names may be full or compact, in any case.
func (m *Message) Get(name string) string {
	if i := m.find(kindOf(name), name, 0); i >= 0 {
		return m.value(i)
	}
	return ""
}

// Has tells whether there is a field of that name, be it empty.
func (m *Message) Has(name string) bool { return m.find(kindOf(name), name, 0) >= 0 }

// Rows are the values of all fields of that name, one per field, in order.
func (m *Message) Rows(name string) []string {
	var rows []string
	k := kindOf(name)
	for i := m.find(k, name, 0); i >= 0; i = m.find(k, name, i+1) {
		rows = append(rows, m.value(i))
	}
	return rows
}

// Values are the elements of all fields of that name, in order: lists joined by
// commas are taken apart, unless the field is one whose value may hold commas
// of its own (Authorization, Date, User-Agent and the like).
func (m *Message) Values(name string) []string { return m.AppendValues(nil, name) }

// AppendValues appends what Values returns.
func (m *Message) AppendValues(all []string, name string) []string {
	for v := range m.Each(name) {
		all = append(all, v)
	}
	return all
}

// Each ranges over what Values returns. The message must not be edited
// meanwhile.
func (m *Message) Each(name string) iter.Seq[string] {
	return func(yield func(string) bool) { m.each(name, yield) }
}

func (m *Message) each(name string, yield func(string) bool) {
	k := kindOf(name)
	for i := m.find(k, name, 0); i >= 0; i = m.find(k, name, i+1) {
		if unlisted>>k&1 != 0 {
			if !yield(m.value(i)) {
				return
			}
			continue
		}
		for rest := m.value(i); rest != ""; {
			var v string
			if v, rest = cut(rest); v != "" && !yield(v) {
				return
			}
		}
	}
}

// Fields ranges over name, as it is spelled in the message, and value of every
// header field in order. The message must not be edited meanwhile.
func (m *Message) Fields() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := range m.rows {
			if !yield(m.name(i), m.value(i)) {
				return
			}
		}
	}
}

// Body is the message body. It must not be written to.
func (m *Message) Body() []byte { return m.body }

// ContentType is the value of Content-Type.
func (m *Message) ContentType() string { return m.first(kContentType) }

// Clone is a copy that can be edited apart from m. Bytes that neither edits are
// shared.
func (m *Message) Clone() *Message {
	c := &Message{
		raw: m.raw, ext: m.ext[:len(m.ext):len(m.ext)], body: m.body,
		word: m.word, uri: m.uri, status: m.status, start: m.start,
		held: m.held, known: m.known,
	}
	c.rows = append(c.few[:0], m.rows...)
	return c
}

// bytes is what lies at a row's offset and behind.
func (m *Message) bytes(off uint32) []byte {
	if off&inExt != 0 {
		return m.ext[off&^inExt:]
	}
	return m.raw[off:]
}

func (m *Message) name(i int) string {
	r := &m.rows[i]
	return text(m.bytes(r.off)[:r.name])
}

func (m *Message) value(i int) string {
	r := &m.rows[i]
	return text(m.bytes(r.off + uint32(r.at))[:r.value])
}

// first is the value of the first field of a known kind.
func (m *Message) first(k kind) string {
	if i := m.index(k); i >= 0 {
		return m.value(i)
	}
	return ""
}

// index is the row of the first field of a known kind, or -1.
func (m *Message) index(k kind) int {
	if m.held>>k&1 == 0 {
		return -1
	}
	for i := range m.rows {
		if m.rows[i].kind == k {
			return i
		}
	}
	return -1
}

// find is the index of the next field of that name from i on, or -1.
func (m *Message) find(k kind, name string, i int) int {
	if m.held>>k&1 == 0 {
		return -1
	}
	for ; i < len(m.rows); i++ {
		if m.rows[i].kind == k && (k != other || same(m.name(i), name)) {
			return i
		}
	}
	return -1
}

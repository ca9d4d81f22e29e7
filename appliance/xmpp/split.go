package xmpp

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// Kind is what a Piece is.
type Kind uint8

// The kinds of pieces, in the order a stream has them.
const (
	Space  Kind = iota // white space between stanzas, such as a keepalive
	Header             // the stream's start tag, with the XML declaration before it
	Stanza             // one whole element of the stream
	End                // the stream's end tag
)

// A Piece is a cut of a stream. Laid side by side, the pieces are the stream,
// byte for byte.
type Piece struct {
	Kind Kind
	Raw  []byte // valid until the next call of Next
	// Of a Header or a Stanza: the element's name with its namespace resolved,
	// and its attributes as written, where Space is a prefix.
	Name xml.Name
	Attr []xml.Attr
}

// Value is an attribute without a prefix.
func (p *Piece) Value(name string) string {
	for _, a := range p.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// Is tells whether the piece is an element of that name.
func (p *Piece) Is(space, local string) bool {
	return p.Kind != Space && p.Name.Space == space && p.Name.Local == local
}

// Bounds of what any stream may hold. Real clients stay far below.
const (
	maxDepth  = 64 // of elements within the stream
	maxAttrs  = 64 // of one element
	headSize  = 8 << 10
	readSize  = 2 << 10
	smallSize = 16 << 10 // what a stream may hold of a stanza without asking the budget
)

// Splitter cuts one direction of a stream into pieces. It takes what RFC 6120
// §11 allows and nothing more: no comments, processing instructions, document
// types or entities beyond the five of XML; elements close in order; no
// attribute stands twice.
type Splitter struct {
	src    io.Reader
	max    int     // bytes of one stanza
	budget *budget // nil: none
	begun  func()  // a stanza has begun; may be nil
	ended  func()  // … and is whole

	buf  []byte // read, not yet taken
	r, w int
	err  error // of src, behind what was read with it
	lost error // of src, in the middle of a piece
	raw  []byte
	tags tags
	held int // of budget
	root string
	ns   map[string]string // prefixes that the header declares
}

// NewSplitter returns a splitter that expects a header first. max bounds a
// stanza.
func NewSplitter(src io.Reader, max int) *Splitter {
	return &Splitter{src: src, max: max}
}

// Restart makes the splitter expect a header again, as after a login.
func (s *Splitter) Restart() { s.root, s.ns = "", nil }

// Rest is what was read and belongs to no piece yet. The splitter has no use
// for it any more.
func (s *Splitter) Rest() []byte {
	b := s.buf[s.r:s.w]
	s.r = s.w
	return b
}

// Next returns the next piece. An error is a *Fault where the stream is to
// blame, io.EOF where it ends between two pieces, or what the source said.
func (s *Splitter) Next() (Piece, error) {
	s.let()
	if err := s.fill(); err != nil {
		return Piece{}, err
	}
	if n := spaces(s.buf[s.r:s.w]); n > 0 {
		s.r += n
		return Piece{Kind: Space, Raw: s.buf[s.r-n : s.r]}, nil
	}
	if s.begun != nil {
		s.begun()
		defer s.ended()
	}
	p, err := s.cut()
	if err != nil {
		return Piece{}, s.blame(err)
	}
	return p, nil
}

// let gives back what the last piece held. A big buffer is not kept.
func (s *Splitter) let() {
	s.budget.put(s.held)
	s.held = 0
	if cap(s.raw) > readSize {
		s.raw = nil
	}
	s.raw = s.raw[:0]
}

// fill waits for at least one byte.
func (s *Splitter) fill() error {
	if s.r < s.w {
		return nil
	}
	if s.err != nil {
		return s.err
	}
	if s.buf == nil {
		s.buf = make([]byte, readSize)
	}
	s.r, s.w = 0, 0
	for idle := 0; s.w == 0; idle++ {
		if idle == 100 {
			return io.ErrNoProgress
		}
		n, err := s.src.Read(s.buf)
		s.w = n
		if err != nil {
			if n > 0 {
				s.err = err
				return nil
			}
			return err
		}
	}
	return nil
}

func spaces(b []byte) int {
	for i, c := range b {
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return i
		}
	}
	return len(b)
}

// ReadByte gives the XML decoder the next byte and keeps it.
func (s *Splitter) ReadByte() (byte, error) {
	if s.r == s.w {
		if err := s.fill(); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			s.lost = err
			return 0, err
		}
	}
	limit := s.max
	if s.root == "" {
		limit = headSize
	}
	if len(s.raw) >= limit {
		return 0, fault(condPolicy, "more than %d bytes at once", limit)
	}
	if err := s.grow(); err != nil {
		return 0, err
	}
	b := s.buf[s.r]
	if s.tags.take(b) {
		return 0, fault(condPolicy, "more than %d attributes of one element", maxAttrs)
	}
	s.r++
	s.raw = append(s.raw, b)
	return b, nil
}

// grow makes room for a byte, by the budget's leave.
func (s *Splitter) grow() error {
	if len(s.raw) < cap(s.raw) {
		return nil
	}
	size := max(2*cap(s.raw), 512)
	if size > smallSize {
		if !s.budget.take(size - s.held) {
			return fault(condResources, "too much is on its way")
		}
		s.held = size
	}
	bigger := make([]byte, len(s.raw), size)
	copy(bigger, s.raw)
	s.raw = bigger
	return nil
}

// Read is never called: the decoder takes bytes one by one, so that it reads
// nothing beyond a piece.
func (s *Splitter) Read([]byte) (int, error) { return 0, errors.ErrUnsupported }

var errCharset = errors.New("not UTF-8")

// cut reads one piece. A fresh decoder for each keeps no buffer while the
// stream is idle, and has no memory of what came before.
func (s *Splitter) cut() (Piece, error) {
	s.tags = tags{}
	d := xml.NewDecoder(s)
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errCharset }
	if s.root == "" {
		return s.header(d)
	}
	var open []string
	p := Piece{Kind: Stanza}
	for {
		t, err := d.RawToken()
		if err != nil {
			return p, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if err := fit(t, len(open)); err != nil {
				return p, err
			}
			if len(open) == 0 {
				p.Name, p.Attr = s.resolve(t), t.Attr
				if p.Name == (xml.Name{Space: nsStream, Local: "stream"}) {
					return p, fault(condNotWellFormed, "a stream within the stream")
				}
			}
			open = append(open, written(t.Name))
		case xml.EndElement:
			name := written(t.Name)
			if len(open) == 0 {
				if name != s.root {
					return p, fault(condNotWellFormed, "an end without a beginning")
				}
				return Piece{Kind: End, Raw: s.raw[:d.InputOffset()]}, nil
			}
			if open[len(open)-1] != name {
				return p, fault(condNotWellFormed, "elements do not close in order")
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) == 0 {
				return p, fault(condBadFormat, "text between stanzas")
			}
		default:
			return p, fault(condRestricted, "only elements and text are taken")
		}
		if len(open) == 0 {
			p.Raw = s.raw[:d.InputOffset()]
			return p, nil
		}
	}
}

func (s *Splitter) header(d *xml.Decoder) (Piece, error) {
	p := Piece{Kind: Header}
	for first := true; ; first = false {
		t, err := d.RawToken()
		if err != nil {
			return p, err
		}
		switch t := t.(type) {
		case xml.ProcInst:
			if !first || t.Target != "xml" {
				return p, fault(condRestricted, "a processing instruction")
			}
		case xml.CharData:
			if first || spaces(t) < len(t) {
				return p, fault(condBadFormat, "no stream begins so")
			}
		case xml.StartElement:
			if err := fit(t, 0); err != nil {
				return p, err
			}
			p.Raw = s.raw[:d.InputOffset()]
			if p.Raw[len(p.Raw)-2] == '/' {
				return p, fault(condBadFormat, "the stream ends where it begins")
			}
			s.declare(t)
			p.Name, p.Attr = s.resolve(t), t.Attr
			if p.Name != (xml.Name{Space: nsStream, Local: "stream"}) {
				return p, fault(condBadNamespace, "this is no XMPP stream")
			}
			s.root = written(t.Name)
			return p, nil
		default:
			return p, fault(condRestricted, "only a stream's beginning is taken")
		}
	}
}

// blame tells an error of the stream from one of its source.
func (s *Splitter) blame(err error) error {
	var f *Fault
	var syntax *xml.SyntaxError
	switch {
	case errors.As(err, &f):
		return f
	case s.lost != nil:
		return s.lost
	case errors.Is(err, errCharset):
		return &Fault{Condition: condBadEncoding, Err: err}
	case errors.As(err, &syntax) && strings.Contains(syntax.Msg, "entity"):
		return &Fault{Condition: condRestricted, Err: err}
	}
	return &Fault{Condition: condNotWellFormed, Err: err}
}

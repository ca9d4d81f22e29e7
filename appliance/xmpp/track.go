package xmpp

import "bytes"

// tracker follows a stream that a trusted node made, byte by byte and with no
// memory of it, and knows whether something of ours may be put between two
// stanzas. It judges nothing.
type tracker struct {
	state  trackState
	depth  int
	quote  byte
	last   byte   // before the present one, within a tag
	prev   byte   // before that, within a comment or CDATA
	root   []byte // name of the stream's element
	closed bool   // the stream's end tag was seen
}

type trackState uint8

const (
	inText   trackState = iota
	inOpen              // behind "<"
	inName              // name of a start tag
	inTag               // attributes
	inQuote             // attribute value
	inEnd               // end tag
	inPI                // <? … ?>
	inBang              // behind "<!"
	inRemark            // <!-- … -->
	inCDATA             // <![CDATA[ … ]]>
)

// between tells whether the stream stands between two stanzas.
func (t *tracker) between() bool { return t.state == inText && t.depth == 1 }

// restart makes the next element a stream's beginning.
func (t *tracker) restart() { *t = tracker{} }

// write follows more of the stream.
func (t *tracker) write(b []byte) {
	for len(b) > 0 {
		if t.state == inText {
			i := bytes.IndexByte(b, '<')
			if i < 0 {
				return
			}
			t.state, b = inOpen, b[i+1:]
			continue
		}
		t.step(b[0])
		b = b[1:]
	}
}

func (t *tracker) step(c byte) {
	switch t.state {
	case inOpen:
		t.open(c)
	case inName:
		switch {
		case c == '>' || c == '/' || spaces([]byte{c}) == 1:
			t.state = inTag
			t.tag(c)
		case t.depth == 0 && len(t.root) < 64:
			t.root = append(t.root, c)
		}
	case inTag:
		t.tag(c)
	case inQuote:
		if c == t.quote {
			t.state = inTag
		}
	case inEnd:
		if c == '>' {
			t.depth--
			t.closed = t.depth <= 0
			t.state = inText
		}
	case inPI:
		if c == '>' && t.last == '?' {
			t.state = inText
		}
	case inBang:
		switch c {
		case '-':
			t.state, c = inRemark, 0
		case '[':
			t.state, c = inCDATA, 0
		case '>':
			t.state = inText
		}
	case inRemark, inCDATA:
		mark := byte('-')
		if t.state == inCDATA {
			mark = ']'
		}
		if c == '>' && t.last == mark && t.prev == mark {
			t.state = inText
		}
	}
	t.prev, t.last = t.last, c
}

// open is the first byte behind "<".
func (t *tracker) open(c byte) {
	switch c {
	case '/':
		t.state = inEnd
	case '?':
		t.state = inPI
	case '!':
		t.state = inBang
	default:
		t.state = inName
		if t.depth == 0 {
			t.root = append(t.root[:0], c)
		}
	}
}

func (t *tracker) tag(c byte) {
	switch c {
	case '\'', '"':
		t.state, t.quote = inQuote, c
	case '>':
		if t.last != '/' {
			t.depth++
		} else if t.depth == 0 {
			t.closed = true
		}
		t.state = inText
	}
}

package xmpp

// tags follows the bytes of a stream through its tags and counts the attributes
// of the one that is open: the decoder keeps each of them, in twenty times the
// room that it takes on the wire, until the tag ends.
type tags struct {
	at     tagState
	quote  byte // within a value: what ends it
	attrs  int
	before [2]byte // the last bytes of a CDATA section
}

type tagState uint8

const (
	atText tagState = iota
	atOpen          // behind <
	atTag
	atMark // <! and what follows, which is CDATA: all else is refused once it is whole
)

// take follows one byte, and tells whether the open tag has too many attributes.
func (t *tags) take(b byte) (tooMany bool) {
	switch t.at {
	case atText:
		if b == '<' {
			t.at = atOpen
		}
	case atOpen:
		*t = tags{at: atTag}
		if b == '!' {
			t.at = atMark
		}
	case atMark:
		if b == '>' && t.before == [2]byte{']', ']'} {
			t.at = atText
		}
		t.before = [2]byte{t.before[1], b}
	case atTag:
		t.inTag(b)
	}
	return t.attrs > maxAttrs
}

func (t *tags) inTag(b byte) {
	switch {
	case t.quote != 0:
		if b == t.quote {
			t.quote = 0
		}
	case b == '"' || b == '\'':
		t.quote = b
	case b == '=':
		t.attrs++
	case b == '>':
		t.at = atText
	}
}

package httpproxy

import (
	"bytes"
	"strings"
)

// Bounds of what is held while an HTTP/1 header is checked. They lie above the
// server's own, which has the words to answer with.
const (
	maxFramingLine = 32 << 10
	maxFields      = 128
	maxLength      = 18 // digits of a Content-Length
	maxChunkDigits = 7  // 256 MiB less one in one chunk
)

// framing follows the bytes of an HTTP/1 connection and finds the first at
// which two readers could disagree on where a request ends: Content-Length
// beside Transfer-Encoding, two of either, any coding but chunked, chunk
// extensions, trailers, line ends that are not CR LF, folded and nameless
// fields. net/http forgives most of these (RFC 9112 lets it); a gate in front
// of servers nobody here wrote need not.
//
//	request ─▶ field… ─▶ data ─▶ request        by Content-Length
//	                 └─▶ size ─▶ data ─▶ gap ─▶ size … ─▶ last ─▶ request
type framing struct {
	at   place
	line []byte // of the line begun, without its end
	cr   bool   // the last byte was a CR

	old     bool // HTTP/1.0
	fields  int
	length  bool // Content-Length was there
	chunked bool
	left    int64 // of data
}

type place uint8

const (
	atRequest place = iota // the request line
	atField
	atSize // a chunk's
	atData
	atGap  // the line end behind a chunk
	atLast // the empty line behind the last chunk
)

// feed reads on and returns how many bytes of b are good. After fewer than all
// of them the connection is of no more use.
func (f *framing) feed(b []byte) int {
	for i := 0; i < len(b); {
		if f.at == atData {
			n := min(f.left, int64(len(b)-i))
			i += int(n)
			if f.left -= n; f.left == 0 {
				f.endData()
			}
			continue
		}
		if !f.byte(b[i]) {
			return i
		}
		i++
	}
	return len(b)
}

func (f *framing) byte(c byte) bool {
	switch {
	case c == '\n':
		ok := f.cr && f.endLine()
		f.cr, f.line = false, f.line[:0]
		return ok
	case f.cr:
		return false
	case c == '\r':
		f.cr = true
		return true
	case c < ' ' && c != '\t' || c == 0x7f || len(f.line) == maxFramingLine:
		return false
	}
	f.line = append(f.line, c)
	return true
}

func (f *framing) endLine() bool {
	switch f.at {
	case atRequest:
		return f.endRequestLine()
	case atField:
		if len(f.line) == 0 {
			return f.endHeader()
		}
		return f.field()
	case atSize:
		return f.size()
	}
	ok := len(f.line) == 0
	if f.at == atGap {
		f.at = atSize
	} else {
		*f = framing{line: f.line}
	}
	return ok
}

// endRequestLine wants method, target and version with one space between.
func (f *framing) endRequestLine() bool {
	parts := strings.Split(string(f.line), " ")
	if len(parts) != 3 || !isToken(parts[0]) || !isTarget(parts[1]) {
		return false
	}
	f.at, f.old = atField, parts[2] == "HTTP/1.0"
	return f.old || parts[2] == "HTTP/1.1"
}

func (f *framing) field() bool {
	name, value, ok := bytes.Cut(f.line, []byte(":"))
	if f.fields++; !ok || !isToken(string(name)) || f.fields > maxFields {
		return false
	}
	value = bytes.Trim(value, " \t")
	switch {
	case bytes.EqualFold(name, []byte("Content-Length")):
		if f.length || !f.readLength(value) {
			return false
		}
		f.length = true
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		if f.chunked || !bytes.EqualFold(value, []byte("chunked")) {
			return false
		}
		f.chunked = true
	}
	return true
}

func (f *framing) readLength(value []byte) bool {
	if len(value) == 0 || len(value) > maxLength {
		return false
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return false
		}
		f.left = f.left*10 + int64(c-'0')
	}
	return true
}

func (f *framing) endHeader() bool {
	switch {
	case f.chunked:
		f.at = atSize
		return !f.length && !f.old
	case f.left > 0:
		f.at = atData
	default:
		*f = framing{line: f.line}
	}
	return true
}

func (f *framing) size() bool {
	if len(f.line) == 0 || len(f.line) > maxChunkDigits {
		return false
	}
	f.left = 0
	for _, c := range f.line {
		d := strings.IndexByte("0123456789abcdef", c|0x20)
		if d < 0 || c < '0' {
			return false
		}
		f.left = f.left<<4 | int64(d)
	}
	if f.at = atData; f.left == 0 {
		f.at = atLast
	}
	return true
}

func (f *framing) endData() {
	if f.chunked {
		f.at = atGap
		return
	}
	*f = framing{line: f.line[:0]}
}

// isToken is RFC 9110 §5.6.2.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func isTarget(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return s != ""
}

package sip

import (
	"bytes"
	"strconv"
)

// Fault says why a message is refused and what to answer.
type Fault struct {
	Status int    // the answer a request gets
	Reason string // names the field
	// Msg holds what could be read of a faulty request, for Reply and nothing
	// else; nil if it is not to be answered: a response, an ACK, a request
	// without Via, or noise.
	Msg *Message
}

func (f *Fault) Error() string { return "sip: " + strconv.Itoa(f.Status) + " " + f.Reason }

// isOdd marks, inside this package, a message that normalise must rewrite first.
const isOdd = -1

func odd() *Fault { return &Fault{Status: isOdd} }

func bad(reason string) *Fault { return &Fault{Status: 400, Reason: reason} }

// answerable fills Msg from the bytes of a refused message. It reads line by
// line and leaves out whatever is not well formed.
func (f *Fault) answerable(b []byte) *Fault {
	m := &Message{raw: b}
	m.rows = m.few[:0]
	line, i := nextLine(b, 0)
	method, _ := splitAt(text(line), ' ')
	if !isTokenText(method) || len(method) > maxMethod || method == "ACK" || !mentionsSIP(text(line)) {
		return f
	}
	m.word = method
	for len(m.rows) < MaxFields && i < len(b) && i < maxHeader {
		at := i
		if line, i = nextLine(b, i); len(line) == 0 {
			break
		}
		m.salvage(at, line)
	}
	if m.first(kVia) != "" {
		f.Msg = m
	}
	return f
}

// nextLine is the line at i without its end, and where the next one starts.
func nextLine(b []byte, i int) (line []byte, next int) {
	n := bytes.IndexByte(b[i:], '\n')
	if n < 0 {
		return b[i:], len(b)
	}
	return bytes.TrimSuffix(b[i:i+n], []byte("\r")), i + n + 1
}

// salvage takes a line in if it is a field that a reply repeats.
func (m *Message) salvage(off int, line []byte) {
	n := span(line, 0, inToken)
	at := n
	for at < len(line) && isSpace(line[at]) {
		at++
	}
	if n == 0 || n > maxName || at == len(line) || line[at] != ':' || control(line, 0) < len(line) {
		return
	}
	for at++; at < len(line) && isSpace(line[at]); at++ {
	}
	k := kindOf(text(line[:n]))
	switch k {
	case kFrom, kTo, kCallID, kCSeq, kTimestamp:
		if m.find(k, "", 0) >= 0 {
			return
		}
	case kVia:
	default:
		return
	}
	m.rows = append(m.rows, newRow(off, len(line)+2, n, at, len(trimRight(text(line[at:]))), k))
	m.held |= 1 << k
}

// mentionsSIP tells a request line, of whatever version, from noise.
func mentionsSIP(line string) bool {
	line = trimRight(line)
	for i := len(line) - 1; i >= 0 && !isSpace(line[i]); i-- {
		if line[i] == '/' {
			return i >= 4 && same(line[i-4:i], " SIP")
		}
	}
	return false
}

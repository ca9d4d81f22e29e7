package sip

import "bytes"

// SkipKeepalive counts the empty lines at the head of b, which stand between
// messages on a stream. Ping says that they hold a keepalive (RFC 5626 4.4.1: two
// empty lines), which wants one empty line in answer. A single empty line at the
// end of b is left where it is: it may be the first half of a ping.
func SkipKeepalive(b []byte) (n int, ping bool) {
	for len(b) >= n+2 && b[n] == '\r' && b[n+1] == '\n' {
		n += 2
	}
	ping = n >= 4
	if n == len(b) || n == len(b)-1 && b[n] == '\r' {
		n -= n % 4
	}
	return n, ping
}

// Frame is the length of the message at the head of b, a stream's unread bytes,
// with the empty lines before it. Zero means that more bytes are needed. Max
// bounds the whole message. A *Fault means that the stream cannot be read on:
// answer it, if it can be answered, and close.
func Frame(b []byte, max int) (n int, err error) {
	lead := 0
	for len(b) >= lead+2 && b[lead] == '\r' && b[lead+1] == '\n' {
		lead += 2
	}
	m := b[lead:]
	head, length, f := measure(m)
	switch {
	case f != nil:
		return 0, f.answerable(headOf(m))
	case head == 0 && len(m) < min(max, maxHeader):
		return 0, nil
	case head == 0, head > maxHeader, uint64(head)+length > uint64(max):
		return 0, bad513().answerable(headOf(m))
	case head+int(length) > len(m):
		return 0, nil
	}
	return lead + head + int(length), nil
}

// headOf is a copy of what a fault's Msg can be made of: the stream's buffer goes
// back to its owner before the answer is written.
func headOf(b []byte) []byte { return bytes.Clone(b[:min(len(b), maxHeader)]) }

func bad513() *Fault { return &Fault{Status: 513, Reason: "Message Too Large"} }

// measure walks over the header section of a stream's next message: its length,
// or 0 if its end is not there yet, and its Content-Length. On a stream that
// field has to be there: without it nobody knows where the next message starts.
func measure(b []byte) (head int, length uint64, f *Fault) {
	value, found := "", false
	for i := 0; ; {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return 0, 0, nil
		}
		if n == 0 || b[i+n-1] != '\r' {
			return 0, 0, bad("Bare Line Feed In Header")
		}
		if n == 1 {
			head = i + 2
			break
		}
		if c := b[i] | 0x20; (c == 'c' || c == 'l') && i > 0 {
			if v, ok := lengthValue(b[i:]); ok {
				if found {
					return 0, 0, bad("Duplicate Content-Length")
				}
				value, found = v, true
			}
		}
		i += n + 1
	}
	if !found {
		return 0, 0, bad("Missing Content-Length")
	}
	length, ok := digits(value, 1<<31)
	if !ok {
		return 0, 0, bad("Malformed Content-Length")
	}
	return head, length, nil
}

// lengthValue is the value of the line at the head of b, with the lines folded
// onto it, if it is a Content-Length.
func lengthValue(b []byte) (string, bool) {
	n := span(b, 0, inToken)
	if kindOf(text(b[:n])) != kContentLength {
		return "", false
	}
	for n < len(b) && isSpace(b[n]) {
		n++
	}
	if n == len(b) || b[n] != ':' {
		return "", false
	}
	end := n + 1
	for {
		nl := bytes.IndexByte(b[end:], '\n')
		if end += nl + 1; nl < 0 || end >= len(b) || !isSpace(b[end]) {
			break
		}
	}
	return text(bytes.Trim(b[n+1:end], " \t\r\n")), true
}

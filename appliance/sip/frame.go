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
	head := bytes.Index(m, []byte("\r\n\r\n"))
	if head < 0 {
		if len(m) >= min(max, maxHeader) {
			return 0, tooLarge(m)
		}
		return 0, nil
	}
	head += 4
	length, f := contentLength(m[:head])
	if f != nil {
		return 0, f.answerable(m[:head])
	}
	if head > maxHeader || length > uint64(max) || uint64(head)+length > uint64(max) {
		return 0, tooLarge(m)
	}
	if head+int(length) > len(m) {
		return 0, nil
	}
	return lead + head + int(length), nil
}

func tooLarge(b []byte) *Fault {
	return (&Fault{Status: 513, Reason: "Message Too Large"}).answerable(b)
}

// contentLength looks for the one Content-Length of a header section. On a
// stream it has to be there: without it nobody knows where the next message
// starts.
func contentLength(head []byte) (uint64, *Fault) {
	value, found := "", false
	for i := bytes.IndexByte(head, '\n') + 1; i < len(head); {
		end := i + bytes.IndexByte(head[i:], '\n') + 1
		if c := head[i] | 0x20; c == 'c' || c == 'l' {
			if v, ok := lengthValue(head[i:]); ok {
				if found {
					return 0, bad("Duplicate Content-Length")
				}
				value, found = v, true
			}
		}
		i = end
	}
	if !found {
		return 0, bad("Missing Content-Length")
	}
	n, ok := digits(value, 1<<31)
	if !ok {
		return 0, bad("Malformed Content-Length")
	}
	return n, nil
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
	return string(bytes.Trim(b[n+1:end], " \t\r\n")), true
}

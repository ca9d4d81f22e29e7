package sip

import "bytes"

// normalise rewrites legal but odd header sections into plain form: folded lines
// are joined by one space, spaces before a colon go, and the version is written
// in upper case. Nothing else changes.
func normalise(b []byte) ([]byte, *Fault) {
	out := make([]byte, 0, len(b)+32)
	end := bytes.Index(b, []byte("\r\n"))
	if end < 0 {
		return nil, bad("Malformed Start Line")
	}
	out = append(out, upperVersion(b[:end])...)
	for i := end + 2; ; {
		out = append(out, '\r', '\n')
		if i >= len(b) {
			return nil, bad("Missing End Of Header")
		}
		if isSpace(b[i]) && i == end+2 {
			return nil, bad("Malformed Start Line")
		}
		n := bytes.Index(b[i:], []byte("\r\n"))
		if n < 0 {
			return nil, bad("Missing End Of Header")
		}
		if n == 0 {
			out = append(out, '\r', '\n')
			return append(out, b[i+2:]...), nil
		}
		out = appendTight(out, b[i:i+n])
		for i += n + 2; i < len(b) && isSpace(b[i]); i += n + 2 {
			if n = bytes.Index(b[i:], []byte("\r\n")); n < 0 {
				return nil, bad("Missing End Of Header")
			}
			out = append(trimRightBytes(out), ' ')
			out = append(out, bytes.Trim(b[i:i+n], " \t")...)
		}
	}
}

// appendTight appends a header line without the spaces before its colon.
func appendTight(dst, line []byte) []byte {
	n := span(line, 0, inToken)
	colon := n
	for colon < len(line) && isSpace(line[colon]) {
		colon++
	}
	if colon > n && colon < len(line) && line[colon] == ':' {
		return append(append(dst, line[:n]...), line[colon:]...)
	}
	return append(dst, line...)
}

func trimRightBytes(b []byte) []byte {
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// upperVersion writes the SIP/2.0 at either end of a start line in upper case.
func upperVersion(line []byte) []byte {
	const v = "SIP/2.0"
	out := bytes.Clone(line)
	if len(out) < len(v) {
		return out
	}
	if head := out[:len(v)]; same(string(head), v) {
		copy(head, v)
	} else if tail := out[len(out)-len(v):]; same(string(tail), v) {
		copy(tail, v)
	}
	return out
}

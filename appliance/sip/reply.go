package sip

import (
	"crypto/sha256"
	"encoding/hex"
)

// Reply makes the response to a request by RFC 3261 8.2.6: every Via, From, To,
// Call-ID and CSeq as they came, no body. A To without a tag gets one, unless
// the response is a 100; it is derived from the request, so that every answer to
// the request and its retransmissions bears the same.
func (m *Message) Reply(status int, reason string) *Message {
	return m.ReplyTag(status, reason, "")
}

// ReplyTag is Reply with a To-tag of the caller's choice, as the user agent of a
// dialog needs it.
func (m *Message) ReplyTag(status int, reason, tag string) *Message {
	r := &Message{status: 500}
	r.rows = r.few[:0]
	r.ext = make([]byte, 0, 768)
	r.SetStatus(status, reason)
	for i := range m.rows {
		v := m.value(i)
		switch k := m.rows[i].kind; k {
		case kTo:
			if status > 100 && addrTag(v) == "" {
				if tag == "" {
					tag = m.derivedTag()
				}
				v += ";tag=" + tag
			}
			r.Add("To", v)
		case kVia, kFrom, kCallID, kCSeq:
			r.Add(k.String(), v)
		case kTimestamp:
			if status == 100 {
				r.Add("Timestamp", v)
			}
		}
	}
	r.Add("Content-Length", "0")
	return r
}

// Trying is the 100 to a request as it goes on the wire: what Reply(100,
// "Trying") says, without a Message in between.
func (m *Message) Trying() []byte {
	const first, last = "SIP/2.0 100 Trying\r\n", "Content-Length: 0\r\n\r\n"
	n := len(first) + len(last)
	for i := range m.rows {
		if inTrying(m.rows[i].kind) {
			n += int(m.rows[i].value) + len("Max-Forwards: \r\n") // no name here is longer
		}
	}
	b := append(make([]byte, 0, n), first...)
	for i := range m.rows {
		if k := m.rows[i].kind; inTrying(k) {
			b = append(append(b, k.String()...), ": "...)
			b = append(append(b, m.value(i)...), "\r\n"...)
		}
	}
	return append(b, last...)
}

func inTrying(k kind) bool {
	switch k {
	case kVia, kFrom, kTo, kCallID, kCSeq, kTimestamp:
		return true
	}
	return false
}

// derivedTag is the same for a request and its retransmissions, and different
// for any other request.
func (m *Message) derivedTag() string {
	h := sha256.New()
	for _, k := range [...]kind{kCallID, kFrom, kVia, kCSeq} {
		h.Write([]byte(m.first(k)))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// NewRequest starts a request with Max-Forwards and an empty body. The caller
// adds Via, From, To, Call-ID and CSeq.
func NewRequest(method, uri string) *Message {
	m := &Message{word: tokenOnly(method)}
	m.rows = m.few[:0]
	m.SetURI(uri)
	m.Add("Max-Forwards", "70")
	m.Add("Content-Length", "0")
	return m
}

// NewResponse starts a response without any field but Content-Length.
func NewResponse(status int, reason string) *Message {
	m := &Message{status: 500}
	m.rows = m.few[:0]
	m.SetStatus(status, reason)
	m.Add("Content-Length", "0")
	return m
}

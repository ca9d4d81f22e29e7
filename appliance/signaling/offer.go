package signaling

import (
	"bytes"
	"strings"

	"sallyport/appliance/sip"
)

// Description says what the session description in a message is, by the
// offer/answer model (RFC 3264, RFC 6337).
type Description uint8

// A message carries no description, an offer, or the answer to one.
const (
	NoDescription Description = iota
	Offer
	Answer
)

// RequestDescription classifies what a request carries. pending tells whether
// an offer of the far side waits for an answer: only then is what PRACK
// carries an answer (RFC 6337 2.1).
func RequestDescription(m *sip.Message, pending bool) Description {
	if body, _ := SessionDescription(m); body == nil {
		return NoDescription
	}
	switch m.Method() {
	case "INVITE", "UPDATE":
		return Offer
	case "ACK":
		return Answer
	case "PRACK":
		if pending {
			return Answer
		}
		return Offer
	}
	return NoDescription
}

// ResponseDescription classifies what a response carries: the answer where
// the request made the offer, else the late offer.
func ResponseDescription(request Description, resp *sip.Message) Description {
	if body, _ := SessionDescription(resp); body == nil || resp.Status() >= 300 {
		return NoDescription
	}
	switch resp.Method() {
	case "INVITE":
		if request == NoDescription {
			return Offer
		}
		return Answer
	case "UPDATE", "PRACK":
		if request == Offer {
			return Answer
		}
	}
	return NoDescription
}

// SessionDescription finds the description that a message carries, alone or
// as a part of a multipart body (RFC 5621), and the function that replaces it
// there. Both are nil where there is none.
func SessionDescription(m *sip.Message) (body []byte, replace func([]byte)) {
	whole := m.Body()
	if len(whole) == 0 {
		return nil, nil
	}
	kind := m.ContentType()
	switch {
	case hasType(kind, "application/sdp"):
		return whole, func(b []byte) { m.SetBody(kind, b) }
	case hasType(kind, "multipart/mixed"), hasType(kind, "multipart/alternative"), hasType(kind, "multipart/related"):
		start, end := descriptionPart(whole, boundary(kind))
		if start < 0 {
			return nil, nil
		}
		return whole[start:end:end], func(b []byte) {
			m.SetBody(kind, bytes.Join([][]byte{whole[:start], b, whole[end:]}, nil))
		}
	}
	return nil, nil
}

func hasType(value, want string) bool {
	value, _, _ = strings.Cut(value, ";")
	return strings.EqualFold(strings.TrimSpace(value), want)
}

func boundary(contentType string) string {
	for _, p := range strings.Split(contentType, ";")[1:] {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(strings.TrimSpace(name), "boundary") {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// descriptionPart gives where the content of the first application/sdp part
// lies in a multipart body; start is -1 where there is none.
func descriptionPart(body []byte, boundary string) (start, end int) {
	if boundary == "" {
		return -1, 0
	}
	mark := []byte("--" + boundary)
	at := bytes.Index(body, mark)
	for at >= 0 {
		at += len(mark)
		next := bytes.Index(body[at:], append([]byte("\r\n"), mark...))
		if next < 0 {
			return -1, 0
		}
		head := bytes.Index(body[at:at+next], []byte("\r\n\r\n"))
		if head >= 0 && partIsDescription(body[at:at+head]) {
			return at + head + 4, at + next
		}
		at += next + 2
	}
	return -1, 0
}

func partIsDescription(header []byte) bool {
	for _, line := range strings.Split(string(header), "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(strings.TrimSpace(name), "Content-Type") {
			return hasType(value, "application/sdp")
		}
	}
	return false
}

// Describe replaces the session description of a message with what f makes of
// it; without one, or where kind says that none counts, it does nothing.
func Describe(m *sip.Message, kind Description, f func([]byte) ([]byte, error)) error {
	if kind == NoDescription {
		return nil
	}
	body, replace := SessionDescription(m)
	if body == nil {
		return nil
	}
	edited, err := f(body)
	if err != nil {
		return err
	}
	replace(edited)
	return nil
}

// Outcome is what the final answer to a request means for the call's media.
type Outcome uint8

// Most answers mean nothing for the media.
const (
	Unchanged   Outcome = iota
	Established         // an INVITE was accepted
	Undone              // an offer within the call was refused: what held before holds on
	Over                // the call has ended, or never came to be
)

// OutcomeOf tells what a request with that description and its final status
// mean.
func OutcomeOf(req *sip.Message, kind Description, status int) Outcome {
	failed := status >= 300
	switch {
	case req.Method() == "BYE":
		return Over
	case failed && req.Method() == "INVITE" && req.ToTag() == "":
		return Over
	case failed && kind == Offer:
		return Undone
	case !failed && req.Method() == "INVITE":
		return Established
	}
	return Unchanged
}

// FormsDialog tells whether a request may open a dialog, so that a proxy that
// wants to see the rest must record its route.
func FormsDialog(m *sip.Message) bool {
	if m.ToTag() != "" {
		return false
	}
	switch m.Method() {
	case "INVITE", "SUBSCRIBE", "REFER", "NOTIFY":
		return true
	}
	return false
}

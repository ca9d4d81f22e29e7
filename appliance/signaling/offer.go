package signaling

import (
	"slices"

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
	if !HasDescription(m) {
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
	if resp.Status() >= 300 || !HasDescription(resp) {
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

// Describe replaces the session description of a message with what f makes of
// it; without one, or where kind says that none counts, it does nothing. A body
// that leaves open which description counts is a *StatusError: nothing of it may
// pass as it is.
func Describe(m *sip.Message, kind Description, f func([]byte) ([]byte, error)) error {
	if kind == NoDescription {
		return nil
	}
	whole := m.Body()
	at, ok := descriptions(m)
	switch {
	case !ok:
		return &StatusError{Status: 415, Reason: "Multipart body cannot be read"}
	case len(at) > 1:
		return &StatusError{Status: 488, Reason: "More than one session description"}
	case len(at) == 0:
		return nil
	}
	edited, err := f(whole[at[0].start:at[0].end:at[0].end])
	if err != nil {
		return err
	}
	m.SetBody(m.ContentType(), slices.Concat(whole[:at[0].start], edited, whole[at[0].end:]))
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

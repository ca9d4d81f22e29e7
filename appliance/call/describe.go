package call

import (
	"errors"
	"strconv"
	"strings"

	"sallyport/appliance/media"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// Rewrite is Inward or Outward of a Media.
type Rewrite func(id media.SessionID, of media.ExchangeID, kind media.Kind, body []byte, trace string) ([]byte, error)

// errOvertaken says of a description that it comes again, and that others were
// agreed on since.
var errOvertaken = errors.New("the description was followed by another")

// Describe rewrites the session description of a message for the far side.
// Session 0 has no media to relay.
//
// A 2xx comes again until its ACK arrives, and the ACK with it (RFC 3261
// 13.3.1.4): what they describe may be long overtaken then. Such a message passes
// without its body. All that it is for is the next ACK, and its receiver has
// heard the description.
func Describe(m *sip.Message, session uint64, kind signaling.Description, trace string, f Rewrite) error {
	if session == 0 {
		return nil
	}
	mk := media.Offer
	if kind == signaling.Answer {
		mk = media.Answer
	}
	err := signaling.Describe(m, kind, func(body []byte) ([]byte, error) {
		return f(media.SessionID(session), ExchangeOf(m, kind), mk, body, trace)
	})
	if errors.Is(err, errOvertaken) {
		m.SetBody("", nil)
		return nil
	}
	return err
}

// ExchangeOf names the offer and answer that the description of a message is part
// of, by what request and response have in common, and ACK and PRACK with the
// INVITE. A From tag counts its own requests, so no two have the same name. An
// offer in a response has one for each who answers the request: forks make offers
// of their own.
func ExchangeOf(m *sip.Message, kind signaling.Description) media.ExchangeID {
	n, method := m.CSeq()
	if method == "PRACK" && m.Status() == 0 && kind == signaling.Answer {
		n = acknowledged(m)
	}
	request := hash(n, m.FromTag())
	switch response := m.Status() > 0; {
	case response == (kind == signaling.Offer): // a late offer, or the answer to one
		return media.NewExchangeID(hash(request, m.ToTag()), 1)
	case response:
		return media.NewExchangeID(request, hash(0, m.ToTag())|1)
	}
	return media.NewExchangeID(request, 0)
}

// acknowledged is the number of the INVITE whose response a PRACK is for: the
// second of "776656 1 INVITE".
func acknowledged(prack *sip.Message) uint32 {
	if f := strings.Fields(prack.Get("RAck")); len(f) == 3 {
		n, _ := strconv.ParseUint(f[1], 10, 32)
		return uint32(n)
	}
	return 0
}

// hash is FNV-1a of a number and a text. Whoever finds two of one hash spoils his
// own call.
func hash(n uint32, s string) uint32 {
	h := uint32(2166136261)
	for ; n > 0; n >>= 8 {
		h = (h ^ n&0xff) * 16777619
	}
	h = (h ^ 0x100) * 16777619 // no byte: the text begins
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

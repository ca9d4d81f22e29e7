package call

import (
	"sallyport/appliance/media"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// Rewrite is Inward or Outward of a Media.
type Rewrite func(id media.SessionID, kind media.Kind, body []byte, trace string) ([]byte, error)

// Describe rewrites the session description of a message for the far side.
// Session 0 has no media to relay.
func Describe(m *sip.Message, session uint64, kind signaling.Description, trace string, f Rewrite) error {
	if session == 0 {
		return nil
	}
	mk := media.Offer
	if kind == signaling.Answer {
		mk = media.Answer
	}
	return signaling.Describe(m, kind, func(body []byte) ([]byte, error) {
		return f(media.SessionID(session), mk, body, trace)
	})
}

package core

import (
	"sallyport/appliance/media"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// rewrite is Inward or Outward of Media.
type rewrite func(media.SessionID, media.Kind, []byte, string) ([]byte, error)

// describe rewrites the session description of a message for the far side.
// Session 0 has no media to relay.
func describe(m *sip.Message, session uint64, kind signaling.Description, trace string, f rewrite) error {
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

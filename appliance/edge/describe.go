package edge

import (
	"sallyport/appliance/media"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// needsMedia tells whether a request has to do with a call's media: what comes
// late in a dialog must not bring back a session that is over.
func (e *Edge) needsMedia(session uint64, opens bool, kind signaling.Description) bool {
	return session != 0 && (opens || kind != signaling.NoDescription || e.media.Knows(media.SessionID(session)))
}

// undescribed takes the description out of a message for the outside where
// none counts, in the answer to OPTIONS or in a refusal: nobody rewrites it, and
// it names inside addresses.
func undescribed(m *sip.Message, session uint64, kind signaling.Description) {
	if session != 0 && kind != signaling.NoDescription {
		return
	}
	if signaling.HasDescription(m) {
		m.SetBody("", nil)
	}
}

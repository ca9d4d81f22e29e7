package core

import (
	"sallyport/appliance/media"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// useMedia tells the media plane of a call at its first request. The policy is
// the call's for its whole life: a later request may take a way on which the
// zone's mode is not known. What comes late in a dialog and describes nothing
// must not bring back a session that is over.
func (c *Core) useMedia(m *sip.Message, session uint64, kind signaling.Description, peer string, policy media.Policy) {
	id := media.SessionID(session)
	if session == 0 || m.ToTag() != "" && (kind == signaling.NoDescription && m.Method() != "INVITE" || c.media.Knows(id)) {
		return
	}
	policy = c.ofClient(policy, session, peer)
	c.media.Use(id, MediaCall{Peer: peer, Policy: policy, Label: m.CallID()})
}

package core

import (
	"sallyport/appliance/flow"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// betweenTrunks makes the branch of a request from one inside system to
// another.
func (c *Core) betweenTrunks(r *signaling.Request, out *sip.Message, session uint64, _ *flow.Conn, _ target) (signaling.Branch, error) {
	return signaling.Branch{
		Msg:     out,
		OnFinal: func(status int) { c.desk.Settle(out, session, signaling.NoDescription, status) },
	}, nil
}

package core

import (
	"strings"

	"sallyport/appliance/flow"
	"sallyport/appliance/sdp"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// betweenTrunks makes the branch of a request from one inside system to
// another. Their media goes between them, so core holds each description
// against what both zones demand and changes none.
func (c *Core) betweenTrunks(r *signaling.Request, out *sip.Message, session uint64, from *flow.Conn, t target) (signaling.Branch, error) {
	plan := c.plan.Load()
	zones := []string{from.Zone(), t.zone}
	if why := plan.unfit(out, zones); why != "" {
		return signaling.Branch{}, &signaling.StatusError{Status: 488, Reason: why}
	}
	return signaling.Branch{
		Msg: out,
		OnResponse: func(resp *sip.Message) {
			if why := plan.unfit(resp, zones); why != "" && resp.Status() < 300 {
				c.log.Info("media refused", "trace", r.Trace, "why", why)
				resp.SetBody("", nil)
				if resp.Status() >= 200 {
					resp.SetStatus(488, "Not Acceptable Here")
				}
			}
		},
		OnFinal: func(status int) { c.desk.Settle(out, session, signaling.NoDescription, status) },
	}, nil
}

// unfit tells why a description cannot pass between zones: one demands SRTP and
// it has none, or one bears none and it has some.
func (p *Plan) unfit(m *sip.Message, zones []string) string {
	if !strings.HasPrefix(strings.ToLower(m.ContentType()), "application/sdp") || len(m.Body()) == 0 {
		return ""
	}
	b, err := sdp.Parse(m.Body())
	if err != nil {
		return "Bad session description"
	}
	secure, plain := false, false
	for _, s := range b.Media {
		if l := s.M(); l.Port != 0 && l.Class() == sdp.RTP {
			secure = secure || sdp.IsSecure(l.Proto)
			plain = plain || !sdp.IsSecure(l.Proto)
		}
	}
	for _, name := range zones {
		z := p.Zones.Zone(name)
		switch {
		case z == nil:
		case z.MediaEncryption == "On" && plain:
			return "Zone " + z.Name + " demands SRTP"
		case z.MediaEncryption == "Off" && secure:
			return "Zone " + z.Name + " takes no SRTP"
		}
	}
	return ""
}

package signaling

import "sallyport/appliance/sip"

// Tap sees the messages of requests as they come and as they leave, with the
// trace id that joins them. It is asked for each message whether anybody
// looks, so Active must be cheap. m must not be kept or changed.
type Tap interface {
	Active() bool
	Message(c Conn, sent bool, trace string, m *sip.Message)
}

func (p *Proxy) tap(c Conn, sent bool, trace string, m *sip.Message) {
	if t := p.cfg.Tap; t != nil && c != nil && t.Active() {
		t.Message(c, sent, trace, m)
	}
}

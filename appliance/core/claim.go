package core

import (
	"sallyport/appliance/sip"
)

// claimed marks, towards the inside, an address that a client wrote. Should it
// come back in a message that leaves for another client, core must not send
// anything there by its own hand: whoever is outside could lead it to any
// address inside. Within a dialog the recorded route leads to the client.
const claimed = "x-sallyport-claimed"

// addressed are the headers by which a far end is told where to send requests.
var addressed = [...]string{"Contact", "Refer-To", "Referred-By"}

// claim marks the addresses in a message of a client.
func claim(m *sip.Message) {
	for _, name := range addressed {
		values := m.Values(name)
		changed := false
		for i, v := range values {
			if na, err := sip.ParseNameAddr(v); err == nil && na.URI.SIP() {
				values[i], changed = na.WithParam(claimed, "").String(), true
			}
		}
		if changed {
			m.SetAll(name, values)
		}
	}
}

// silence takes out of a response for the outside what could not be masked. An
// answer that would open a dialog becomes a failure.
func silence(m *sip.Message) {
	m.Remove("Record-Route")
	for _, name := range addressed {
		m.Remove(name)
	}
	m.SetBody("", nil)
	if m.Status() >= 200 && m.Status() < 300 {
		m.SetStatus(500, "Server Internal Error")
	}
}

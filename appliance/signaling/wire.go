package signaling

import (
	"sync"

	"sallyport/appliance/sip"
)

// wires lends the bytes of messages that are sent once and not kept.
var wires = sync.Pool{New: func() any {
	b := make([]byte, 0, 4<<10)
	return &b
}}

// mostWire is the largest buffer worth keeping.
const mostWire = 64 << 10

// sendOnce sends m in borrowed memory; port is that of reply.
func sendOnce(c Conn, port uint16, m *sip.Message) error {
	p := wires.Get().(*[]byte)
	b := m.AppendTo((*p)[:0])
	err := reply(c, port, b)
	if cap(b) <= mostWire {
		*p = b
		wires.Put(p)
	}
	return err
}

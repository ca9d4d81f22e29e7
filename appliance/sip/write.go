package sip

// Bytes is the message as it goes on the wire, in memory of its own.
func (m *Message) Bytes() []byte { return m.AppendTo(make([]byte, 0, m.size())) }

// AppendTo appends the message as it goes on the wire.
func (m *Message) AppendTo(dst []byte) []byte {
	dst = m.appendStart(dst)
	for i := 0; i < len(m.rows); {
		off := m.rows[i].off
		end := off + uint32(m.rows[i].size)
		// Rows that still lie side by side are one copy.
		for i++; i < len(m.rows) && m.rows[i].off == end; i++ {
			end += uint32(m.rows[i].size)
		}
		dst = append(dst, m.bytes(off)[:end-off]...)
	}
	dst = append(dst, '\r', '\n')
	return append(dst, m.body...)
}

func (m *Message) appendStart(dst []byte) []byte {
	if m.start > 0 {
		return append(dst, m.raw[:m.start]...)
	}
	if m.status == 0 {
		dst = append(append(dst, m.word...), ' ')
		return append(append(dst, m.uri...), " SIP/2.0\r\n"...)
	}
	s := m.status
	dst = append(dst, "SIP/2.0 "...)
	dst = append(dst, byte('0'+s/100), byte('0'+s/10%10), byte('0'+s%10), ' ')
	return append(append(dst, m.word...), '\r', '\n')
}

// size is the length of the message on the wire.
func (m *Message) size() int {
	n := int(m.start) + 2 + len(m.body)
	if m.start == 0 {
		n += len(m.word) + len(m.uri) + len("SIP/2.0 000 \r\n")
	}
	for i := range m.rows {
		n += int(m.rows[i].size)
	}
	return n
}

package flow

import (
	"encoding/binary"
	"net/netip"
)

// The little of STUN (RFC 8489) that keeps a SIP connection alive (RFC 5626
// 4.4.2): a binding request is answered with the address that it came from.
const (
	stunHeader  = 20
	stunMost    = 548 // what RFC 8489 6.1 lets a datagram of unknown path be
	stunCookie  = 0x2112A442
	stunRequest = 0x0001
	stunSuccess = 0x0101
	stunXorAddr = 0x0020
)

// stunLength is the length of the STUN message at the head of b; 0 if more
// bytes are needed, -1 if it is none.
func stunLength(b []byte) int {
	if len(b) >= 4 {
		body := int(binary.BigEndian.Uint16(b[2:]))
		if body%4 != 0 || stunHeader+body > stunMost {
			return -1
		}
	}
	if len(b) >= 8 && binary.BigEndian.Uint32(b[4:]) != stunCookie {
		return -1
	}
	if len(b) < stunHeader || len(b) < stunHeader+int(binary.BigEndian.Uint16(b[2:])) {
		return 0
	}
	return stunHeader + int(binary.BigEndian.Uint16(b[2:]))
}

// stunAnswer is the answer to a whole STUN message; nil if it wants none.
func stunAnswer(b []byte, from netip.AddrPort) []byte {
	if binary.BigEndian.Uint16(b) != stunRequest {
		return nil
	}
	addr := from.Addr().Unmap().AsSlice()
	family := byte(1)
	if len(addr) == 16 {
		family = 2
	}
	out := make([]byte, 0, stunHeader+8+len(addr))
	out = binary.BigEndian.AppendUint16(out, stunSuccess)
	out = binary.BigEndian.AppendUint16(out, uint16(8+len(addr)))
	out = append(out, b[4:stunHeader]...) // cookie and transaction
	out = binary.BigEndian.AppendUint16(out, stunXorAddr)
	out = binary.BigEndian.AppendUint16(out, uint16(4+len(addr)))
	out = append(out, 0, family)
	out = binary.BigEndian.AppendUint16(out, from.Port()^stunCookie>>16)
	for i, a := range addr {
		out = append(out, a^b[4+i])
	}
	return out
}

// stun answers the STUN message at the head of b.
func (r *reader) stun(b []byte) (int, error) {
	n := stunLength(b)
	if n < 0 {
		return 0, errFraming
	}
	if n == 0 {
		return 0, nil
	}
	if answer := stunAnswer(b[:n], r.remote); answer != nil {
		r.flows.count.pings.Add(1)
		return n, r.Send(answer)
	}
	return n, nil
}

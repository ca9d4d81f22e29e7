// Package rtp reads the headers of RTP and RTCP packets and protects and
// unprotects them by SRTP (RFC 3550, 3711, 7714). It knows bytes only, not
// sockets. Its callers are media and, for their demultiplexing, turn.
//
// SRTP's transforms are written here, on Go's own AES, GCM and SHA-1, because
// a relay holds thousands of contexts and opens hundreds of thousands of packets
// a second: a context is small and lies together, and what it works with is
// shared (Room). Tests hold it against pion/srtp and the RFCs' vectors.
package rtp

import "encoding/binary"

// HeaderSize is the smallest RTP header.
const HeaderSize = 12

// Kind is what a datagram on a media port is (RFC 7983, RFC 5761).
type Kind uint8

const (
	Unknown Kind = iota
	STUN
	DTLS
	RTP
	RTCP
)

// Demux tells by the first two bytes.
func Demux(b []byte) Kind {
	if len(b) < 2 {
		return Unknown
	}
	switch c := b[0]; {
	case c < 4:
		return STUN
	case c >= 20 && c < 64:
		return DTLS
	case c < 128 || c >= 192:
		return Unknown
	case b[1] >= 192 && b[1] < 224:
		return RTCP
	}
	return RTP
}

// Packet is an RTP packet, plain or protected; the header is readable either way.
type Packet []byte

// Valid reports whether version, header and extension fit the packet. The
// other methods may be called on a valid packet only.
func (p Packet) Valid() bool {
	n := p.headerLen()
	return n > 0 && n <= len(p)
}

// headerLen is 0 if the fixed part does not fit.
func (p Packet) headerLen() int {
	if len(p) < HeaderSize || p[0]>>6 != 2 {
		return 0
	}
	n := HeaderSize + 4*int(p[0]&0x0f)
	if p[0]&0x10 == 0 {
		return n
	}
	if len(p) < n+4 {
		return 0
	}
	return n + 4 + 4*int(binary.BigEndian.Uint16(p[n+2:]))
}

// Sequence is the sequence number.
func (p Packet) Sequence() uint16 { return binary.BigEndian.Uint16(p[2:]) }

// SetSequence changes the sequence number in place.
func (p Packet) SetSequence(n uint16) { binary.BigEndian.PutUint16(p[2:], n) }

// Timestamp is the media time.
func (p Packet) Timestamp() uint32 { return binary.BigEndian.Uint32(p[4:]) }

// SSRC is the synchronization source.
func (p Packet) SSRC() uint32 { return binary.BigEndian.Uint32(p[8:]) }

// Payload is what follows the header, without padding. Writing to it changes
// the packet.
func (p Packet) Payload() []byte {
	b := p[p.headerLen():]
	if p[0]&0x20 != 0 && len(b) > 0 {
		b = b[:max(0, len(b)-int(b[len(b)-1]))]
	}
	return b
}

// PayloadType is the payload type without the marker.
func (p Packet) PayloadType() uint8 { return p[1] & 0x7f }

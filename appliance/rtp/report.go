package rtp

import "encoding/binary"

// Report is one reception report block: what one end says it got of a source.
type Report struct {
	From     uint32 // SSRC of the reporter
	Source   uint32 // SSRC reported on
	Lost     int32  // packets lost since the beginning
	Fraction uint8  // of 256, since the last report
	Jitter   uint32 // in timestamp units
	Highest  uint32 // extended highest sequence number received
}

const (
	senderReport   = 200
	receiverReport = 201
	goodbye        = 203

	maxRTCPParts = 32 // packets in one compound; real ones have two to four
)

// Reports walks a compound RTCP packet and calls f for each report block. It
// reports whether the packet was well formed; f may have been called before a
// fault was found.
func Reports(b []byte, f func(Report)) bool {
	for parts := 0; len(b) > 0; parts++ {
		if len(b) < 8 || b[0]>>6 != 2 || parts == maxRTCPParts {
			return false
		}
		n := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
		if n > len(b) || n < 8 && b[1] != goodbye {
			return false
		}
		if !blocks(b[:n], f) {
			return false
		}
		b = b[n:]
	}
	return true
}

func blocks(b []byte, f func(Report)) bool {
	at := 8
	switch b[1] {
	case senderReport:
		at = 28
	case receiverReport:
	default:
		return true
	}
	count := int(b[0] & 0x1f)
	if len(b) < at+24*count {
		return false
	}
	from := binary.BigEndian.Uint32(b[4:])
	for ; count > 0; count, at = count-1, at+24 {
		f(block(from, b[at:]))
	}
	return true
}

func block(from uint32, b []byte) Report {
	lost := int32(binary.BigEndian.Uint32(b[4:])<<8) >> 8 // 24 bits, signed
	return Report{
		From:     from,
		Source:   binary.BigEndian.Uint32(b),
		Fraction: b[4],
		Lost:     lost,
		Highest:  binary.BigEndian.Uint32(b[8:]),
		Jitter:   binary.BigEndian.Uint32(b[12:]),
	}
}

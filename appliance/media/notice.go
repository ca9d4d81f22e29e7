package media

import (
	"math"

	"sallyport/appliance/rtp"
)

// notice is the tone that tells both sides of a call that it is recorded: a
// short beep, again and again, mixed into what is said.
type notice struct{ toClient, toInside beep }

// beep is where the tone of one direction stands, in samples.
type beep struct{ at int }

const (
	noticeHz     = 1400
	noticeEvery  = 15 * 8000 // samples
	noticeLength = 8000 / 5
	noticeLevel  = 3000 // of 32767
)

// mix adds the tone to a packet of G.711; others pass as they are.
func (b *beep) mix(pkt []byte) {
	p := rtp.Packet(pkt)
	decode, encode := muDecode, muEncode
	switch p.PayloadType() {
	case 0:
	case 8:
		decode, encode = aDecode, aEncode
	default:
		return
	}
	for i, sample := range p.Payload() {
		if b.at < noticeLength {
			tone := noticeLevel * math.Sin(2*math.Pi*noticeHz*float64(b.at)/8000)
			p.Payload()[i] = encode(max(-32635, min(32635, decode(sample)+int(tone))))
		}
		b.at = (b.at + 1) % noticeEvery
	}
}

// G.711, both laws (ITU-T G.711): sign, three bits of exponent, four of mantissa.

func muDecode(b byte) int {
	b = ^b
	v := (int(b&0x0f)<<3+0x84)<<(b>>4&7) - 0x84
	if b&0x80 != 0 {
		return -v
	}
	return v
}

func muEncode(v int) byte {
	sign := byte(0)
	if v < 0 {
		sign, v = 0x80, -v
	}
	v += 0x84
	exp := 7
	for exp > 0 && v&(0x80<<exp) == 0 {
		exp--
	}
	return ^(sign | byte(exp)<<4 | byte(v>>(exp+3)&0x0f))
}

func aDecode(b byte) int {
	b ^= 0x55
	v, exp := int(b&0x0f)<<4+8, b>>4&7
	if exp > 0 {
		v = (v + 0x100) << (exp - 1)
	}
	if b&0x80 == 0 {
		return -v
	}
	return v
}

func aEncode(v int) byte {
	sign := byte(0x80)
	if v < 0 {
		sign, v = 0, -v-1
	}
	exp := 7
	for exp > 0 && v&(0x80<<exp) == 0 {
		exp--
	}
	mantissa := byte(v >> 4 & 0x0f)
	if exp > 0 {
		mantissa = byte(v >> (exp + 3) & 0x0f)
	}
	return (sign | byte(exp)<<4 | mantissa) ^ 0x55
}

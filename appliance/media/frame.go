package media

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// A frame is what core and edge exchange on the link pair: eight bytes, then
// a packet as it came from or goes to the client, or the proof of a control
// frame. Edge's ends are two shared ports; the channel says whose frame it is.
//
//	 0      1          2      3      4..7
//	┌──────┬──────────┬──────┬──────┬──────────┐
//	│ type │ slot     │flags │ 0    │ channel  │
//	└──────┴──────────┴──────┴──────┴──────────┘
//	control: + 8 bytes sequence + 16 bytes HMAC-SHA256 over all before it
//
// Media is not authenticated: its 5-tuple is, by probes, and the packet in it
// is SRTP. Types differ by direction, so that no frame can be reflected.
const (
	frameHeader  = 8
	controlSize  = frameHeader + 8 + macSize
	macSize      = 16
	maxFrame     = 2048 // what one datagram may hold, header included
	maxPacket    = maxFrame - frameHeader - 64
	frameMedia   = 0x51 // both ways
	frameProbe   = 0x52 // core to edge: this 5-tuple is mine
	frameAck     = 0x53 // edge to core: it is
	frameConfirm = 0x54 // core to edge: that source is the client
)

// Flags of a media frame from edge.
const (
	flagConfirmed = 1 << iota // the source is the confirmed one
	flagExpected              // the source has the address that signalling told
)

// slotTag names a candidate source of a leg: its slot and how often the slot
// was given away, so that a late confirmation cannot meet another source.
type slotTag uint8

const noSlot slotTag = 0 // generations begin at 1, so that no tag is zero

func tagOf(slot int, generation uint8) slotTag { return slotTag(slot) | slotTag(generation<<4) }
func (t slotTag) slot() int                    { return int(t & 0x0f) }

// frame is a frame's header, read.
type frame struct {
	kind    byte
	tag     slotTag
	flags   byte
	channel uint32
}

// parseFrame reads a header; ok is false for anything that is no frame.
func parseFrame(b []byte) (f frame, ok bool) {
	if len(b) < frameHeader || b[0] < frameMedia || b[0] > frameConfirm || b[3] != 0 {
		return frame{}, false
	}
	if b[0] != frameMedia && len(b) != controlSize {
		return frame{}, false
	}
	return frame{b[0], slotTag(b[1]), b[2], binary.BigEndian.Uint32(b[4:])}, true
}

// put writes the header into b.
func (f frame) put(b []byte) {
	_ = b[frameHeader-1]
	b[0], b[1], b[2], b[3] = f.kind, byte(f.tag), f.flags, 0
	binary.BigEndian.PutUint32(b[4:], f.channel)
}

// control builds an authenticated frame.
func (f frame) control(key channelKey, seq uint64) []byte {
	b := make([]byte, frameHeader+8, controlSize)
	f.put(b)
	binary.BigEndian.PutUint64(b[frameHeader:], seq)
	return append(b, key.mac(b)...)
}

// openControl checks a control frame and gives its sequence number.
func openControl(b []byte, key channelKey) (seq uint64, ok bool) {
	if len(b) != controlSize {
		return 0, false
	}
	body := b[:controlSize-macSize]
	if !hmac.Equal(key.mac(body), b[controlSize-macSize:]) {
		return 0, false
	}
	return binary.BigEndian.Uint64(b[frameHeader:]), true
}

func (k channelKey) mac(b []byte) []byte {
	h := hmac.New(sha256.New, k[:])
	h.Write(b)
	return h.Sum(nil)[:macSize]
}

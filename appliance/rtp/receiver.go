package rtp

import "encoding/binary"

// Verdict is what unprotecting a packet showed.
type Verdict uint8

const (
	Good      Verdict = iota
	Forged            // the tag does not fit: a stranger, or other keys
	Replayed          // seen before, or too old
	Malformed         // no RTP, too short, or one source too many
)

// Receiver unprotects what one sender sends. It is for one goroutine.
type Receiver struct {
	context
	first inbound
	rest  []inbound
	count int
	heard bool // an RTP packet was good
	tries int8 // searches left for a rollover counter
}

// inbound is what came of one SSRC.
type inbound struct {
	ssrc      uint32
	rtp, rtcp window
}

// NewReceiver makes the context, with a room of its own.
func NewReceiver(k Keys) (*Receiver, error) { return NewRoom().Receiver(k) }

// Receiver makes a context that works in this room.
func (r *Room) Receiver(k Keys) (*Receiver, error) {
	c, err := r.context(k)
	if err != nil {
		return nil, err
	}
	return &Receiver{context: c, tries: maxTries}, nil
}

// What a search for a rollover counter may cost: an audio stream turns over
// every 22 minutes.
const (
	maxTurns = 64
	maxTries = 32
)

// Lost reports whether a packet that seems forged may be one of a source that
// was sending long before this context was made, as after a restart.
func (r *Receiver) Lost() bool { return !r.heard && r.tries > 0 }

// Recover unprotects, in place, a packet of a trusted address by searching for
// the rollover counter that its source has reached. p must not be spoilt.
func (r *Receiver) Recover(p []byte) ([]byte, Verdict) {
	head := Packet(p).headerLen()
	if !r.Lost() || head == 0 || !r.fits(p, head) {
		return nil, Forged
	}
	r.tries--
	try := make([]byte, len(p))
	for turn := uint64(1); turn <= maxTurns; turn++ {
		copy(try, p)
		if _, ok := r.open(try, head, turn<<16|uint64(Packet(p).Sequence())); ok {
			if src := r.admit(Packet(p).SSRC()); src != nil {
				src.rtp = window{top: turn << 16}
			}
			return r.Unprotect(p)
		}
	}
	return nil, Forged
}

// Unprotect checks and decrypts an SRTP packet in place. On any verdict but
// Good the packet's bytes are spoilt.
func (r *Receiver) Unprotect(p []byte) ([]byte, Verdict) {
	head := Packet(p).headerLen()
	if head == 0 || !r.fits(p, head) || cryptex(p) {
		return nil, Malformed
	}
	ssrc := Packet(p).SSRC()
	src := r.find(ssrc)
	if src == nil && r.count == maxSources {
		return nil, Malformed
	}
	index := uint64(Packet(p).Sequence())
	if src != nil {
		if index = src.rtp.guess(uint16(index)); src.rtp.had(index) {
			return nil, Replayed
		}
	}
	out, ok := r.open(p, head, index)
	if !ok {
		return nil, Forged
	}
	if src == nil {
		src = r.admit(ssrc)
	}
	src.rtp.note(index)
	r.heard = true
	return out, Good
}

// cryptex tells the packets whose header is encrypted too (RFC 9335), which
// was never agreed on.
func cryptex(p Packet) bool {
	if p[0]&0x10 == 0 {
		return false
	}
	kind := binary.BigEndian.Uint16(p[HeaderSize+4*int(p[0]&0x0f):])
	return kind == 0xC0DE || kind == 0xC2DE
}

// UnprotectRTCP checks and decrypts an SRTCP packet in place.
func (r *Receiver) UnprotectRTCP(p []byte) ([]byte, Verdict) {
	at, ok := r.trailer(p)
	if !ok || p[0]>>6 != 2 {
		return nil, Malformed
	}
	ssrc := binary.BigEndian.Uint32(p[4:])
	src := r.find(ssrc)
	if src == nil && r.count == maxSources {
		return nil, Malformed
	}
	index := uint64(binary.BigEndian.Uint32(p[at:]) &^ rtcpSealed)
	if src != nil && src.rtcp.had(index) {
		return nil, Replayed
	}
	out, ok := r.openRTCP(p, at)
	if !ok {
		return nil, Forged
	}
	if src == nil {
		src = r.admit(ssrc)
	}
	src.rtcp.note(index)
	return out, Good
}

// find is what came of a source; nil if nothing did that was good.
func (r *Receiver) find(ssrc uint32) *inbound {
	if r.count > 0 && r.first.ssrc == ssrc {
		return &r.first
	}
	for i := range r.rest {
		if r.rest[i].ssrc == ssrc {
			return &r.rest[i]
		}
	}
	return nil
}

// admit finds or files a source; nil if there are too many.
func (r *Receiver) admit(ssrc uint32) *inbound {
	if src := r.find(ssrc); src != nil || r.count == maxSources {
		return src
	}
	r.count++
	if r.count == 1 {
		r.first.ssrc = ssrc
		return &r.first
	}
	r.rest = append(r.rest, inbound{ssrc: ssrc})
	return &r.rest[len(r.rest)-1]
}

// Wipe forgets the keys. The receiver must not be used any more.
func (r *Receiver) Wipe() { r.wipe() }

package rtp

import (
	"encoding/binary"
	"errors"
)

// Why a packet is not protected.
var (
	ErrMalformed = errors.New("srtp: malformed packet")
	ErrDuplicate = errors.New("srtp: packet was sent before")
	ErrSources   = errors.New("srtp: too many sources")
	ErrSpent     = errors.New("srtp: the key has protected all that it may")
)

// Sender protects what goes to one receiver. It is for one goroutine. No
// sequence number of a source is ever protected twice, because a relayed
// source that begins anew under its old SSRC would otherwise have two
// packets encrypted with one keystream: it is renumbered to go on.
type Sender struct {
	context
	first source
	rest  []source
	count int
}

// source is what was sent of one SSRC.
type source struct {
	top     uint64 // highest index sent: rollover counter and sequence number
	seen    uint64 // bit n: top-n was sent
	ssrc    uint32
	reports uint32 // index of the last report
	offset  uint16 // added to what comes in
	behind  uint16 // the number that, coming next, proves a restart
	doubt   bool   // behind is set
	begun   bool
}

// What one key may protect (RFC 3711 9.2).
const (
	maxIndex   = 1<<48 - 1
	maxReports = 1<<31 - 1
)

// NewSender makes the context, with a room of its own.
func NewSender(k Keys) (*Sender, error) { return NewRoom().Sender(k) }

// Sender makes a context that works in this room.
func (r *Room) Sender(k Keys) (*Sender, error) {
	c, err := r.context(k)
	if err != nil {
		return nil, err
	}
	return &Sender{context: c}, nil
}

// Protect encrypts an RTP packet in place; p needs Overhead bytes of spare
// capacity to do so without allocating.
func (s *Sender) Protect(p []byte) ([]byte, error) {
	head := Packet(p).headerLen()
	if head == 0 || head > len(p) {
		return nil, ErrMalformed
	}
	src := s.source(Packet(p).SSRC())
	if src == nil {
		return nil, ErrSources
	}
	index, err := src.number(Packet(p).Sequence())
	if err != nil {
		return nil, err
	}
	Packet(p).SetSequence(uint16(index))
	return s.seal(p, head, index), nil
}

// ProtectRTCP encrypts an RTCP packet in place.
func (s *Sender) ProtectRTCP(p []byte) ([]byte, error) {
	if len(p) < rtcpHeader || p[0]>>6 != 2 {
		return nil, ErrMalformed
	}
	src := s.source(binary.BigEndian.Uint32(p[4:]))
	if src == nil {
		return nil, ErrSources
	}
	if src.reports == maxReports {
		return nil, ErrSpent
	}
	src.reports++
	return s.sealRTCP(p, src.reports)
}

// source finds or files a source; nil if there are too many.
func (s *Sender) source(ssrc uint32) *source {
	if s.count > 0 && s.first.ssrc == ssrc {
		return &s.first
	}
	for i := range s.rest {
		if s.rest[i].ssrc == ssrc {
			return &s.rest[i]
		}
	}
	if s.count == maxSources {
		return nil
	}
	s.count++
	if s.count == 1 {
		s.first.ssrc = ssrc
		return &s.first
	}
	s.rest = append(s.rest, source{ssrc: ssrc})
	return &s.rest[len(s.rest)-1]
}

// Wipe forgets the keys. The sender must not be used any more.
func (s *Sender) Wipe() { s.wipe() }

// number gives the index to send under; ErrDuplicate for a packet that was
// sent before or comes too late to know.
func (s *source) number(seq uint16) (uint64, error) {
	if !s.begun {
		s.begun, s.top, s.seen = true, uint64(seq), 1
		return s.top, nil
	}
	ahead := int16(seq + s.offset - uint16(s.top))
	switch {
	case ahead > 0:
		return s.advance(uint64(ahead))
	case ahead > -64 && uint64(-ahead) <= s.top:
		bit := uint64(1) << -ahead
		if s.seen&bit != 0 {
			return s.restart(seq)
		}
		s.seen |= bit
		return s.top - uint64(-ahead), nil
	}
	return s.restart(seq)
}

func (s *source) advance(step uint64) (uint64, error) {
	if s.top+step > maxIndex {
		return 0, ErrSpent
	}
	s.seen = s.seen<<step | 1
	s.top += step
	s.doubt = false
	return s.top, nil
}

// restart renumbers a source whose second packet in a row is behind.
func (s *source) restart(seq uint16) (uint64, error) {
	if !s.doubt || seq != s.behind {
		s.doubt, s.behind = true, seq+1
		return 0, ErrDuplicate
	}
	s.offset = uint16(s.top) + 1 - seq
	return s.advance(1)
}

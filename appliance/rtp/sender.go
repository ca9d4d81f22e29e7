package rtp

import (
	"encoding/binary"
	"errors"

	prtp "github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// Why a packet is not protected.
var (
	ErrMalformed = errors.New("srtp: malformed packet")
	ErrDuplicate = errors.New("srtp: packet was sent before")
	ErrSources   = errors.New("srtp: too many sources")
)

// Sender protects what goes to one receiver. It is for one goroutine. No
// sequence number of a source is ever protected twice, because a relayed
// source that begins anew under its old SSRC would otherwise have two
// packets encrypted with one keystream: it is renumbered to go on.
type Sender struct {
	ctx     *srtp.Context
	header  prtp.Header
	sources []source
}

// source is what was sent of one SSRC.
type source struct {
	ssrc   uint32
	begun  bool
	top    uint16 // highest sequence number sent
	offset uint16 // added to what comes in
	seen   uint64 // bit n: top-n was sent
	behind uint16 // the number that, coming next, proves a restart
	doubt  bool   // behind is set
}

// NewSender makes the context.
func NewSender(k Keys) (*Sender, error) {
	c, err := k.context()
	if err != nil {
		return nil, err
	}
	return &Sender{ctx: c}, nil
}

// Protect encrypts an RTP packet in place; p needs Overhead bytes of spare
// capacity to do so without allocating.
func (s *Sender) Protect(p []byte) ([]byte, error) {
	if !Packet(p).Valid() {
		return nil, ErrMalformed
	}
	src := s.source(Packet(p).SSRC())
	if src == nil {
		return nil, ErrSources
	}
	n, ok := src.number(Packet(p).Sequence())
	if !ok {
		return nil, ErrDuplicate
	}
	Packet(p).SetSequence(n)
	return s.ctx.EncryptRTP(p, p, &s.header)
}

// ProtectRTCP encrypts an RTCP packet in place.
func (s *Sender) ProtectRTCP(p []byte) ([]byte, error) {
	if len(p) < 8 {
		return nil, ErrMalformed
	}
	if s.source(binary.BigEndian.Uint32(p[4:])) == nil {
		return nil, ErrSources
	}
	return s.ctx.EncryptRTCP(p, p, nil)
}

func (s *Sender) source(ssrc uint32) *source {
	for i := range s.sources {
		if s.sources[i].ssrc == ssrc {
			return &s.sources[i]
		}
	}
	if len(s.sources) == maxSources {
		return nil
	}
	s.sources = append(s.sources, source{ssrc: ssrc})
	return &s.sources[len(s.sources)-1]
}

// number gives the sequence number to send under, or false for a packet that
// was sent before or comes too late to know.
func (s *source) number(seq uint16) (uint16, bool) {
	if !s.begun {
		s.begun, s.top = true, seq-1
	}
	n := seq + s.offset
	ahead := int16(n - s.top)
	switch {
	case ahead > 0:
		s.advance(n)
		return n, true
	case ahead > -64:
		bit := uint64(1) << -ahead
		if s.seen&bit != 0 {
			return s.restart(seq)
		}
		s.seen |= bit
		return n, true
	}
	return s.restart(seq)
}

func (s *source) advance(n uint16) {
	step := n - s.top
	s.seen = s.seen<<step | 1
	s.top, s.doubt = n, false
}

// restart renumbers a source whose second packet in a row is behind.
func (s *source) restart(seq uint16) (uint16, bool) {
	if !s.doubt || seq != s.behind {
		s.doubt, s.behind = true, seq+1
		return 0, false
	}
	n := s.top + 1
	s.offset = n - seq
	s.advance(n)
	return n, true
}

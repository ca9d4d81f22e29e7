package rtp

import (
	"encoding/binary"
	"errors"
	"slices"

	prtp "github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

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
	ctx     *srtp.Context
	header  prtp.Header
	sources []uint32
	heard   bool // an RTP packet was good
	tries   int  // searches left for a rollover counter
}

// NewReceiver makes the context.
func NewReceiver(k Keys) (*Receiver, error) {
	c, err := k.context()
	if err != nil {
		return nil, err
	}
	return &Receiver{ctx: c, tries: maxTries}, nil
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
func (r *Receiver) Recover(k Keys, p []byte) ([]byte, Verdict) {
	if !r.Lost() || !Packet(p).Valid() {
		return nil, Forged
	}
	r.tries--
	probe, err := k.context()
	if err != nil {
		return nil, Malformed
	}
	room := make([]byte, len(p))
	for turn := uint32(1); turn <= maxTurns; turn++ {
		probe.SetROC(Packet(p).SSRC(), turn)
		if _, err := probe.DecryptRTP(room, p, nil); err == nil {
			r.ctx.SetROC(Packet(p).SSRC(), turn)
			return r.Unprotect(p)
		}
	}
	return nil, Forged
}

// Unprotect checks and decrypts an SRTP packet in place. On any verdict but
// Good the packet's bytes are spoilt.
func (r *Receiver) Unprotect(p []byte) ([]byte, Verdict) {
	if !Packet(p).Valid() || !r.room(Packet(p).SSRC()) {
		return nil, Malformed
	}
	out, err := r.ctx.DecryptRTP(p, p, &r.header)
	if err != nil {
		return nil, verdict(err)
	}
	r.heard = true
	r.admit(Packet(out).SSRC())
	return out, Good
}

// UnprotectRTCP checks and decrypts an SRTCP packet in place.
func (r *Receiver) UnprotectRTCP(p []byte) ([]byte, Verdict) {
	if len(p) < 8 || !r.room(binary.BigEndian.Uint32(p[4:])) {
		return nil, Malformed
	}
	out, err := r.ctx.DecryptRTCP(p, p, nil)
	if err != nil {
		return nil, verdict(err)
	}
	r.admit(binary.BigEndian.Uint32(out[4:]))
	return out, Good
}

// room reports whether a packet of that source may make pion keep state.
func (r *Receiver) room(ssrc uint32) bool {
	return len(r.sources) < maxSources || slices.Contains(r.sources, ssrc)
}

func (r *Receiver) admit(ssrc uint32) {
	if !slices.Contains(r.sources, ssrc) {
		r.sources = append(r.sources, ssrc)
	}
}

// verdict reads pion's errors; the one for a replay is not exported.
func verdict(err error) Verdict {
	if errors.Is(err, srtp.ErrFailedToVerifyAuthTag) || errors.Is(err, srtp.ErrMKINotFound) {
		return Forged
	}
	if w := errors.Unwrap(err); w != nil && w.Error() == "duplicated packet" {
		return Replayed
	}
	return Malformed
}

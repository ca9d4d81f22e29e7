package lab

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/pion/rtp"
)

// MediaStats is what one end of a call measured on one media line.
type MediaStats struct {
	Sent         int
	Received     int           // distinct packets that could be decoded
	Lost         int           // gaps in the sequence, RFC 3550 A.3
	Duplicates   int           // sequence numbers seen before
	DecodeErrors int           // failed authentication, replay, or bad form
	Foreign      int           // neither RTP nor RTCP
	RTCP         int           // reports that could be decoded
	Jitter       time.Duration // RFC 3550 A.8
	Tone         Tone          // of the last half second
	Digits       string        // RFC 4733 events
	Sources      []netip.AddrPort
	LastPacket   time.Time
	LastSource   netip.AddrPort // of an RTP packet
	SendSuite    Suite          // "" is plain RTP
	RecvSuite    Suite
}

func (s MediaStats) String() string {
	return fmt.Sprintf("sent %d received %d lost %d jitter %.1fms tone %.0fHz(%.2f) errors %d", s.Sent, s.Received,
		s.Lost, float64(s.Jitter)/float64(time.Millisecond), s.Tone.Hz, s.Tone.Share, s.DecodeErrors)
}

// meter does the counting; its owner's lock guards it.
type meter struct {
	MediaStats
	begun     bool
	ssrc      uint32
	first     uint64 // extended sequence numbers
	highest   uint64
	seen      [1024]uint64 // extended sequence + 1, by its low bits
	unique    int          // of the present SSRC
	lostOld   int          // of SSRCs before
	transit   uint32
	jitter    float64
	sound     [4000]int16
	heard     int
	lastEvent uint32
}

const maxSources = 16

func (m *meter) source(from netip.AddrPort) {
	for _, s := range m.Sources {
		if s == from {
			return
		}
	}
	if len(m.Sources) < maxSources {
		m.Sources = append(m.Sources, from)
	}
}

func (m *meter) packet(p *rtp.Packet, now time.Time) {
	if !m.begun || p.SSRC != m.ssrc {
		m.begin(p)
	}
	ext := m.extend(p.SequenceNumber)
	if slot := &m.seen[ext%uint64(len(m.seen))]; *slot == ext+1 {
		m.Duplicates++
		return
	} else {
		*slot = ext + 1
	}
	m.highest = max(m.highest, ext)
	m.unique++
	m.Received++
	m.LastPacket = now
	m.spread(p.Timestamp, now)
	m.hear(p)
}

// begin starts counting a (new) SSRC.
func (m *meter) begin(p *rtp.Packet) {
	m.lostOld += m.lost()
	m.begun, m.ssrc, m.unique = true, p.SSRC, 0
	m.first = 1<<16 | uint64(p.SequenceNumber)
	m.highest = m.first
	clear(m.seen[:])
}

// extend finds the full number that is nearest to the highest so far.
func (m *meter) extend(seq uint16) uint64 {
	return m.highest + uint64(int64(int16(seq-uint16(m.highest))))
}

func (m *meter) lost() int {
	if !m.begun {
		return 0
	}
	return max(0, int(m.highest-m.first)+1-m.unique)
}

// spread is RFC 3550 A.8 in units of 1/8000 s.
func (m *meter) spread(ts uint32, now time.Time) {
	transit := uint32(now.UnixNano()/125000) - ts // both wrap alike
	if m.unique > 1 {
		d := float64(int32(transit - m.transit))
		m.jitter += (max(d, -d) - m.jitter) / 16
	}
	m.transit = transit
}

func (m *meter) hear(p *rtp.Packet) {
	switch {
	case p.PayloadType == ptMulaw:
		for _, b := range p.Payload {
			m.sound[m.heard%len(m.sound)] = decodeMulaw(b)
			m.heard++
		}
	case p.PayloadType == ptEvent && len(p.Payload) >= 4 && p.Payload[1]&0x80 != 0 && p.Timestamp != m.lastEvent:
		m.lastEvent = p.Timestamp
		if len(m.Digits) < maxFields && p.Payload[0] < 16 {
			m.Digits += string("0123456789*#ABCD"[p.Payload[0]])
		}
	}
}

func (m *meter) stats(send, recv Suite) MediaStats {
	s := m.MediaStats
	s.Sources = append([]netip.AddrPort(nil), m.Sources...)
	s.Lost = m.lostOld + m.lost()
	s.Jitter = time.Duration(m.jitter * 125000)
	s.Tone = m.tone()
	s.SendSuite, s.RecvSuite = send, recv
	return s
}

// tone listens to what is in the ring, in the order it came.
func (m *meter) tone() Tone {
	if m.heard < len(m.sound) {
		return DetectTone(m.sound[:m.heard], 8000)
	}
	at := m.heard % len(m.sound)
	return DetectTone(append(append([]int16(nil), m.sound[at:]...), m.sound[:at]...), 8000)
}

func randomUint32() uint32 {
	var b [4]byte
	rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint32(b[:])
}

package media

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/rtp"
)

// LegKey names where a leg's packets arrive, in a form that a kernel engine
// can use as a map key: the local address, and on edge's shared pair the
// channel.
type LegKey struct {
	Local   netip.AddrPort
	Channel uint32 // 0 on a socket of its own
}

// meter counts what arrives on and leaves by one leg. One worker writes each
// field; anyone reads.
type meter struct {
	rxPackets, rxBytes, txPackets, txBytes atomic.Uint64
	forged, replayed, malformed            atomic.Uint64
	strangers, limited, unsendable         atomic.Uint64
	rtcpRx, rtcpTx                         atomic.Uint64
	lastRx, lastTx                         atomic.Int64 // media, not RTCP
	lastRTCP                               atomic.Int64
	quality                                quality
	remote                                 remoteReport
}

func (m *meter) received(now int64, n int, kind rtp.Kind) {
	if kind == rtp.STUN { // an agent that asks whether a path works sends no media
		return
	}
	if kind == rtp.RTCP {
		m.rtcpRx.Add(1)
		m.lastRTCP.Store(now)
		return
	}
	m.rxPackets.Add(1)
	m.rxBytes.Add(uint64(n))
	m.lastRx.Store(now)
}

func (m *meter) sent(now int64, n int, kind rtp.Kind) {
	if kind == rtp.STUN {
		return
	}
	if kind == rtp.RTCP {
		m.rtcpTx.Add(1)
		return
	}
	m.txPackets.Add(1)
	m.txBytes.Add(uint64(n))
	m.lastTx.Store(now)
}

// note counts a packet in clear, and reads what it says of the stream.
func (m *meter) note(now int64, kind rtp.Kind, pkt []byte, rates []Rate) {
	m.received(now, len(pkt), kind)
	switch kind {
	case rtp.RTP:
		p := rtp.Packet(pkt)
		m.quality.packet(p, now, rateOf(rates, p.PayloadType()))
	case rtp.RTCP:
		rtp.Reports(pkt, func(r rtp.Report) { m.remote.note(r, now) })
	}
}

// bad counts a packet that SRTP did not let pass.
func (m *meter) bad(v rtp.Verdict) {
	switch v {
	case rtp.Forged:
		m.forged.Add(1)
	case rtp.Replayed:
		m.replayed.Add(1)
	case rtp.Malformed:
		m.malformed.Add(1)
	}
}

// quality is loss and jitter of one incoming stream by RFC 3550 A.3 and A.8.
// A new SSRC begins anew and keeps what was lost before.
type quality struct {
	mu      sync.Mutex // guards what is not atomic: after a rebinding the kernel may choose another worker
	begun   bool
	away    bool // its packets take another path: what does not come is not lost
	ssrc    uint32
	base    uint32
	highest uint32 // extended sequence number
	got     uint32
	past    int64 // lost of earlier sources
	transit int64
	jitter  float64 // in nanoseconds

	lost   atomic.Int64
	shown  atomic.Int64 // jitter, nanoseconds
	source atomic.Uint32
}

// packet notes an RTP packet that counts.
func (q *quality) packet(p rtp.Packet, now int64, rate uint32) {
	q.mu.Lock()
	defer q.mu.Unlock()
	seq := p.Sequence()
	if !q.begun || q.away || p.SSRC() != q.ssrc {
		q.begin(p.SSRC(), seq)
	}
	ahead := int16(seq - uint16(q.highest))
	if ahead < -maxReorder || ahead > maxJump {
		q.begin(p.SSRC(), seq) // the source began anew under its old name
		ahead = 0
	}
	if ahead > 0 {
		q.highest += uint32(ahead)
	}
	q.got++
	q.lost.Store(max(0, q.past+int64(q.highest-q.base+1)-int64(q.got)))
	q.vary(now, p.Timestamp(), rate)
}

// rest has the next packet begin anew.
func (q *quality) rest() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.away = true
}

const (
	maxReorder = 512
	maxJump    = 3000
)

func (q *quality) begin(ssrc uint32, seq uint16) {
	if q.begun {
		q.past = q.lost.Load()
	}
	q.begun, q.away, q.ssrc = true, false, ssrc
	q.base = 1<<16 | uint32(seq)
	q.highest, q.got, q.transit = q.base, 0, 0
	q.source.Store(ssrc)
}

// vary updates the jitter estimate.
func (q *quality) vary(now int64, stamp, rate uint32) {
	if rate == 0 {
		return
	}
	transit := now - int64(stamp)*int64(time.Second)/int64(rate)
	if q.transit != 0 {
		d := transit - q.transit
		if d < 0 {
			d = -d
		}
		if d < int64(5*time.Second) { // more is a jump of the media clock, not of the network
			q.jitter += (float64(d) - q.jitter) / 16
			q.shown.Store(int64(q.jitter))
		}
	}
	q.transit = transit
}

// remoteReport is what the far end last said about what it gets from us.
type remoteReport struct {
	lost     atomic.Int64
	fraction atomic.Uint32
	jitter   atomic.Uint32 // timestamp units
	at       atomic.Int64
}

func (r *remoteReport) note(rep rtp.Report, now int64) {
	r.lost.Store(int64(rep.Lost))
	r.fraction.Store(uint32(rep.Fraction))
	r.jitter.Store(rep.Jitter)
	r.at.Store(now)
}

// Rate is the media clock of a payload type.
type Rate struct {
	Payload uint8
	Hertz   uint32
}

// rateOf looks a payload type up in the list that the description gave.
func rateOf(rates []Rate, payload uint8) uint32 {
	for _, r := range rates {
		if r.Payload == payload {
			return r.Hertz
		}
	}
	switch payload {
	case 0, 3, 4, 5, 7, 8, 9, 12, 13, 15, 18:
		return 8000
	case 26, 31, 32, 33, 34:
		return 90000
	}
	return 0
}

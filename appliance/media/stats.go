package media

import (
	"net/netip"
	"time"
)

// LegStats is a reading of one leg.
type LegStats struct {
	Key       LegKey
	Remote    netip.AddrPort // where we send; zero if nowhere yet
	Latched   bool           // Remote was learned from packets and proven
	Moves     uint64         // how often a proof changed Remote
	Simple    bool           // packets pass unchanged, so a kernel engine could take the leg
	RxPackets uint64
	RxBytes   uint64
	TxPackets uint64
	TxBytes   uint64
	RxRTCP    uint64
	TxRTCP    uint64
	Lost      int64         // of what arrives
	Jitter    time.Duration // of what arrives
	SSRC      uint32        // of what arrives
	Forged    uint64        // SRTP authentication failed
	Replayed  uint64        // SRTP packets seen before
	Malformed uint64
	Strangers uint64    // from a source that may not send here
	Limited   uint64    // over the rate of a source that is not proven
	Unsent    uint64    // nowhere to send to, or the kernel refused
	LastRx    time.Time // zero = never
	LastTx    time.Time
	FarLost   int64         // what the far end says it lost of ours
	FarLoss   float64       // the share it lost lately
	FarJitter time.Duration // the jitter it sees
	FarAt     time.Time     // when it said so; zero = never
}

func (m *meter) read(l *LegStats, rate uint32) {
	l.RxPackets, l.RxBytes = m.rxPackets.Load(), m.rxBytes.Load()
	l.TxPackets, l.TxBytes = m.txPackets.Load(), m.txBytes.Load()
	l.RxRTCP, l.TxRTCP = m.rtcpRx.Load(), m.rtcpTx.Load()
	l.Lost = m.quality.lost.Load()
	l.Jitter = time.Duration(m.quality.shown.Load())
	l.SSRC = m.quality.source.Load()
	l.Forged, l.Replayed, l.Malformed = m.forged.Load(), m.replayed.Load(), m.malformed.Load()
	l.Strangers, l.Limited, l.Unsent = m.strangers.Load(), m.limited.Load(), m.unsendable.Load()
	l.LastRx, l.LastTx = stamp(m.lastRx.Load()), stamp(m.lastTx.Load())
	l.FarLost, l.FarAt = m.remote.lost.Load(), stamp(m.remote.at.Load())
	l.FarLoss = float64(m.remote.fraction.Load()) / 256
	if rate > 0 {
		l.FarJitter = time.Duration(m.remote.jitter.Load()) * time.Second / time.Duration(rate)
	}
}

// stamp is the zero time for never.
func stamp(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

// StreamStats is a reading of one m-line.
type StreamStats struct {
	Index   int
	Type    string // audio, video, …
	Client  LegStats
	UC      LegStats
	Linked  bool   // the link of this stream is proven
	Suite   string // SRTP suite towards the client; core only
	Inside  string // SRTP suite inside, or RTP; core only
	Cause   string // why media does not flow, empty if it does
	Between bool   // it is one between two inside systems: Client is the caller
	Agents  bool   // both ends have an ICE agent
	Direct  bool   // media goes between the ends, not by this node
}

// SessionStats is a reading of one call.
type SessionStats struct {
	ID      SessionID
	Label   string
	Trace   string
	Since   time.Time
	Relayed string // why the ends were not let find a direct path
	Streams []StreamStats
}

package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// leg is one media line of a call: its sockets, keys, sender and measurement.
type leg struct {
	kind string
	tone float64
	rtp  *net.UDPConn
	rtcp *net.UDPConn
	stop chan struct{}
	wg   sync.WaitGroup

	mu         sync.Mutex       // guards all below
	mine       map[Suite]crypto // our key per suite, fixed for the call
	started    bool
	closed     bool
	sending    bool
	muted      bool
	mux        bool
	to, toRTCP netip.AddrPort
	out, in    *srtp.Context
	outC, inC  crypto
	pt         uint8
	ssrc       uint32
	seq        uint16
	ts         uint32
	phase      float64
	copies     bool // it sends what another leg has, and no tone of its own
	nearCopy   *leg // sends what this one sends
	tapes      bool
	tape       []int16 // what was heard
	farCopy    *leg    // sends what this one hears
	mix        *mixer  // of a leg that sends both
	meter      meter
	agent      *agent // nil: no ICE
	searches   bool
	cut        func(netip.AddrPort) bool // addresses that nothing reaches or comes from
	heardLent  bool                      // the last packet came by a lent address
}

const packetTime = 20 * time.Millisecond

// newLeg opens an even/odd pair of UDP ports on a local address.
func newLeg(kind string, local netip.Addr, tone float64) (*leg, error) {
	for range 50 {
		l, err := tryLeg(kind, local, tone)
		if err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("lab: no media ports on %s", local)
}

func tryLeg(kind string, local netip.Addr, tone float64) (*leg, error) {
	a, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		return nil, err
	}
	port := addrPort(a.LocalAddr()).Port()
	b, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, port^1)))
	if err != nil {
		a.Close()
		return nil, err
	}
	if port&1 == 1 {
		a, b = b, a
	}
	l := &leg{kind: kind, tone: tone, rtp: a, rtcp: b, stop: make(chan struct{}), mine: map[Suite]crypto{}}
	l.ssrc, l.seq, l.pt = randomUint32(), uint16(randomUint32()), ptMulaw
	if kind == "video" {
		l.pt = ptVideo
	}
	return l, nil
}

func (l *leg) port() int { return int(l.addr().Port()) }

func (l *leg) addr() netip.AddrPort {
	l.mu.Lock()
	defer l.mu.Unlock()
	return addrPort(l.rtp.LocalAddr())
}

// connect points the leg at its far end and starts it once. The SRTP state of
// a direction is kept as long as its key stays the same.
func (l *leg) connect(far *mediaLine, mine, theirs crypto, sending bool) error {
	to, err := far.remote()
	if err != nil {
		return fmt.Errorf("lab: media address: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to, l.toRTCP, l.mux, l.sending = to, far.remoteRTCP(), far.mux, sending
	if err := l.rekeyLocked(mine, theirs, far.secure()); err != nil {
		return err
	}
	l.startLocked()
	return nil
}

func (l *leg) rekeyLocked(mine, theirs crypto, secure bool) (err error) {
	if !secure {
		l.out, l.in, l.outC, l.inC = nil, nil, crypto{}, crypto{}
		return nil
	}
	mine.tag, theirs.tag = 0, 0
	if l.outC != mine {
		if l.out, err = mine.context(); err != nil {
			return err
		}
		l.outC = mine
	}
	if l.inC != theirs {
		if l.in, err = theirs.context(); err != nil {
			return err
		}
		l.inC = theirs
	}
	return nil
}

func (l *leg) startLocked() {
	if l.started || l.closed {
		return
	}
	l.started = true
	l.wg.Go(l.send)
	l.wg.Go(func() { l.read(l.rtp) })
	l.wg.Go(func() { l.read(l.rtcp) })
}

// close ends the leg and waits for its goroutines.
func (l *leg) close() {
	l.mu.Lock()
	first := !l.closed
	l.closed = true
	l.mu.Unlock()
	if first {
		close(l.stop)
		l.sockets(func(c *net.UDPConn) { c.Close() })
		l.giveBack()
	}
	l.wg.Wait()
}

func (l *leg) sockets(f func(*net.UDPConn)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(l.rtp)
	f(l.rtcp)
}

// send paces packets, and a report every 25th.
func (l *leg) send() {
	tick := time.NewTicker(packetTime)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-l.stop:
			return
		case <-tick.C:
			l.sendPacket()
			if n%25 == 0 {
				l.sendReport()
			}
		}
	}
}

func (l *leg) sendPacket() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.copies {
		return
	}
	l.ts += 160
	if !l.sending || l.muted {
		return
	}
	l.seq++
	payload := l.payloadLocked()
	l.writeLocked(l.pt, payload, false)
	l.nearCopy.carryNear(payload)
}

func (l *leg) writeLocked(pt uint8, payload []byte, marker bool) {
	h := rtp.Header{Version: 2, PayloadType: pt, SequenceNumber: l.seq, Timestamp: l.ts, SSRC: l.ssrc, Marker: marker}
	raw, err := (&rtp.Packet{Header: h, Payload: payload}).Marshal()
	if err == nil && l.out != nil {
		raw, err = l.out.EncryptRTP(nil, raw, nil)
	}
	if err != nil {
		return
	}
	by, to := l.toLocked(1, l.to)
	if l.sendOnLocked(1, by, raw, to) == nil {
		l.meter.Sent++
	}
}

// payloadLocked is 20 ms of the tone, or a filler for video.
func (l *leg) payloadLocked() []byte {
	if l.kind != "audio" {
		return make([]byte, 900)
	}
	var samples [160]int16
	l.phase = sine(samples[:], l.tone, l.phase)
	b := make([]byte, len(samples))
	for i, x := range samples {
		b[i] = encodeMulaw(x)
	}
	return b
}

func (l *leg) sendReport() {
	l.mu.Lock()
	defer l.mu.Unlock()
	raw, err := (&rtcp.SenderReport{SSRC: l.ssrc, RTPTime: l.ts, PacketCount: uint32(l.meter.Sent)}).Marshal()
	if err == nil && l.out != nil {
		raw, err = l.out.EncryptRTCP(nil, raw, nil)
	}
	if err != nil {
		return
	}
	component := 2
	if l.mux {
		component = 1
	}
	by, to := l.toLocked(component, l.toRTCP)
	l.sendOnLocked(component, by, raw, to)
}

func (l *leg) read(c *net.UDPConn) {
	buf := make([]byte, 2048)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			l.take(l.component(c), nil, buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
		}
	}
}

// component is that of a socket of ours.
func (l *leg) component(c *net.UDPConn) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c == l.rtcp {
		return 2
	}
	return 1
}

// take measures one packet, RTP or RTCP by RFC 5761's rule, that came to our own
// socket or by a lent address.
func (l *leg) take(component int, by *lent, raw []byte, from netip.AddrPort) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if by == nil && l.cut != nil && l.cut(from) {
		return
	}
	if l.heardLocked(component, by, raw, from) {
		return
	}
	if len(raw) < 8 || raw[0]>>6 != 2 {
		l.meter.Foreign++
		return
	}
	l.meter.source(from)
	if raw[1] >= 192 && raw[1] <= 223 {
		l.takeRTCPLocked(raw)
		return
	}
	if l.in != nil {
		plain, err := l.in.DecryptRTP(nil, raw, nil)
		if err != nil {
			l.meter.DecodeErrors++
			return
		}
		raw = plain
	}
	var p rtp.Packet
	if p.Unmarshal(raw) != nil {
		l.meter.DecodeErrors++
		return
	}
	l.meter.packet(&p, now)
	l.meter.LastSource, l.heardLent = from, by != nil
	if p.PayloadType == ptMulaw {
		l.farCopy.carryFar(p.Payload)
		if l.tapes {
			l.record(p.Payload)
		}
	}
}

func (l *leg) takeRTCPLocked(raw []byte) {
	if l.in != nil {
		plain, err := l.in.DecryptRTCP(nil, raw, nil)
		if err != nil {
			l.meter.DecodeErrors++
			return
		}
		raw = plain
	}
	if _, err := rtcp.Unmarshal(raw); err != nil {
		l.meter.DecodeErrors++
		return
	}
	l.meter.RTCP++
}

// cryptos is our key for each suite, numbered as offered.
func (l *leg) cryptos(suites []Suite) []crypto {
	var all []crypto
	for i, s := range suites {
		all = append(all, l.crypto(i+1, s))
	}
	return all
}

// crypto is our key for a suite under the given tag.
func (l *leg) crypto(tag int, s Suite) crypto {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.mine[s]
	if !ok {
		c = newCrypto(tag, s)
		l.mine[s] = c
	}
	c.tag = tag
	return c
}

// rebind moves RTP to a new local port without telling anybody, as a NAT does
// that forgets its entry.
func (l *leg) rebind(local netip.Addr) error {
	fresh, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		return err
	}
	l.mu.Lock()
	old := l.rtp
	l.rtp = fresh
	l.wg.Go(func() { l.read(fresh) })
	l.mu.Unlock()
	return old.Close()
}

// mute stops or resumes sending without signalling.
func (l *leg) mute(on bool) {
	l.mu.Lock()
	l.muted = on
	l.mu.Unlock()
}

// event sends one RFC 4733 digit: three updates and three ends.
func (l *leg) event(digit byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ts++ // two within one tick are told apart by it (RFC 4733 2.3.5)
	for i := range 6 {
		end := byte(0)
		if i >= 3 {
			end = 0x80
		}
		l.seq++
		length := 160 * min(i+1, 4)
		l.writeLocked(ptEvent, []byte{digit, end | 10, byte(length >> 8), byte(length)}, i == 0)
	}
}

// stats is a copy of what was measured so far.
func (l *leg) stats() MediaStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.meter.stats(l.outC.suite, l.inC.suite)
}

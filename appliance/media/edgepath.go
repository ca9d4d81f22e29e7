package media

import (
	"net/netip"
	"time"

	"sallyport/appliance/rtp"
	"sallyport/appliance/stun"
)

// The packet path of edge. Nothing here allocates for a packet of a known
// source, and nothing looks into SRTP beyond the header that is in clear.

// receiveClient reads one datagram of a client leg. One is what there is: RTP
// brings a packet per stream and wake-up, and epoll tells if there are more.
func receiveClient(w *worker, k *socket) {
	buf := w.buffer()
	n, errno := receive(k.fd, buf[headroom:headroom+maxPacket], &w.from)
	if errno != 0 || n == 0 {
		w.giveBack()
		return
	}
	st := k.owner.(*EdgeStream)
	if n > maxPacket {
		st.client.malformed.Add(1)
		w.giveBack()
		return
	}
	if !st.fromClient(w, k, w.from.get(), buf[:headroom+n]) {
		w.giveBack()
	}
}

// fromClient sends a packet on to core. It reports whether b is kept until
// the next flush.
func (st *EdgeStream) fromClient(w *worker, k *socket, src netip.AddrPort, b []byte) bool {
	pkt := b[headroom:]
	kind := rtp.Demux(pkt)
	cand, flags, ok := st.source(k.comp, src, w.now)
	if !ok {
		return false
	}
	if kind == rtp.STUN && (st.answerSTUN(k, cand.to, pkt) || !st.want.Load().Agents) {
		return false
	}
	if kind == rtp.RTP && !rtp.Packet(pkt).Valid() {
		st.client.malformed.Add(1)
		return false
	}
	st.noteClient(w, pkt, kind, flags)
	core := st.core[k.comp].Load()
	if core == nil {
		st.uc.unsendable.Add(1)
		return false
	}
	out := w.linkOut(k.comp, core)
	if out == nil {
		st.uc.unsendable.Add(1)
		return false
	}
	frame{frameMedia, cand.tag, flags, st.Channel().ID}.put(b)
	out.put(b, core, &st.lane[k.comp])
	st.uc.sent(w.now, len(pkt), kind)
	return true
}

// source finds the candidate of a packet's source and whether it may pass.
func (st *EdgeStream) source(c component, src netip.AddrPort, now int64) (*candidate, byte, bool) {
	conf := st.latch[c].confirmed.Load()
	if conf != nil && conf.to.addr == src {
		if !st.flood[c].take(now, clientRate, clientRate) {
			st.client.limited.Add(1)
			return nil, 0, false
		}
		return conf, flagConfirmed, true
	}
	cand, ok := st.latch[c].admit(src, now)
	if !ok {
		if conf != nil {
			st.client.strangers.Add(1)
		} else {
			st.client.limited.Add(1)
		}
		return nil, 0, false
	}
	st.provisional(c, conf, cand)
	if cand.expected {
		return cand, flagExpected, true
	}
	return cand, 0, true
}

// provisional sends to the first source that speaks until core confirms one,
// from the host that the client signals from if that is known.
func (st *EdgeStream) provisional(c component, conf, cand *candidate) {
	w := st.want.Load()
	if conf == nil && !w.Held && (cand.expected || !w.Host.IsValid()) {
		st.dest[c].CompareAndSwap(nil, cand.to)
	}
}

// noteClient counts. Loss and jitter are those of the confirmed source.
func (st *EdgeStream) noteClient(w *worker, pkt []byte, kind rtp.Kind, flags byte) {
	st.client.received(w.now, len(pkt), kind)
	if kind == rtp.RTP && flags&flagConfirmed != 0 {
		p := rtp.Packet(pkt)
		st.client.quality.packet(p, w.now, rateOf(st.want.Load().Rates, p.PayloadType()))
	}
}

// answerSTUN tells a source its own address; the rate is the candidate's. What
// one ICE agent asks the other (RFC 8445 7.2) is not for us to answer: then it
// reports false.
func (st *EdgeStream) answerSTUN(k *socket, to *endpoint, req []byte) bool {
	b, err := stun.AnswerTo(req, to.addr)
	if err == nil {
		send(k.fd, b, to)
	}
	return err == nil
}

// fromCore sends a packet on to the client, if the frame's 5-tuple is proven.
func (st *EdgeStream) fromCore(w *worker, c component, src netip.AddrPort, pkt []byte) {
	core := st.core[c].Load()
	if core == nil || core.addr != src || len(pkt) == 0 {
		st.uc.strangers.Add(1)
		return
	}
	kind := rtp.Demux(pkt)
	st.uc.received(w.now, len(pkt), kind)
	if kind == rtp.RTP && rtp.Packet(pkt).Valid() {
		p := rtp.Packet(pkt)
		st.uc.quality.packet(p, w.now, rateOf(st.want.Load().Rates, p.PayloadType()))
	}
	to := st.dest[c].Load()
	if to == nil {
		st.client.unsendable.Add(1)
		return
	}
	if send(st.leg.pair[c].fd, pkt, to) != 0 {
		st.client.unsendable.Add(1)
		return
	}
	st.client.sent(w.now, len(pkt), kind)
}

// probed takes core's proof of a 5-tuple and acknowledges it. The sequence
// only grows, so that a captured probe moves nothing.
func (st *EdgeStream) probed(w *worker, k *socket, src netip.AddrPort, f frame, b []byte) {
	ch := st.Channel()
	seq, ok := openControl(b, ch.key)
	if !ok || !grow(&st.probes[k.comp], seq) {
		st.uc.forged.Add(1)
		return
	}
	core := st.core[k.comp].Load()
	if core == nil || core.addr != src {
		core = newEndpoint(src)
		st.core[k.comp].Store(core)
	}
	st.proved[k.comp].Store(w.now)
	send(k.fd, frame{kind: frameAck, channel: ch.ID}.control(ch.key, seq), core)
}

// confirmed takes core's word for which source is the client.
func (st *EdgeStream) confirmed(c component, src netip.AddrPort, f frame, b []byte) {
	core := st.core[c].Load()
	seq, ok := openControl(b, st.Channel().key)
	if !ok || core != nil && core.addr != src {
		st.uc.forged.Add(1)
		return
	}
	cand := st.latch[c].confirm(f.tag, seq)
	if cand == nil {
		return
	}
	if c == compRTP {
		st.moves.Add(1)
	}
	if !st.want.Load().Held {
		st.dest[c].Store(cand.to)
	}
}

// clientRate bounds a proven client, in packets per second: high-definition
// video stays below a thousand.
const clientRate = 4000

// How long edge trusts what it was told.
const (
	proofLife = int64(35 * time.Second) // three probes missed: core is gone, or its NAT gave the port away
	blindLife = int64(30 * time.Second) // sending to an address of another host than the client's, unproven
	blindEase = 20                      // of the time that it is not, a part is given back: the client may move again
)

// tick lets old proofs lapse and reports silence; probing is core's.
func (st *EdgeStream) tick(w *worker) {
	for c := range st.core {
		if st.core[c].Load() != nil && w.now-st.proved[c].Load() > proofLife {
			st.core[c].Store(nil)
		}
	}
	st.age(w.now)
	st.sess.watch(w, st.index, st, &st.alert)
}

// age counts how long the stream has gone to where no packet ever proved that
// the client is: a signalled address may be a victim's. However often a
// description names one, and whatever the client proves in between, there is a
// bound to that; then the proven address is sent to, or none.
func (st *EdgeStream) age(now int64) {
	passed := now - st.aged
	if st.aged == 0 {
		passed = 0
	}
	st.aged = now
	blind := false
	for c := range st.dest {
		blind = blind || st.unproven(component(c)) != nil
	}
	if !blind {
		st.blind.Store(max(0, st.blind.Load()-passed/blindEase))
		return
	}
	if st.blind.Add(passed) < blindLife {
		return
	}
	for c := range st.dest {
		if to := st.unproven(component(c)); to != nil {
			st.dest[c].CompareAndSwap(to, st.proven(component(c)))
		}
	}
}

// unproven is where a half is sent, if that is neither the confirmed source nor
// the host that the client signals from.
func (st *EdgeStream) unproven(c component) *endpoint {
	to := st.dest[c].Load()
	if p := st.proven(c); to == nil || p != nil && p.addr == to.addr || to.addr.Addr() == st.want.Load().Host {
		return nil
	}
	return to
}

// proven is the confirmed source, nil if there is none.
func (st *EdgeStream) proven(c component) *endpoint {
	if conf := st.latch[c].confirmed.Load(); conf != nil {
		return conf.to
	}
	return nil
}

package media

import (
	"net/netip"
	"time"

	"sallyport/appliance/rtp"
)

// The packet path of core. Everything runs on the stream's worker, which
// alone uses its SRTP contexts.

// fromLink takes one frame of the stream's channel from edge.
func (st *CoreStream) fromLink(w *worker, c component, f frame, b []byte) {
	switch f.kind {
	case frameMedia:
		st.fromEdge(w, c, f, b[frameHeader:])
	case frameAck:
		if seq, ok := openControl(b, st.Channel().key); !ok || !st.prove[c].ack(w.now, seq) {
			st.client.forged.Add(1)
		}
	}
}

// fromEdge opens a client's packet, tells edge if its source is the client's,
// and sends it inside.
func (st *CoreStream) fromEdge(w *worker, c component, f frame, pkt []byte) {
	kind := rtp.Demux(pkt)
	if !st.ready() {
		st.client.limited.Add(1) // early: the client's keys are not known yet
		return
	}
	out, verdict := st.unseal(w, kind, pkt, f.flags&flagConfirmed != 0)
	if f.flags&flagConfirmed != 0 && (verdict == rtp.Good || verdict == rtp.Replayed) {
		st.learned[c].alive, st.learned[c].again = w.now, 0
	}
	if verdict != rtp.Good {
		st.client.bad(verdict)
		return
	}
	if !st.learn(w, c, kind, f, out) && st.want.Load().EndToEnd != "" {
		st.client.strangers.Add(1) // the far end would find out; but it need not be asked
		return
	}
	st.note(w, &st.client, kind, out)
	if f := st.fork.Load(); f != nil {
		f.fromClient(kind, out)
	}
	st.toInside(w, c, kind, out)
}

// ready reports whether the client's packets can be judged.
func (st *CoreStream) ready() bool {
	w := st.want.Load()
	return w.Opaque || st.crypto.Load().fromClient != nil
}

// unseal unprotects one packet by the client's keys, or by the earlier ones
// for a while after they changed.
func (st *CoreStream) unseal(w *worker, kind rtp.Kind, pkt []byte, confirmed bool) ([]byte, rtp.Verdict) {
	want, cs := st.want.Load(), st.crypto.Load()
	switch {
	case want.Opaque:
		return pkt, rtp.Good
	case kind != rtp.RTP && kind != rtp.RTCP || len(pkt) < 8:
		return nil, rtp.Malformed
	case cs.fromClient == nil:
		return plain(kind, pkt) // fall-back was agreed, see ready
	}
	if confirmed && kind == rtp.RTP && cs.fromClient.Lost() {
		return st.recover(w, cs, pkt)
	}
	if cs.before == nil || w.now > cs.until {
		return unprotect(cs.fromClient, kind, pkt)
	}
	saved := w.scratch[:copy(w.scratch[:], pkt)]
	out, verdict := unprotect(cs.fromClient, kind, pkt)
	if verdict != rtp.Forged {
		return out, verdict
	}
	return unprotect(cs.before, kind, pkt[:copy(pkt, saved)])
}

// recover opens the first packet of a source that edge has confirmed before:
// this core may have lost a call that is older than a turn of the sequence.
func (st *CoreStream) recover(w *worker, cs *contexts, pkt []byte) ([]byte, rtp.Verdict) {
	saved := w.scratch[:copy(w.scratch[:], pkt)]
	out, verdict := cs.fromClient.Unprotect(pkt)
	if verdict != rtp.Forged {
		return out, verdict
	}
	return cs.fromClient.Recover(pkt[:copy(pkt, saved)])
}

func unprotect(r *rtp.Receiver, kind rtp.Kind, pkt []byte) ([]byte, rtp.Verdict) {
	if kind == rtp.RTCP {
		return r.UnprotectRTCP(pkt)
	}
	return r.Unprotect(pkt)
}

func plain(kind rtp.Kind, pkt []byte) ([]byte, rtp.Verdict) {
	if kind == rtp.RTP && !rtp.Packet(pkt).Valid() {
		return nil, rtp.Malformed
	}
	return pkt, rtp.Good
}

// learn confirms the source of a good packet if edge sends elsewhere and the
// source it sends to has fallen silent. A packet that somebody copied and
// sent faster is good too, but its owner is alive then. A source that was told
// of counts as alive from its own packets on, before edge flags them. It reports
// whether the packet is one of the source that edge sends to, or is to send to.
func (st *CoreStream) learn(w *worker, c component, kind rtp.Kind, f frame, pkt []byte) bool {
	l := &st.learned[c]
	told := f.tag == l.tag
	switch {
	case f.flags&flagConfirmed != 0:
		return true
	case f.tag == noSlot:
		return false
	case !told && l.alive != 0 && w.now-l.alive < int64(moveSilence):
		return false
	case told && w.now-l.told < int64(confirmEvery):
		l.alive = w.now
		return true
	case st.crypto.Load().fromClient == nil && !st.proves(w, kind, f, pkt):
		return told
	}
	l.alive, l.tag, l.again = w.now, f.tag, confirmTimes
	st.confirm(w, c)
	return true
}

// confirm tells edge which slot is the client's. It is repeated until a
// packet shows that edge heard it.
func (st *CoreStream) confirm(w *worker, c component) {
	l := &st.learned[c]
	l.told = w.now
	l.again--
	st.control(w, c, frame{kind: frameConfirm, tag: l.tag, channel: st.Channel().ID})
}

// control sends an authenticated frame to edge on the half's own 5-tuple.
func (st *CoreStream) control(w *worker, c component, f frame) uint64 {
	seq := st.prove[c].next(w.now)
	send(st.link.leg.pair[c].fd, f.control(st.Channel().key, seq), st.edge[c])
	return seq
}

// note counts a packet in clear.
func (st *CoreStream) note(w *worker, m *meter, kind rtp.Kind, pkt []byte) {
	want := st.want.Load()
	if want.EndToEnd != "" && kind == rtp.RTCP { // encrypted
		m.received(w.now, len(pkt), kind)
		return
	}
	m.note(w.now, kind, pkt, want.Rates)
}

// toInside sends a packet in clear on to the inside, by its keys if it has some.
func (st *CoreStream) toInside(w *worker, c component, kind rtp.Kind, pkt []byte) {
	c = half(c, kind, st.want.Load().InsideMuxed)
	to := st.dest[c].Load()
	if to == nil {
		st.uc.unsendable.Add(1)
		return
	}
	pkt, ok := st.sealInside(w, kind, pkt)
	if !ok || send(st.inside.pair[c].fd, pkt, to) != 0 {
		st.uc.unsendable.Add(1)
		return
	}
	st.uc.sent(w.now, len(pkt), kind)
}

// sealInside protects a packet for the inside, if that has keys. It grows, so
// it leaves the train that it came in.
func (st *CoreStream) sealInside(w *worker, kind rtp.Kind, pkt []byte) ([]byte, bool) {
	to := st.crypto.Load().toInside
	if to == nil {
		return pkt, true
	}
	return seal(to, kind, w.scratch[:copy(w.scratch[:maxPacket], pkt)])
}

// half is the component that a packet goes by: questions of an ICE agent are
// about the one that they came by.
func half(came component, kind rtp.Kind, muxed bool) component {
	switch {
	case muxed:
		return compRTP
	case kind == rtp.STUN:
		return came
	case kind == rtp.RTCP:
		return compRTCP
	}
	return compRTP
}

// seal protects a packet; without a context it passes in clear.
func seal(s *rtp.Sender, kind rtp.Kind, pkt []byte) ([]byte, bool) {
	if s == nil || kind != rtp.RTP && kind != rtp.RTCP {
		return pkt, s == nil
	}
	var err error
	if kind == rtp.RTCP {
		pkt, err = s.ProtectRTCP(pkt)
	} else {
		pkt, err = s.Protect(pkt)
	}
	return pkt, err == nil
}

// receiveInside reads one packet of an inside leg.
func receiveInside(w *worker, k *socket) {
	buf := w.buffer()
	n, errno := receive(k.fd, buf[headroom:headroom+maxPacket], &w.from)
	if errno != 0 || n == 0 {
		w.giveBack()
		return
	}
	st := k.owner.(*CoreStream)
	if n > maxPacket {
		st.uc.malformed.Add(1)
		w.giveBack()
		return
	}
	if !st.fromInside(w, k.comp, w.from.get(), buf, n) {
		w.giveBack()
	}
}

// fromInside protects a packet for the client and frames it for edge. buf
// has headroom in front of the n bytes of the packet. It reports whether buf
// is kept until the next flush.
func (st *CoreStream) fromInside(w *worker, c component, src netip.AddrPort, buf []byte, n int) bool {
	if !st.admit(w, c, src) {
		st.uc.strangers.Add(1)
		return false
	}
	pkt := buf[headroom : headroom+n]
	kind := rtp.Demux(pkt)
	pkt, verdict := st.openInside(kind, pkt)
	if verdict != rtp.Good {
		st.uc.bad(verdict)
		return false
	}
	st.note(w, &st.uc, kind, pkt)
	if f := st.fork.Load(); f != nil {
		f.fromInside(kind, pkt)
	}
	return st.toEdge(w, c, kind, buf, pkt)
}

func (st *CoreStream) openInside(kind rtp.Kind, pkt []byte) ([]byte, rtp.Verdict) {
	cs := st.crypto.Load()
	switch {
	case st.want.Load().Opaque:
		return pkt, rtp.Good
	case kind != rtp.RTP && kind != rtp.RTCP || len(pkt) < 8:
		return nil, rtp.Malformed
	case cs.fromInside != nil:
		return unprotect(cs.fromInside, kind, pkt)
	}
	return plain(kind, pkt)
}

// toEdge seals and frames a packet that begins at buf[headroom].
func (st *CoreStream) toEdge(w *worker, c component, kind rtp.Kind, buf, pkt []byte) bool {
	want, cs := st.want.Load(), st.crypto.Load()
	c = half(c, kind, want.OutsideMuxed)
	if cs.toClient == nil && !want.Opaque || !st.prove[c].proven.Load() {
		st.client.unsendable.Add(1)
		return false
	}
	out, ok := pkt, true
	if !want.Opaque {
		out, ok = seal(cs.toClient, kind, pkt)
	}
	if !ok {
		st.client.unsendable.Add(1)
		return false
	}
	frame{kind: frameMedia, channel: st.Channel().ID}.put(buf)
	st.link.leg.pair[c].out.put(buf[:headroom+len(out)], st.edge[c], &st.lane[c])
	st.client.sent(w.now, len(out), kind)
	return true
}

// admit lets in what comes from the signalled host, and follows its port:
// the signalled one if it speaks, else the one that does.
func (st *CoreStream) admit(w *worker, c component, src netip.AddrPort) bool {
	told := st.want.Load().Inside[c]
	if !told.IsValid() || src.Addr() != told.Addr() {
		if odd := st.odd.Load(); odd == nil || *odd != src {
			st.odd.Store(&src)
		}
		return false
	}
	to := st.dest[c].Load()
	switch {
	case to == nil:
		return true // held: heard, but nothing goes back
	case to.addr == src:
		st.heard[c] = w.now
	case src == told || w.now-st.heard[c] > int64(insideHold):
		st.dest[c].Store(newEndpoint(src))
		st.heard[c] = w.now
	}
	return true
}

// tick proves the link leg and watches for silence.
func (st *CoreStream) tick(w *worker) {
	idle := time.Duration(w.now - max(st.client.lastRx.Load(), st.client.lastRTCP.Load()))
	for c := range st.prove {
		if st.prove[c].due(w.now, idle) {
			seq := st.control(w, component(c), frame{kind: frameProbe, channel: st.Channel().ID})
			st.prove[c].sent(w.now, seq)
		}
		if st.learned[c].again > 0 {
			st.confirm(w, component(c))
		}
	}
	st.sess.watch(w, st.index, st, &st.alert)
}

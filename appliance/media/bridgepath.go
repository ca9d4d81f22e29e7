package media

import (
	"fmt"
	"net/netip"

	"sallyport/appliance/rtp"
)

// receiveBridge reads one packet of one side and sends it on to the other, with
// the one's keys taken off and the other's put on.
func receiveBridge(w *worker, k *socket) {
	n, errno := receive(k.fd, w.scratch[:maxPacket], &w.from)
	if errno != 0 || n == 0 {
		return
	}
	ear := k.owner.(*bridgeEar)
	if n > maxPacket {
		ear.st.meter[ear.side].malformed.Add(1)
		return
	}
	ear.st.pass(w, ear.side, k.comp, w.from.get(), w.scratch[:n])
}

func (st *BridgeStream) pass(w *worker, side Side, c component, src netip.AddrPort, pkt []byte) {
	m := &st.meter[side]
	if !st.admit(w, side, c, src) {
		m.strangers.Add(1)
		return
	}
	kind := rtp.Demux(pkt)
	pkt, verdict := st.open(side, kind, pkt)
	if verdict != rtp.Good {
		m.bad(verdict)
		return
	}
	want := st.want.Load()
	m.note(w.now, kind, pkt, want.Rates)
	far := side.Other()
	c = half(c, kind, want.Ends[far].Muxed)
	to := st.dest[far][c].Load()
	ok := to != nil
	if ok && !want.Opaque {
		pkt, ok = seal(st.crypto.Load()[far].to, kind, pkt)
	}
	if !ok || send(st.legs[far].pair[c].fd, pkt, to) != 0 {
		st.meter[far].unsendable.Add(1)
		return
	}
	st.meter[far].sent(w.now, len(pkt), kind)
}

func (st *BridgeStream) open(side Side, kind rtp.Kind, pkt []byte) ([]byte, rtp.Verdict) {
	keys := st.crypto.Load()[side].from
	switch {
	case st.want.Load().Opaque:
		return pkt, rtp.Good
	case kind != rtp.RTP && kind != rtp.RTCP || len(pkt) < 8:
		return nil, rtp.Malformed
	case keys != nil:
		return unprotect(keys, kind, pkt)
	}
	return plain(kind, pkt)
}

// admit lets in what comes from the host that a side named, and follows its port.
func (st *BridgeStream) admit(w *worker, side Side, c component, src netip.AddrPort) bool {
	told := st.want.Load().Ends[side].At[c]
	if !told.IsValid() || src.Addr() != told.Addr() {
		return false
	}
	to, heard := st.dest[side][c].Load(), &st.heard[side][c]
	switch {
	case to == nil: // held: heard, but nothing goes back
	case to.addr == src:
		*heard = w.now
	case src == told || w.now-*heard > int64(insideHold):
		st.dest[side][c].Store(newEndpoint(src))
		*heard = w.now
	}
	return true
}

// Stats reads the stream.
func (st *BridgeStream) Stats() StreamStats {
	w := st.want.Load()
	out := StreamStats{Index: st.index, Type: w.Type, Linked: true, Between: true,
		Suite: suiteOf(w.Ends[ClientSide].From), Inside: suiteOf(w.Ends[UCSide].From)}
	for side, l := range []*LegStats{&out.Client, &out.UC} {
		*l = LegStats{Key: st.legs[side].key, Simple: w.Opaque}
		if d := st.dest[side][compRTP].Load(); d != nil {
			l.Remote = d.addr
		}
		st.meter[side].read(l, firstRate(w.Rates))
	}
	now := st.sess.relay.clock().UnixNano()
	for side, l := range []LegStats{out.Client, out.UC} {
		if out.Cause == "" && st.alert.silent(Side(side), &st.meter[side], now) > flowing {
			out.Cause = bridgeCause(Side(side), l, w.Ends[side].At[compRTP])
		}
	}
	return out
}

func suiteOf(k rtp.Keys) string {
	if !k.Set() {
		return "RTP"
	}
	return k.Suite
}

func bridgeCause(side Side, l LegStats, told netip.AddrPort) string {
	who := [...]string{ClientSide: "the caller's side", UCSide: "the called side"}[side]
	switch {
	case l.Forged > 0:
		return "packets of " + who + " fail SRTP authentication: it uses other keys than it signalled"
	case l.Strangers > 0 && l.RxPackets == 0:
		return fmt.Sprintf("%s signals %s but sends from elsewhere", who, told)
	case l.RxPackets == 0:
		return fmt.Sprintf("no packet of %s (%s) ever came to %s", who, told, l.Key.Local)
	}
	return fmt.Sprintf("%s (%s) has fallen silent", who, told)
}

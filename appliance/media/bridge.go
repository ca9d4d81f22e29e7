package media

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"sallyport/appliance/rtp"
)

// BridgeStream is one m-line between two inside systems that do not agree on
// encryption: a pair of ports for each, and the SRTP of whichever wants it. The
// caller is its client side.
type BridgeStream struct {
	sess  *Session
	index int
	work  *worker
	legs  [2]*leg

	want   atomic.Pointer[BridgeWant]
	crypto atomic.Pointer[[2]bridgeKeys]
	dest   [2][2]atomic.Pointer[endpoint] // by side and component
	meter  [2]meter
	alert  alert

	heard [2][2]int64 // when the destination last spoke; the worker's own

	mu     sync.Mutex // guards what follows
	made   made
	closed bool
}

// BridgeWant is what the descriptions say about a stream between two systems.
type BridgeWant struct {
	Type   string
	Ends   [2]BridgeEnd
	Opaque bool // no RTP: packets pass as they are
	Rates  []Rate
}

// BridgeEnd is one side's part.
type BridgeEnd struct {
	At       [2]netip.AddrPort // where it says it receives RTP and RTCP; zero = not said
	Muxed    bool
	Held     bool     // it wants nothing sent (c=0.0.0.0)
	Sends    bool     // it should send
	From, To rtp.Keys // its SRTP; unset = RTP
}

type bridgeKeys struct {
	from *rtp.Receiver
	to   *rtp.Sender
}

// bridgeEar is what a socket of a stream belongs to.
type bridgeEar struct {
	st   *BridgeStream
	side Side
}

// OpenBridge binds a pair of ports for each side of m-line index, of the family
// that the side uses.
func (s *Session) OpenBridge(index int, v6 [2]bool) (*BridgeStream, error) {
	st := &BridgeStream{sess: s, index: index, work: s.work, made: made{room: s.work.room}}
	st.want.Store(&BridgeWant{})
	st.crypto.Store(&[2]bridgeKeys{})
	inner := s.relay.Plan().Inner
	var err error
	for side := range st.legs {
		if st.legs[side], err = s.relay.openLeg(inner.Pick(v6[side])); err != nil {
			st.closeLegs()
			return nil, err
		}
		for _, k := range st.legs[side].pair {
			k.owner, k.recv = &bridgeEar{st, Side(side)}, receiveBridge
		}
	}
	if err = s.put(index, st); err != nil {
		st.closeLegs()
		return nil, err
	}
	st.work.add(st, st.sockets()...)
	return st, nil
}

func (st *BridgeStream) closeLegs() {
	for _, l := range st.legs {
		if l != nil {
			l.close()
		}
	}
}

func (st *BridgeStream) sockets() []*socket {
	return slices.Concat(st.legs[ClientSide].pair[:], st.legs[UCSide].pair[:])
}

// Local is where a side is told to send RTP and RTCP.
func (st *BridgeStream) Local(side Side) (rtp, rtcp netip.AddrPort) {
	return st.legs[side].pair[compRTP].local, st.legs[side].pair[compRTCP].local
}

// V6 reports whether the caller's leg is of IPv6.
func (st *BridgeStream) V6() bool { return st.legs[ClientSide].local().Addr().Is6() }

// Set makes what the descriptions say real. Contexts whose keys stay go on with
// their counters.
func (st *BridgeStream) Set(w BridgeWant) error {
	w.Rates = slices.Clone(w.Rates)
	st.mu.Lock()
	defer st.mu.Unlock()
	var next [2]bridgeKeys
	var err error
	for side, e := range w.Ends {
		if next[side].from, err = st.made.receiver(e.From); err != nil {
			return err
		}
		if next[side].to, err = st.made.sender(e.To); err != nil {
			return err
		}
	}
	st.crypto.Store(&next)
	old := st.want.Swap(&w)
	if old.Type != w.Type {
		st.remark()
	}
	st.alert.expect(st.sess.relay.clock().UnixNano(), w.Ends[ClientSide].Sends, w.Ends[UCSide].Sends)
	for side := range w.Ends {
		for c := range w.Ends[side].At {
			st.aim(Side(side), component(c), old, &w)
		}
	}
	return nil
}

// aim points a destination to a newly told address; while the address stays,
// what was learned of it stays too.
func (st *BridgeStream) aim(side Side, c component, old, w *BridgeWant) {
	to := w.Ends[side].At[c]
	switch {
	case w.Ends[side].Held || !to.IsValid() || to.Port() == 0 || to.Addr().IsUnspecified():
		st.dest[side][c].Store(nil)
	case to != old.Ends[side].At[c] || st.dest[side][c].Load() == nil:
		st.dest[side][c].Store(newEndpoint(to))
	}
}

// Close takes the stream down; its ports rest and its keys are forgotten.
func (st *BridgeStream) Close() {
	st.mu.Lock()
	was := st.closed
	st.closed = true
	st.mu.Unlock()
	if was {
		return
	}
	st.sess.forget(st.index, st)
	st.work.drop(st, st.sockets()...)
	st.work.do(st.wipe)
	st.closeLegs()
}

func (st *BridgeStream) wipe() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.crypto.Store(&[2]bridgeKeys{})
	st.made.wipe()
}

func (st *BridgeStream) meters() (client, uc *meter) {
	return &st.meter[ClientSide], &st.meter[UCSide]
}
func (st *BridgeStream) alerts() *alert { return &st.alert }
func (st *BridgeStream) tick(w *worker) { st.sess.watch(w, st.index, st, &st.alert) }

package media

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/rtp"
)

// CoreStream is one m-line at core: a channel on its worker's link to edge, a
// pair of ports for the inside, and the SRTP contexts between.
type CoreStream struct {
	sess   *Session
	index  int
	work   *worker
	link   *coreLink
	edge   [2]*endpoint // edge's link pair
	inside *leg

	want   atomic.Pointer[CoreWant]
	chanID atomic.Pointer[Channel]
	crypto atomic.Pointer[contexts]
	window atomic.Int64                // until when a stream without keys may learn its source
	dest   [2]atomic.Pointer[endpoint] // where inside packets go
	odd    atomic.Pointer[netip.AddrPort]
	fork   atomic.Pointer[Fork] // copies what is said; nil: nobody records

	client meter // frames of and to edge
	uc     meter // packets of and to the inside
	alert  alert

	// The worker's own.
	prove   [2]prover
	learned [2]learned
	lane    [2]lane
	heard   [2]int64 // when the inside destination last spoke

	mu     sync.Mutex // guards what follows
	made   made
	closed bool
}

// learned is what core knows of edge's confirmed source of one half.
type learned struct {
	alive int64 // when a packet of the source that edge should send to last came
	told  int64 // when the last confirmation went out
	tag   slotTag
	again int // how often it is still repeated, because the client may fall mute again
}

// CoreWant is what the descriptions say about a stream at core.
type CoreWant struct {
	Type         string
	Inside       [2]netip.AddrPort // where the inside says it receives RTP and RTCP; zero = not said
	InsideMuxed  bool
	OutsideMuxed bool
	Held         bool   // the inside wants nothing sent (c=0.0.0.0)
	Sends        bool   // the client should send
	Receives     bool   // the inside should send
	Opaque       bool   // no RTP: packets pass as they are
	EndToEnd     string // the suite of SRTP that both ends have each other's keys of; packets pass as they are
	Check        Check  // how the client's ICE agent asks the far end's; zero: they have none
	Rates        []Rate

	FromClient, ToClient rtp.Keys // SRTP towards the client; unset = not known yet
	FromInside, ToInside rtp.Keys // SRTP inside; unset = RTP
}

// contexts is what the packet path uses. Only the worker calls them.
type contexts struct {
	fromClient *rtp.Receiver
	before     *rtp.Receiver // the client's earlier keys, for packets under way
	until      int64         // how long before may be used
	toClient   *rtp.Sender
	fromInside *rtp.Receiver
	toInside   *rtp.Sender
}

const (
	keysOverlap  = 5 * time.Second
	learnWindow  = 10 * time.Second
	moveSilence  = 250 * time.Millisecond // a source that lives is not replaced: a copied packet proves nothing
	confirmEvery = 20 * time.Millisecond
	confirmTimes = 5
	insideHold   = 3 * time.Second
)

// OpenCore binds a pair for m-line index and begins to prove its channel on
// the link to edge's pair. A valid channel is the one that edge minted.
func (s *Session) OpenCore(index int, ch Channel, edgeRTP, edgeRTCP netip.AddrPort, v6 bool) (*CoreStream, error) {
	st := &CoreStream{sess: s, index: index, work: s.work, made: made{room: s.work.room}}
	st.want.Store(&CoreWant{})
	st.crypto.Store(&contexts{})
	if !ch.Valid() {
		fresh, err := mintChannel(s.relay.cfg.Rand)
		if err != nil {
			return nil, err
		}
		ch = fresh
	}
	st.chanID.Store(&ch)
	if err := st.open(edgeRTP, edgeRTCP, v6); err != nil {
		return nil, err
	}
	if err := s.put(index, st); err != nil {
		st.link.release()
		st.inside.close()
		return nil, err
	}
	st.work.do(func() { st.link.enter(st, ch.ID) })
	st.work.add(st, st.inside.pair[:]...)
	return st, nil
}

func (st *CoreStream) open(edgeRTP, edgeRTCP netip.AddrPort, v6 bool) (err error) {
	inner := st.sess.relay.Plan().Inner
	at := inner.Pick(edgeRTP.Addr().Is6())
	if at.Is4() != edgeRTP.Addr().Is4() {
		return fmt.Errorf("media: no own address of the family of edge's %s", edgeRTP)
	}
	if st.inside, err = st.sess.relay.openLeg(inner.Pick(v6)); err != nil {
		return err
	}
	if st.link, err = st.sess.relay.linkAt(st.work, at); err != nil {
		st.inside.close()
		return err
	}
	st.edge = [2]*endpoint{newEndpoint(edgeRTP), newEndpoint(edgeRTCP)}
	for _, k := range st.inside.pair {
		k.owner, k.recv = st, receiveInside
	}
	return nil
}

// Channel is what the link's descriptions carry.
func (st *CoreStream) Channel() Channel { return *st.chanID.Load() }

// Adopt takes the channel that edge told. Both halves are proven anew.
func (st *CoreStream) Adopt(c Channel) {
	old := st.chanID.Swap(&c)
	if *old == c {
		return
	}
	st.work.do(func() {
		st.link.leave(st, old.ID)
		st.link.enter(st, c.ID)
		for i := range st.prove {
			seq := st.prove[i].seq
			st.prove[i].proven.Store(false)
			st.prove[i].asked, st.prove[i].acked, st.prove[i].pending, st.prove[i].tries, st.prove[i].seq = 0, 0, 0, 0, seq
			st.learned[i] = learned{}
		}
	})
}

// Local is where the inside is told to send RTP and RTCP.
func (st *CoreStream) Local() (rtp, rtcp netip.AddrPort) {
	return st.inside.pair[compRTP].local, st.inside.pair[compRTCP].local
}

// LinkLocal is where core's half of the link is bound, for all calls of a worker.
func (st *CoreStream) LinkLocal() (rtp, rtcp netip.AddrPort) {
	return st.link.leg.pair[compRTP].local, st.link.leg.pair[compRTCP].local
}

// Index is the m-line.
func (st *CoreStream) Index() int { return st.index }

// V6 reports whether the inside leg is of IPv6.
func (st *CoreStream) V6() bool { return st.inside.local().Addr().Is6() }

// Set makes what the descriptions say real. Contexts whose keys stay go on
// with their counters.
func (st *CoreStream) Set(w CoreWant) error {
	w.Rates = slices.Clone(w.Rates)
	now := st.sess.relay.clock()
	st.mu.Lock()
	defer st.mu.Unlock()
	next, err := st.made.contexts(w, st.crypto.Load(), now)
	if err != nil {
		return err
	}
	st.crypto.Store(next)
	old := st.want.Swap(&w)
	if old.Type != w.Type {
		st.remark()
	}
	st.alert.expect(now.UnixNano(), w.Sends, w.Receives)
	st.alert.agree(now.UnixNano(), w.Check != Check{})
	if w.Opaque {
		st.window.Store(now.Add(learnWindow).UnixNano())
	} else {
		st.window.Store(0)
	}
	for c := range w.Inside {
		st.aim(component(c), old, &w)
	}
	return nil
}

// aim points the inside destination to a newly told address; while the
// address stays, what was learned of it stays too.
func (st *CoreStream) aim(c component, old, w *CoreWant) {
	to := w.Inside[c]
	switch {
	case w.Held || !to.IsValid() || to.Port() == 0 || to.Addr().IsUnspecified():
		st.dest[c].Store(nil)
	case to != old.Inside[c] || st.dest[c].Load() == nil:
		st.dest[c].Store(newEndpoint(to))
	}
}

// Close takes the stream down; its ports rest.
func (st *CoreStream) Close() {
	st.mu.Lock()
	was := st.closed
	st.closed = true
	st.mu.Unlock()
	if was {
		return
	}
	if f := st.fork.Load(); f != nil {
		f.Close()
	}
	st.sess.forget(st.index, st)
	st.work.do(func() { st.link.leave(st, st.Channel().ID) })
	st.work.drop(st, st.inside.pair[:]...)
	st.work.do(st.wipe)
	st.link.release()
	st.inside.close()
}

// wipe forgets the stream's keys; no packet can come any more.
func (st *CoreStream) wipe() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.crypto.Store(&contexts{})
	st.made.wipe()
}

func (st *CoreStream) meters() (client, uc *meter) { return &st.client, &st.uc }
func (st *CoreStream) alerts() *alert              { return &st.alert }

// Stats reads the stream.
func (st *CoreStream) Stats() StreamStats {
	w := st.want.Load()
	rate := firstRate(w.Rates)
	out := StreamStats{Index: st.index, Type: w.Type, Linked: st.prove[compRTP].proven.Load(),
		Suite: w.FromClient.Suite, Inside: w.FromInside.Suite}
	if w.EndToEnd != "" {
		out.Suite, out.Inside = w.EndToEnd+" end to end", w.EndToEnd+" end to end"
	}
	if out.Inside == "" {
		out.Inside = "RTP"
	}
	out.Client = LegStats{Key: LegKey{st.link.leg.key.Local, st.Channel().ID}, Latched: out.Linked, Simple: w.Opaque}
	st.client.read(&out.Client, rate)
	out.UC = LegStats{Key: st.inside.key, Simple: w.Opaque, Latched: st.uc.lastRx.Load() != 0}
	if d := st.dest[compRTP].Load(); d != nil {
		out.UC.Remote = d.addr
	}
	st.uc.read(&out.UC, rate)
	out.Agents, out.Direct = w.Check != Check{}, st.alert.direct.Load()
	out.Cause = st.cause(out)
	return out
}

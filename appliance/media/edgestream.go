package media

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// EdgeStream is one m-line at edge: a pair of ports for the client, a channel
// on the link. It passes packets unchanged and has no keys of theirs.
type EdgeStream struct {
	sess  *Session
	index int
	work  *worker
	leg   *leg
	told  netip.Addr // the address that clients are told

	want   atomic.Pointer[EdgeWant]
	chanID atomic.Pointer[Channel]
	latch  [2]latch
	dest   [2]atomic.Pointer[endpoint] // where the client's packets go
	core   [2]atomic.Pointer[endpoint] // the proven 5-tuple of core
	probes [2]atomic.Uint64            // sequence of the last probe taken
	proved [2]atomic.Int64             // when it came
	moves  atomic.Uint64
	blind  atomic.Int64 // how long it was sent to where nothing proved the client to be, see lapse

	client meter // packets of and to the client
	uc     meter // frames of and to core
	alert  alert

	// The worker's own.
	flood [2]bucket
	aged  int64 // when blind was last counted
	lane  [2]lane

	mu     sync.Mutex // guards closed
	closed bool
}

// EdgeWant is what the descriptions say about a stream at edge.
type EdgeWant struct {
	Type     string            // audio, video, …
	Signaled [2]netip.AddrPort // where the client says it receives RTP and RTCP; zero = not said
	Host     netip.Addr        // where the client's signalling comes from
	Muxed    bool              // RTCP shares the RTP port
	Held     bool              // the client wants nothing sent (c=0.0.0.0)
	Sends    bool              // the client should send
	Receives bool              // core should send
	Agents   bool              // both ends have an ICE agent: its questions pass
	Rates    []Rate
}

// OpenEdge binds ports for m-line index on the family that the client uses
// and gives the stream a channel of its own.
func (s *Session) OpenEdge(index int, v6 bool) (*EdgeStream, error) {
	plan := s.relay.Plan()
	at := plan.Client.Pick(v6)
	l, err := s.relay.openLeg(at)
	if err != nil {
		return nil, err
	}
	st := &EdgeStream{sess: s, index: index, work: s.work, leg: l, told: plan.Advertised(at)}
	st.want.Store(&EdgeWant{})
	for _, k := range l.pair {
		k.owner, k.recv = st, receiveClient
	}
	if err := st.mint(); err != nil {
		l.close()
		return nil, err
	}
	if err := s.put(index, st); err != nil {
		st.release()
		l.close()
		return nil, err
	}
	st.work.add(st, l.pair[:]...)
	return st, nil
}

const mintTries = 8

// mint draws a channel that no other stream here has.
func (st *EdgeStream) mint() error {
	for range mintTries {
		c, err := mintChannel(st.sess.relay.cfg.Rand)
		if err != nil {
			return err
		}
		if st.sess.relay.channels.claim(c.ID, st) {
			st.chanID.Store(&c)
			return nil
		}
	}
	return fmt.Errorf("media: no free channel on the link")
}

// Channel is what the link's descriptions carry.
func (st *EdgeStream) Channel() Channel { return *st.chanID.Load() }

// Adopt takes the channel that core minted, unless its number is another
// stream's here; then our own stays, and our answer tells so.
func (st *EdgeStream) Adopt(c Channel) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	old := st.Channel()
	if c == old {
		return true
	}
	if st.closed || !st.sess.relay.channels.claim(c.ID, st) {
		return false
	}
	st.chanID.Store(&c)
	if old.ID != c.ID {
		st.sess.relay.channels.release(old.ID, st)
	}
	for i := range st.core {
		st.core[i].Store(nil)
		st.probes[i].Store(0)
		st.latch[i].reset()
	}
	return true
}

// Local is where the client is told to send RTP and RTCP.
func (st *EdgeStream) Local() (rtp, rtcp netip.AddrPort) {
	p := st.leg.local().Port()
	return netip.AddrPortFrom(st.told, p), netip.AddrPortFrom(st.told, p+1)
}

// Index is the m-line.
func (st *EdgeStream) Index() int { return st.index }

// V6 reports whether the client leg is of IPv6.
func (st *EdgeStream) V6() bool { return st.told.Is6() }

// Set makes what the descriptions say real. It may be called again at any time.
func (st *EdgeStream) Set(w EdgeWant) {
	w.Rates = slices.Clone(w.Rates)
	old := st.want.Swap(&w)
	if old.Type != w.Type {
		st.remark()
	}
	now := st.sess.relay.clock().UnixNano()
	st.alert.expect(now, w.Sends, w.Receives)
	st.alert.agree(now, w.Agents)
	for c := range st.latch {
		st.latch[c].expect(w.Signaled[c], w.Host)
		st.aim(component(c), old)
	}
}

// aim chooses where the client's packets go: to the confirmed source, else to
// the signalled address if it can be the client's, else to the first source
// that speaks. A newly signalled address is believed over an older proof,
// because the client has moved.
func (st *EdgeStream) aim(c component, old *EdgeWant) {
	w := st.want.Load()
	conf := st.latch[c].confirmed.Load()
	moved := w.Signaled[c] != old.Signaled[c] && old.Signaled[c].IsValid()
	switch {
	case w.Held:
		st.dest[c].Store(nil)
	case conf != nil && !(moved && st.reachable(w.Signaled[c])):
		st.dest[c].Store(conf.to)
	case st.reachable(w.Signaled[c]):
		st.dest[c].Store(newEndpoint(w.Signaled[c]))
	}
}

// reachable reports whether a signalled address may be sent to before
// packets prove it: the client's own signalling host, or a public address, if
// the stream has not been sent where nobody asked for it before.
// A private one would be somebody else's, or ours.
func (st *EdgeStream) reachable(a netip.AddrPort) bool {
	ip := a.Addr()
	if !ip.IsValid() || a.Port() == 0 || ip.IsUnspecified() || ip.IsMulticast() || ip.Is4() != st.leg.local().Addr().Is4() {
		return false
	}
	if ip == st.want.Load().Host {
		return true
	}
	return st.blind.Load() < blindLife && ip.IsGlobalUnicast() && !ip.IsPrivate() && !isShared(ip)
}

// isShared reports 100.64.0.0/10, which carriers put behind their NAT.
func isShared(ip netip.Addr) bool {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10).Contains(ip)
}

// Close takes the stream down; its ports rest.
func (st *EdgeStream) Close() {
	st.mu.Lock()
	was := st.closed
	st.closed = true
	st.mu.Unlock()
	if was {
		return
	}
	st.sess.forget(st.index, st)
	st.release()
	st.work.drop(st, st.leg.pair[:]...)
	st.leg.close()
}

func (st *EdgeStream) release() { st.sess.relay.channels.release(st.Channel().ID, st) }

// Stats reads the stream.
func (st *EdgeStream) Stats() StreamStats {
	w := st.want.Load()
	out := StreamStats{Index: st.index, Type: w.Type, Linked: st.core[compRTP].Load() != nil}
	out.Client = LegStats{Key: st.leg.key, Simple: true, Moves: st.moves.Load()}
	if d := st.dest[compRTP].Load(); d != nil {
		out.Client.Remote = d.addr
		c := st.latch[compRTP].confirmed.Load()
		out.Client.Latched = c != nil && c.to == d
	}
	st.client.read(&out.Client, firstRate(w.Rates))
	plan := st.sess.relay.Plan()
	at := netip.AddrPortFrom(plan.Inner.Pick(false), uint16(plan.LinkRTP))
	out.UC = LegStats{Key: LegKey{at, st.Channel().ID}, Simple: true, Latched: out.Linked}
	if d := st.core[compRTP].Load(); d != nil {
		out.UC.Remote = d.addr
	}
	st.uc.read(&out.UC, firstRate(w.Rates))
	out.Agents, out.Direct = w.Agents, st.alert.direct.Load()
	out.Cause = st.cause(out)
	return out
}

func firstRate(r []Rate) uint32 {
	if len(r) == 0 {
		return 0
	}
	return r[0].Hertz
}

func (st *EdgeStream) meters() (client, uc *meter) { return &st.client, &st.uc }

func (st *EdgeStream) alerts() *alert { return &st.alert }

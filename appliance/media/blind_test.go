package media

import (
	"net/netip"
	"testing"
	"time"
)

// TestBlind: whoever has a call can name any address in his description. What
// the far end says goes there for a while, since he may have moved; it does not
// go on for ever, by whatever he proves and names again.
func TestBlind(t *testing.T) {
	own, victim := netip.MustParseAddrPort("198.51.100.7:4000"), netip.MustParseAddrPort("203.0.113.9:53")
	other := netip.MustParseAddrPort("203.0.113.9:54")
	st := &EdgeStream{leg: &leg{}, sess: &Session{relay: &Relay{clock: time.Now}}}
	st.leg.pair[compRTP] = &socket{local: netip.MustParseAddrPort("192.0.2.1:36000")}
	want := &EdgeWant{Signaled: [2]netip.AddrPort{own}, Host: own.Addr()}
	st.want.Store(want)
	now := int64(time.Hour)
	name := func(to netip.AddrPort) {
		old := st.want.Load()
		w := *old
		w.Signaled[compRTP] = to
		st.want.Store(&w)
		st.aim(compRTP, old)
	}
	sent := map[netip.Addr]time.Duration{}
	pass := func(d time.Duration) {
		for range d / tick {
			now += int64(tick)
			st.age(now)
			if to := st.dest[compRTP].Load(); to != nil {
				sent[to.addr.Addr()] += tick
			}
		}
	}
	prove := func() {
		cand, ok := st.latch[compRTP].admit(own, now)
		if !ok {
			return
		}
		if st.latch[compRTP].confirm(cand.tag, uint64(now)) != nil {
			st.dest[compRTP].Store(cand.to)
		}
	}
	st.age(now)
	prove()
	for range 20 {
		name(victim)
		pass(10 * time.Second)
		name(other)
		pass(10 * time.Second)
		name(own)
		prove()
		pass(10 * time.Second)
	}
	if most := 2 * time.Duration(blindLife); sent[victim.Addr()] > most || sent[victim.Addr()] == 0 {
		t.Errorf("a victim was sent to for %v of ten minutes, want at most %v", sent[victim.Addr()], most)
	}
	if sent[own.Addr()] < 8*time.Minute {
		t.Errorf("the client itself got %v", sent[own.Addr()])
	}
	pass(10 * time.Minute)
	sent[victim.Addr()] = 0
	if name(victim); st.dest[compRTP].Load().addr != victim {
		t.Error("a client that stayed for long may not move")
	}
	if pass(time.Minute); sent[victim.Addr()] > time.Duration(blindLife)+time.Second || st.dest[compRTP].Load().addr != own {
		t.Errorf("sent for %v, and now to %v", sent[victim.Addr()], st.dest[compRTP].Load().addr)
	}
}

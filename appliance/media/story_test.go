package media_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// A stranger who floods the client's port, before and during the call, with
// junk, with SRTP of other keys and with the client's own packets, is never
// sent to and never heard inside.
func TestStrangerNeverWins(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128SHA1_80), newPhone(t, p.insideHost)
	other := netip.MustParseAddr(strings.Replace(p.clientHost.String(), ".9.1", ".9.66", 1))
	stranger := newPhone(t, other).secure(sdp.AES128SHA1_80)
	stranger.version = 77
	stranger.secure(sdp.AES128SHA1_80)
	p.call(1, client, inside)
	stranger.to = client.to

	for range 20 {
		stranger.send("stranger")
	}
	talk(t, client, inside, "up")
	talk(t, inside, client, "down")
	p.clock.advance(2 * time.Second) // his bucket fills again
	copied := client.packet("copied")
	client.sendFrom(client.rtp, copied)
	for range 20 {
		stranger.send("stranger")
		stranger.sendFrom(stranger.rtp, copied)
		stranger.sendFrom(stranger.rtp, []byte("\x80 junk that looks a little like a packet"))
	}
	talk(t, client, inside, "still up")
	talk(t, inside, client, "still down")
	if b, err := recv(stranger.rtp, 50*time.Millisecond); err == nil {
		t.Errorf("the stranger was sent %d bytes", len(b))
	}
	st := p.stats(p.edgeRelay)
	if want := local(client.rtp); st.Client.Remote != want || !st.Client.Latched {
		t.Errorf("edge sends to %s (latched %v), want %s", st.Client.Remote, st.Client.Latched, want)
	}
	if st.Client.Strangers == 0 {
		t.Error("edge counted no stranger")
	}
	if c := p.stats(p.coreRelay); c.Client.Forged == 0 {
		t.Error("core counted no forged packet")
	}
}

// Somebody on the path copies each packet and is faster: his copy is good,
// the client's own a replay. The client is alive, so nothing moves.
func TestFasterCopyDoesNotMoveTheClient(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	talk(t, client, inside, "up")
	talk(t, inside, client, "down")
	thief := newPhone(t, p.clientHost)
	for range 8 { // more of his would not pass edge at once
		b := client.packet("copy")
		client.sendFrom(thief.rtp, b)
		waitFor(t, "the copy is through", func() bool { return inside.got(inside.rtp, "copy", time.Second) })
		client.sendFrom(client.rtp, b)
		client.send("own")
		inside.got(inside.rtp, "own", 50*time.Millisecond)
	}
	if st := p.stats(p.edgeRelay); st.Client.Remote != local(client.rtp) {
		t.Errorf("edge sends to %s, the thief", st.Client.Remote)
	}
}

// A NAT in front of the client forgets it while it is muted and gives it
// another port. Its first packet heals the call.
func TestRebindingDuringMuteHeals(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128SHA1_80), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	talk(t, client, inside, "up")
	talk(t, inside, client, "down")
	p.clock.advance(time.Minute) // mute
	for _, host := range []netip.Addr{p.clientHost, netip.MustParseAddr(strings.Replace(p.clientHost.String(), ".9.1", ".9.2", 1))} {
		client.rtp = listen(t, host)
		talk(t, client, inside, "from "+host.String())
		talk(t, inside, client, "to "+host.String())
		if st := p.stats(p.edgeRelay); st.Client.Remote != local(client.rtp) {
			t.Errorf("edge sends to %s, want %s", st.Client.Remote, local(client.rtp))
		}
		p.clock.advance(time.Minute)
	}
}

// A client that signals a private address is reached where it speaks from.
func TestClientBehindNAT(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.use(1)
	natted := strings.ReplaceAll(client.describe(), p.clientHost.String(), "192.168.1.20")
	in, err := p.inward(1, media.Offer, natted)
	must(t, err)
	if strings.Contains(in, "192.168.1.20") {
		t.Errorf("the client's private address goes inside:\n%s", in)
	}
	inside.hear(in)
	out, err := p.outward(1, media.Answer, inside.describe())
	must(t, err)
	client.hear(out)
	inside.send("lost")
	if st := p.stats(p.edgeRelay); st.Client.Remote.IsValid() {
		t.Errorf("edge sends to %s before it heard the client", st.Client.Remote)
	}
	talk(t, client, inside, "up")
	talk(t, inside, client, "down")
}

// The inside may speak from another port of its host, never from another host.
func TestInsideLatchesWithinItsHost(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	talk(t, client, inside, "up")
	wrong := newPhone(t, netip.MustParseAddr(strings.Replace(p.insideHost.String(), ".2.1", ".2.9", 1)))
	wrong.to = inside.to
	for range 10 {
		wrong.send("wrong")
	}
	if client.got(client.rtp, "wrong", 100*time.Millisecond) {
		t.Error("a host that nobody signalled reaches the client")
	}
	inside.rtp = listen(t, p.insideHost)
	talk(t, inside, client, "from another port")
	talk(t, client, inside, "to another port")
	p.clock.advance(time.Minute)
	wrong.send("wrong")
	waitFor(t, "the cause names who sends", func() bool {
		return p.stats(p.coreRelay).UC.Strangers > 0
	})
}

// Edge restarts without memory: nothing passes until the next offer, and core
// says so.
func TestLinkLossIsSeen(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	talk(t, client, inside, "up")
	waitFor(t, "linked", func() bool { return p.stats(p.coreRelay).Linked })
	p.edge.End(1)
	waitFor(t, "core sees that edge does not answer", func() bool {
		p.clock.advance(time.Second)
		return !p.stats(p.coreRelay).Linked
	})
	if cause := p.stats(p.coreRelay).Cause; !strings.Contains(cause, "edge does not answer") {
		t.Errorf("cause %q", cause)
	}
}

func TestSilenceIsReportedWithItsCause(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	talk(t, client, inside, "up")
	talk(t, inside, client, "down")
	p.clock.advance(20 * time.Second)
	client.send("alive")
	waitFor(t, "the client's packet is counted", func() bool { return p.stats(p.edgeRelay).Client.RxPackets > 1 })
	p.clock.advance(20 * time.Second)
	seen := map[media.Side]bool{}
	for end := time.After(20 * time.Second); !seen[media.UCSide]; {
		select {
		case s := <-p.silences:
			seen[s.Side] = true
			if s.Cause == "" || s.Session != 1 || s.For < 30*time.Second {
				t.Errorf("silence %+v", s)
			}
		case <-end:
			t.Fatal("no silence of the inside was reported")
		}
	}
}

func TestCauses(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	waitFor(t, "linked", func() bool { return p.stats(p.edgeRelay).Linked })
	p.clock.advance(10 * time.Second)
	for range 3 {
		inside.send("x")
	}
	waitFor(t, "the client is blamed", func() bool {
		return strings.Contains(p.stats(p.edgeRelay).Cause, "no packet of the client ever came")
	})
	client.version = 5
	client.secure(sdp.AES128GCM) // other keys than it signalled
	waitFor(t, "the keys are blamed", func() bool {
		client.send("x")
		return strings.Contains(p.stats(p.coreRelay).Cause, "SRTP authentication")
	})
}

func TestCounters(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128SHA1_80), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	talk(t, client, inside, "up")
	waitFor(t, "latched", func() bool { client.send("x"); return p.stats(p.edgeRelay).Client.Latched })
	client.send("y")
	client.seq += 3 // three are lost
	client.send("after the gap")
	inside.got(inside.rtp, "after the gap", time.Second)
	reports(t, client, inside)
	waitFor(t, "loss is counted at both nodes", func() bool {
		e, c := p.stats(p.edgeRelay).Client, p.stats(p.coreRelay).Client
		return e.Lost >= 3 && c.Lost >= 3 && c.FarLoss == 0.25 && c.RxRTCP > 0
	})
}

func TestPortsRest(t *testing.T) {
	p := newPair(t, func(p *pair, _ *media.Config) {
		p.edgePlan.PortStart, p.edgePlan.PortEnd = 36000, 36007 // four pairs
	})
	offer := newPhone(t, p.clientHost).secure(sdp.AES128GCM).describe()
	open := func(id media.SessionID) error {
		p.use(id)
		_, err := p.edge.Inward(id, 0, media.Offer, []byte(offer), "t")
		return err
	}
	for id := media.SessionID(1); id <= 4; id++ {
		must(t, open(id))
	}
	r, ok := open(5).(*media.Refused)
	if !ok || r.Status != 503 || !strings.Contains(r.Reason, "port pair") {
		t.Errorf("exhaustion gives %v, want 503 with its reason", r)
	}
	p.edge.End(1)
	waitFor(t, "the pair is back", func() bool { _, n, _ := p.edgeRelay.Load(); return n == 3 })
	if err := open(5); err == nil {
		t.Error("a port was given away at once")
	}
	p.clock.advance(31 * time.Second)
	must(t, open(5))
}

func TestThousandSessions(t *testing.T) {
	p := newPair(t)
	inside := newPhone(t, p.insideHost)
	client := newPhone(t, p.clientHost).secure(sdp.AES128GCM)
	const n = 1000
	for id := media.SessionID(1); id <= n; id++ {
		p.call(id, client, inside)
	}
	waitFor(t, "every stream is proven", func() bool {
		linked := 0
		for _, s := range p.edgeRelay.Status() {
			if s.Streams[0].Linked {
				linked++
			}
		}
		return linked == n
	})
	talk(t, client, inside, "the last of a thousand")
	for id := media.SessionID(1); id <= n; id++ {
		p.edge.End(id)
		p.core.End(id)
	}
	waitFor(t, "all is given back", func() bool {
		se, pe, _ := p.edgeRelay.Load()
		sc, pc, _ := p.coreRelay.Load()
		return se+pe+sc+pc == 0
	})
}

func TestNothingLeaks(t *testing.T) {
	before := openFiles(t)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	talk(t, client, inside, "up")
	p.call(2, client, inside)
	p.edge.End(2)
	p.stop()
	if _, err := p.edge.Inward(3, 0, media.Offer, []byte(client.describe()), "t"); err == nil {
		t.Error("a relay that has ended takes calls")
	}
	p.edge.End(1)
	for _, c := range []*phone{client, inside} {
		c.rtp.Close()
		c.rtcp.Close()
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
}

func TestPlanIsAppliedTwice(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	talk(t, client, inside, "up")
	must(t, p.edgeRelay.Apply(p.edgePlan))
	p.edgePlan.PortStart, p.edgePlan.PortEnd = 50000, 50101
	must(t, p.edgeRelay.Apply(p.edgePlan))
	talk(t, client, inside, "goes on")
	p.edgePlan.Inner.V6 = netip.MustParseAddr("::1") // the link port is opened on one address more
	must(t, p.edgeRelay.Apply(p.edgePlan))
	talk(t, client, inside, "goes on over it")
	talk(t, inside, client, "and back")
	second := newPhone(t, p.clientHost).secure(sdp.AES128GCM)
	p.call(2, second, inside)
	if second.to.Port() < 50000 {
		t.Errorf("a new call got port %d of the old range", second.to.Port())
	}
	bad := p.edgePlan
	bad.PortEnd = bad.PortStart
	if err := p.edgeRelay.Apply(bad); err == nil || !strings.Contains(err.Error(), "Traversal Media Port") {
		t.Errorf("a range without a pair gives %v", err)
	}
	two := media.New(media.Config{})
	if err := two.Apply(p.edgePlan); err == nil {
		t.Error("two edges share one link port")
	}
}

// A frame that no proven 5-tuple sent goes nowhere, whatever channel it names.
func TestUnprovenFramesGoNowhere(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	talk(t, client, inside, "up")
	ch := p.stats(p.edgeRelay).UC.Key.Channel
	evil := listen(t, netip.MustParseAddr(strings.Replace(p.insideHost.String(), ".2.1", ".1.66", 1)))
	head := []byte{0x51, 0, 0, 0, byte(ch >> 24), byte(ch >> 16), byte(ch >> 8), byte(ch)}
	probe := append([]byte{0x52, 0, 0, 0}, append(head[4:8:8], make([]byte, 24)...)...)
	to := netip.AddrPortFrom(p.edgePlan.Inner.V4, 2776)
	for _, b := range [][]byte{append(head, make([]byte, 20)...), probe} {
		_, err := evil.WriteToUDPAddrPort(b, to)
		must(t, err)
	}
	waitFor(t, "both are counted", func() bool {
		st := p.stats(p.edgeRelay).UC
		return st.Strangers >= 1 && st.Forged+st.Strangers >= 1
	})
	if b, err := recv(evil, 50*time.Millisecond); err == nil {
		t.Errorf("edge answered %d bytes", len(b))
	}
	if client.got(client.rtp, string(make([]byte, 8)), 50*time.Millisecond) {
		t.Error("an unproven frame reached the client")
	}
}

func TestSTUNOnTheMediaPort(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	req := bindingRequest()
	client.sendFrom(client.rtp, req)
	b, err := recv(client.rtp, time.Second)
	must(t, err)
	if got := mapped(b); got != local(client.rtp) {
		t.Errorf("mapped %s, want %s", got, local(client.rtp))
	}
}

// Media goes to a signalled address of another host for a short time only,
// unless a packet proves it.
func TestBlindSendingEnds(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.use(1)
	in, err := p.inward(1, media.Offer, strings.ReplaceAll(client.describe(), p.clientHost.String(), "203.0.113.99"))
	must(t, err)
	inside.hear(in)
	_, err = p.outward(1, media.Answer, inside.describe())
	must(t, err)
	if got := p.stats(p.edgeRelay).Client.Remote.Addr(); got != netip.MustParseAddr("203.0.113.99") {
		t.Fatalf("edge sends to %s", got)
	}
	waitFor(t, "edge stops", func() bool {
		p.clock.advance(5 * time.Second)
		return !p.stats(p.edgeRelay).Client.Remote.IsValid()
	})
}

// Core restarts in an old call: the next offer carries the same keys, and the
// client's rollover counter is found again.
func TestOldCallSurvivesCoresMemory(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	talk(t, client, inside, "up")
	waitFor(t, "latched", func() bool { return p.stats(p.edgeRelay).Client.Latched })
	p.core.End(1)
	for range 2*65536 + 5 {
		client.packet("unheard")
	}
	p.clock.advance(time.Second)
	p.call(1, client, inside)
	talk(t, client, inside, "up after two turns")
	talk(t, inside, client, "down after two turns")
}

// Core dies without a word: its proof lapses at edge.
func TestProofLapses(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	talk(t, client, inside, "up")
	p.core.End(1)
	p.clock.advance(40 * time.Second)
	waitFor(t, "edge sees that core is gone", func() bool {
		return strings.Contains(p.stats(p.edgeRelay).Cause, "core has not proven its link")
	})
}

func TestForgottenSessionsAreSwept(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	p.clock.advance(5 * time.Hour)
	for id := media.SessionID(100); id < 170; id++ {
		p.use(id)
	}
	waitFor(t, "its ports are back", func() bool {
		_, e, _ := p.edgeRelay.Load()
		_, c, _ := p.coreRelay.Load()
		return e+c == 0
	})
}

// Two cores mint one channel: edge keeps the first, tells the second its own,
// and both calls stand.
func TestChannelCollision(t *testing.T) {
	p := newPair(t)
	ch := media.Channel{}
	for id := media.SessionID(1); id <= 2; id++ {
		s, err := p.edgeRelay.Session(id)
		must(t, err)
		st, err := s.OpenEdge(0, false)
		must(t, err)
		if id == 1 {
			ch = st.Channel()
			continue
		}
		if own := st.Channel(); st.Adopt(ch) || st.Channel() != own {
			t.Error("a stream took another's channel")
		}
	}
}

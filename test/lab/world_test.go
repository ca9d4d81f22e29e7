package lab

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The world of these tests, without a product in between:
//
//	alice, bob (TLS, SRTP)  ──▶  registrar 127.77.1.1  ◀── carol (UDP, RTP)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func newTestWorld(t *testing.T, change func(*RegistrarConfig)) *World {
	t.Helper()
	w, err := NewWorld(testContext(t), WorldConfig{Net: netip.MustParseAddr("127.77.1.0"), Any: true, Registrar: change})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// outside starts a phone that registers over TLS straight to the registrar.
func outside(t *testing.T, w *World, user string, change func(*PhoneConfig)) *Phone {
	t.Helper()
	cfg := PhoneConfig{User: user, Password: Users()[user], Domain: w.Domain, Server: w.Registrar.Addr("TLS"), CA: w.CA,
		Local: netip.MustParseAddr("127.77.9.1"), Suites: AllSuites(), Tone: 440}
	if change != nil {
		change(&cfg)
	}
	p, err := NewPhone(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	ctx := testContext(t)
	must(t, p.Start(ctx))
	must(t, p.Register(ctx))
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantStatus(t *testing.T, err error, want int) {
	t.Helper()
	var status *StatusError
	if !errors.As(err, &status) || status.Status != want {
		t.Fatalf("got %v, want status %d", err, want)
	}
}

// next takes one element from a channel.
func next[T any](t *testing.T, ctx context.Context, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-ctx.Done():
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// talk checks that each end hears the other's tone without loss.
func talk(t *testing.T, ctx context.Context, a *Call, hearsA float64, b *Call, hearsB float64) {
	t.Helper()
	for _, end := range []struct {
		c  *Call
		hz float64
	}{{a, hearsA}, {b, hearsB}} {
		s, err := end.c.AwaitMedia(ctx, end.hz, 40)
		must(t, err)
		if s.Lost > 0 || s.DecodeErrors > 0 {
			t.Errorf("%s: %s", end.c.phone.cfg.User, s)
		}
	}
}

func bob(cfg *PhoneConfig) {
	cfg.Local, cfg.Tone = netip.MustParseAddr("127.77.9.2"), 660
}

func TestCallWithEverySuite(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, nil)
	for i, suite := range AllSuites() {
		t.Run(string(suite), func(t *testing.T) {
			ctx := testContext(t)
			alice := outside(t, w, "alice", func(c *PhoneConfig) { c.Suites, c.Mux = []Suite{suite}, i%2 == 1 })
			b := outside(t, w, "bob", func(c *PhoneConfig) { bob(c); c.AutoAnswer = true })
			call, err := alice.Call(ctx, "bob")
			must(t, err)
			far := next(t, ctx, b.Incoming())
			talk(t, ctx, call, 660, far, 440)
			if s := call.Stats(); s.SendSuite != suite || s.RecvSuite != suite || s.RTCP == 0 {
				t.Errorf("suites %s/%s, %d RTCP; want %s", s.SendSuite, s.RecvSuite, s.RTCP, suite)
			}
			must(t, call.Hangup(ctx))
			must(t, far.Await(ctx, CallEnded))
			if f := append(alice.Faults(), b.Faults()...); len(f) > 0 {
				t.Error(f)
			}
		})
	}
}

func TestHoldResumeUpdateInfo(t *testing.T) {
	t.Parallel()
	w, ctx := newTestWorld(t, nil), testContext(t)
	alice := outside(t, w, "alice", nil)
	b := outside(t, w, "bob", func(c *PhoneConfig) { bob(c); c.AutoAnswer = true })
	call, err := alice.Call(ctx, "bob", WithVideo)
	must(t, err)
	far := next(t, ctx, b.Incoming())
	talk(t, ctx, call, 660, far, 440)
	await(t, ctx, func() bool { return far.Stats(1).Received > 0 }) // video

	must(t, call.Hold(ctx))
	if !far.OnHold() {
		t.Error("the far end does not know that it is held")
	}
	must(t, call.Resume(ctx))
	talk(t, ctx, call, 660, far, 440)
	must(t, call.Renegotiate(ctx, "UPDATE", ""))
	talk(t, ctx, call, 660, far, 440)

	must(t, call.Info(ctx, "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"))
	if got := far.Infos(); len(got) != 1 || !strings.HasPrefix(got[0], "Signal=5") {
		t.Errorf("INFO bodies %q", got)
	}
	call.Digit('7')
	await(t, ctx, func() bool { return far.Stats().Digits == "7" }) // BYE goes another way and may overtake it
	must(t, call.Hangup(ctx))
	must(t, far.Await(ctx, CallEnded))
}

func TestCallInsideBothWays(t *testing.T) {
	t.Parallel()
	w, ctx := newTestWorld(t, nil), testContext(t)
	plain := outside(t, w, "alice", func(c *PhoneConfig) { c.Suites = nil })
	call, err := plain.Call(ctx, "carol")
	must(t, err)
	talk(t, ctx, call, CarolTone, next(t, ctx, w.Carol.Incoming()), 440)
	must(t, call.Hangup(ctx))

	in, err := w.Carol.Invite(ctx, "alice")
	must(t, err)
	ringing := next(t, ctx, plain.Incoming())
	must(t, in.Await(ctx, CallRinging))
	must(t, ringing.Answer())
	must(t, in.Await(ctx, CallAnswered))
	talk(t, ctx, in, 440, ringing, CarolTone)
	must(t, ringing.Hangup(ctx))
	must(t, in.Await(ctx, CallEnded))

	secure := outside(t, w, "bob", bob)
	_, err = secure.Call(ctx, "carol")
	wantStatus(t, err, 488)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	w, ctx := newTestWorld(t, nil), testContext(t)
	alice := outside(t, w, "alice", nil)
	outside(t, w, "bob", func(c *PhoneConfig) { bob(c); c.Busy = true })
	for user, want := range map[string]int{"nobody": 404, "dave": 480, "bob": 486, "sip:x@elsewhere.test": 404} {
		_, err := alice.Call(ctx, user)
		wantStatus(t, err, want)
	}
}

func TestCancelAndReject(t *testing.T) {
	t.Parallel()
	w, ctx := newTestWorld(t, nil), testContext(t)
	alice, b := outside(t, w, "alice", nil), outside(t, w, "bob", bob)
	call, err := alice.Invite(ctx, "bob")
	must(t, err)
	ringing := next(t, ctx, b.Incoming())
	must(t, call.Await(ctx, CallRinging))
	call.Cancel()
	must(t, call.Await(ctx, CallEnded))
	must(t, ringing.Await(ctx, CallEnded))
	if call.Cause() != 487 || ringing.Cause() != 487 {
		t.Errorf("causes %d and %d, want 487", call.Cause(), ringing.Cause())
	}

	call, err = alice.Invite(ctx, "bob")
	must(t, err)
	next(t, ctx, b.Incoming()).Reject(603, "Decline")
	wantStatus(t, call.Await(ctx, CallAnswered), 603)
}

func TestForking(t *testing.T) {
	t.Parallel()
	w, ctx := newTestWorld(t, nil), testContext(t)
	alice := outside(t, w, "alice", nil)
	desk, mobile := outside(t, w, "bob", bob), outside(t, w, "bob", func(c *PhoneConfig) { bob(c); c.Tone = 1000 })
	call, err := alice.Invite(ctx, "bob")
	must(t, err)
	loser, winner := next(t, ctx, desk.Incoming()), next(t, ctx, mobile.Incoming())
	must(t, winner.Answer())
	must(t, call.Await(ctx, CallAnswered))
	must(t, loser.Await(ctx, CallEnded))
	if loser.Cause() != 487 {
		t.Errorf("the other phone ended with %d, want 487", loser.Cause())
	}
	talk(t, ctx, call, 1000, winner, 440)
	must(t, call.Hangup(ctx))
}

func TestEarlyMediaReliableLateOffer(t *testing.T) {
	t.Parallel()
	w, ctx := newTestWorld(t, nil), testContext(t)
	alice := outside(t, w, "alice", func(c *PhoneConfig) { c.Reliable = true })
	b := outside(t, w, "bob", func(c *PhoneConfig) { bob(c); c.Reliable = true })
	call, err := alice.Invite(ctx, "bob")
	must(t, err)
	far := next(t, ctx, b.Incoming())
	must(t, far.EarlyMedia(ctx))
	talk(t, ctx, call, 660, far, 440)
	if call.State() >= CallAnswered || !call.Early() {
		t.Error("media ran, but not before the answer")
	}
	must(t, far.Answer())
	must(t, call.Await(ctx, CallAnswered))
	must(t, call.Hangup(ctx))

	call, err = alice.Invite(ctx, "bob", LateOffer)
	must(t, err)
	far = next(t, ctx, b.Incoming())
	must(t, far.Answer())
	must(t, call.Await(ctx, CallAnswered))
	talk(t, ctx, call, 660, far, 440)
	must(t, far.Hangup(ctx))
}

func TestTransferWithReplaces(t *testing.T) {
	t.Parallel()
	w, ctx := newTestWorld(t, nil), testContext(t)
	alice := outside(t, w, "alice", nil)
	b := outside(t, w, "bob", func(c *PhoneConfig) { bob(c); c.AutoAnswer = true })
	d := outside(t, w, "dave", func(c *PhoneConfig) { c.Tone, c.AutoAnswer = 1200, true })
	first, err := alice.Call(ctx, "bob")
	must(t, err)
	withBob := next(t, ctx, b.Incoming())
	must(t, first.Hold(ctx))
	second, err := alice.Call(ctx, "dave")
	must(t, err)
	withDave := next(t, ctx, d.Incoming())

	must(t, first.Refer(ctx, "dave", second))
	must(t, withDave.Await(ctx, CallEnded))
	joined := next(t, ctx, d.Incoming())
	talk(t, ctx, withBob.Transfers()[0], 1200, joined, 660)
	must(t, first.Hangup(ctx))
	must(t, joined.Hangup(ctx))
}

func TestMessagesAndEvents(t *testing.T) {
	t.Parallel()
	w, ctx := newTestWorld(t, nil), testContext(t)
	alice, b := outside(t, w, "alice", nil), outside(t, w, "bob", bob)
	must(t, alice.Message(ctx, "bob", "hello"))
	if got := next(t, ctx, b.Inbox()); got.Body != "hello" || got.From != alice.AOR() {
		t.Errorf("got %+v", got)
	}

	sub, err := alice.Subscribe(ctx, "bob", "presence")
	must(t, err)
	if n := next(t, ctx, sub.Notes()); !strings.HasPrefix(n.State, "active") || n.Body != "" {
		t.Errorf("first note %+v", n)
	}
	must(t, b.Publish(ctx, "presence", "application/pidf+xml", "<presence>busy</presence>"))
	if n := next(t, ctx, sub.Notes()); !strings.Contains(n.Body, "busy") {
		t.Errorf("note %+v", n)
	}
	must(t, sub.Refresh(ctx))
	next(t, ctx, sub.Notes())
	must(t, sub.End(ctx))

	waiting, err := alice.Subscribe(ctx, "alice", "message-summary")
	must(t, err)
	next(t, ctx, waiting.Notes())
	w.Registrar.SetWaiting("alice", 2)
	if n := next(t, ctx, waiting.Notes()); !strings.Contains(n.Body, "Voice-Message: 2/0") {
		t.Errorf("note %+v", n)
	}
	resp, err := alice.Options(ctx, "bob")
	must(t, err)
	if resp.Get("Allow") == "" {
		t.Error("OPTIONS answered without Allow")
	}
}

func TestKeepaliveAndReconnect(t *testing.T) {
	t.Parallel()
	w, ctx := newTestWorld(t, nil), testContext(t)
	for _, kind := range []Keepalive{CRLFKeepalive, STUNKeepalive} {
		p := outside(t, w, "alice", func(c *PhoneConfig) { c.Keepalive, c.Every, c.Reconnect = kind, 10*time.Millisecond, true })
		await(t, ctx, func() bool { return p.Pongs() > 1 })
		before := p.server().local
		p.DropConnection()
		await(t, ctx, func() bool {
			l := p.server()
			return l != nil && l.local != before && len(w.Registrar.Bindings("alice")) > 1
		})
		must(t, p.Unregister(ctx))
		p.Close()
	}
}

// await polls for what only real sockets can bring about.
func await(t *testing.T, ctx context.Context, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("never came true")
		}
	}
}

func TestRebindAndMute(t *testing.T) {
	t.Parallel()
	w, ctx := newTestWorld(t, nil), testContext(t)
	alice := outside(t, w, "alice", nil)
	b := outside(t, w, "bob", func(c *PhoneConfig) { bob(c); c.AutoAnswer = true })
	call, err := alice.Call(ctx, "bob")
	must(t, err)
	far := next(t, ctx, b.Incoming())
	talk(t, ctx, call, 660, far, 440)
	call.Mute(true)
	must(t, call.Rebind(netip.Addr{}))
	call.Mute(false)
	_, err = far.AwaitMedia(ctx, 440, 40)
	must(t, err)
	if got := far.Stats().Sources; len(got) < 2 {
		t.Errorf("sources %v, want an old and a new one", got)
	}
	must(t, call.Hangup(ctx))
}

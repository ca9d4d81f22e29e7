package media

import (
	"bytes"
	"net/netip"
	"testing"
	"time"
)

func testChannel(id uint32, seed byte) Channel {
	c := Channel{ID: id}
	for i := range c.key {
		c.key[i] = seed + byte(i)
	}
	return c
}

func TestControlFramesAreProven(t *testing.T) {
	ch := testChannel(0xdeadbeef, 1)
	b := frame{kind: frameConfirm, tag: tagOf(3, 7), channel: ch.ID}.control(ch.key, 99)
	f, ok := parseFrame(b)
	if !ok || f.kind != frameConfirm || f.tag != tagOf(3, 7) || f.channel != ch.ID {
		t.Fatalf("read as %+v %v", f, ok)
	}
	if seq, ok := openControl(b, ch.key); !ok || seq != 99 {
		t.Errorf("opened as %d %v", seq, ok)
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1
		if _, ok := openControl(bad, ch.key); ok {
			t.Errorf("a change of byte %d goes unseen", i)
		}
	}
	if _, ok := openControl(b, testChannel(1, 2).key); ok {
		t.Error("another key opens it")
	}
}

func FuzzFrame(f *testing.F) {
	ch := testChannel(7, 1)
	f.Add(frame{kind: frameProbe, channel: 7}.control(ch.key, 1))
	f.Add([]byte{frameMedia, 0x12, 1, 0, 0, 0, 0, 7, 0x80, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, ok := parseFrame(b)
		if !ok {
			return
		}
		out := make([]byte, frameHeader)
		fr.put(out)
		if !bytes.Equal(out, b[:frameHeader]) {
			t.Fatalf("header % x is written % x", b[:frameHeader], out)
		}
		if _, ok := openControl(b, testChannel(8, 77).key); ok {
			t.Fatal("forged")
		}
	})
}

func FuzzChannel(f *testing.F) {
	f.Add(testChannel(1, 1).Value())
	f.Fuzz(func(t *testing.T, v string) {
		c, err := ParseChannel(v)
		if err != nil {
			return
		}
		if again, err := ParseChannel(c.Value()); err != nil || again != c {
			t.Fatalf("%q: %v", v, err)
		}
	})
}

func TestLatchKeepsRoomForTheClient(t *testing.T) {
	var l latch
	client := netip.MustParseAddrPort("198.51.100.4:4000")
	l.expect(client, client.Addr())
	now := int64(time.Hour)
	for i := range 500 { // a flood from everywhere
		src := netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, byte(i >> 8), byte(i)}), 9)
		l.admit(src, now)
	}
	c, ok := l.admit(client, now)
	if !ok || c.tag.slot() != slotSignal {
		t.Fatalf("the client got %+v %v", c, ok)
	}
	if l.confirm(c.tag, 5) != c || l.confirmed.Load() != c {
		t.Fatal("not confirmed")
	}
	moved := netip.AddrPortFrom(client.Addr(), 4001)
	again, ok := l.admit(moved, now)
	if !ok || again.tag.slot() != slotRebound {
		t.Fatalf("the rebound client got %+v %v", again, ok)
	}
	if l.confirm(again.tag, 5) != nil {
		t.Error("an old confirmation moves the client")
	}
	if l.confirm(tagOf(slotAnybody, 14), 6) != nil {
		t.Error("a confirmation of a slot's former holder moves the client")
	}
	if l.confirm(again.tag, 7) != again {
		t.Error("the rebound client is not confirmed")
	}
}

func TestCandidatesAreRateLimited(t *testing.T) {
	var l latch
	src := netip.MustParseAddrPort("198.51.100.4:4000")
	passed := 0
	for i := range 1000 { // one second of 1000 packets
		if _, ok := l.admit(src, int64(time.Hour)+int64(i)*int64(time.Millisecond)); ok {
			passed++
		}
	}
	if passed < candidateBurst || passed > candidateBurst+candidateRate+1 {
		t.Errorf("%d packets passed", passed)
	}
}

func TestPortPool(t *testing.T) {
	now := time.Unix(1000, 0)
	p := newPortPool(1001, 1010, time.Minute, 1) // pairs 1002, 1004, 1006, 1008
	got := map[uint16]bool{}
	for range 4 {
		port, err := p.take(now)
		if err != nil || port%2 != 0 || port < 1002 || port > 1009 || got[port] {
			t.Fatalf("port %d %v", port, err)
		}
		got[port] = true
	}
	if _, err := p.take(now); err != ErrPorts {
		t.Errorf("an empty pool gives %v", err)
	}
	p.give(1004, now)
	p.give(1004, now)
	p.give(77, now)
	if _, err := p.take(now.Add(59 * time.Second)); err != ErrPorts {
		t.Error("a pair did not rest")
	}
	if port, err := p.take(now.Add(time.Minute)); port != 1004 || err != nil {
		t.Errorf("port %d %v", port, err)
	}
	p.give(1006, now)
	p.setRange(1006, 1011, 2) // 1006 rests, 1008 is in use, 1010 is new
	if port, err := p.take(now); port != 1010 || err != nil {
		t.Errorf("port %d %v", port, err)
	}
	if _, err := p.take(now); err != ErrPorts {
		t.Error("a pair forgot its rest when the range changed")
	}
}

func TestProver(t *testing.T) {
	var p prover
	now := int64(time.Hour)
	if !p.due(now, time.Hour) {
		t.Fatal("the first probe waits")
	}
	for i := range probeQuick - 1 {
		p.sent(now, p.next(now))
		if p.due(now+1, time.Hour) || !p.due(now+probeFirst, time.Hour) {
			t.Fatalf("try %d does not come soon", i)
		}
	}
	p.sent(now, p.next(now))
	if p.due(now+probeFirst, time.Hour) || !p.due(now+probeAgain, time.Hour) {
		t.Error("tries do not slow down")
	}
	if p.ack(now, 1) || p.proven.Load() {
		t.Error("another probe's acknowledgement counts")
	}
	if !p.ack(now, p.pending) || !p.proven.Load() {
		t.Fatal("not proven")
	}
	if p.due(now+probeEvery-1, time.Hour) || !p.due(now+probeEvery, time.Hour) {
		t.Error("not every ten seconds")
	}
	if !p.due(now+2*probeAgain, 2*time.Second) {
		t.Error("media that just stopped asks for no probe")
	}
	for i := range int64(5) {
		now += probeAgain
		p.sent(now, p.next(now))
		if lost := !p.proven.Load(); lost != (i >= 3) {
			t.Errorf("after %d unanswered probes lost is %v", i+1, lost)
		}
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	c := testChannel(0x01020304, 1)
	if c.String() != "01020304" || c.GoString() != "01020304" {
		t.Errorf("prints %s", c)
	}
}

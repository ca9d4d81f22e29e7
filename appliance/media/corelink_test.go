package media

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"
)

// linked is a core that the test turns by hand, with two edges that gave two
// calls the same channel number.
type linked struct {
	t       *testing.T
	relay   *Relay
	edges   [2]*net.UDPConn
	insides [2]*net.UDPConn
	streams [2]*CoreStream
}

func newLinked(t *testing.T) *linked {
	t.Helper()
	l := &linked{t: t, relay: New(Config{Workers: 1})}
	if err := l.relay.Apply(Plan{Inner: Addresses{V4: netip.MustParseAddr("127.55.1.9")}, PortStart: 36000, PortEnd: 36999}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		l.relay.Run(ctx)
	})
	s, err := l.relay.Session(1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range l.edges {
		l.edges[i], l.insides[i] = l.socket(byte(i+1)), l.socket(byte(i+11))
		at, in := addrOf(l.edges[i]), addrOf(l.insides[i])
		if l.streams[i], err = s.OpenCore(i, testChannel(7, byte(i)), at, at, false); err != nil {
			t.Fatal(err)
		}
		if err := l.streams[i].Set(CoreWant{Opaque: true, Inside: [2]netip.AddrPort{in, in}}); err != nil {
			t.Fatal(err)
		}
	}
	l.turn()
	return l
}

func (l *linked) socket(host byte) *net.UDPConn {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 55, 1, host)})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { c.Close() })
	return c
}

func addrOf(c *net.UDPConn) netip.AddrPort {
	a := c.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

func (l *linked) turn() { l.relay.workers[0].round() }

// frame sends a media frame to core's link and turns the worker.
func (l *linked) frame(from *net.UDPConn, channel uint32, payload string) {
	b := make([]byte, frameHeader)
	frame{kind: frameMedia, flags: flagConfirmed, channel: channel}.put(b)
	to, _ := l.streams[0].LinkLocal()
	if _, err := from.WriteToUDPAddrPort(append(b, payload...), to); err != nil {
		l.t.Fatal(err)
	}
	l.turn()
}

// heard is what came inside for a stream.
func (l *linked) heard(stream int) string { return l.within(stream, 10*time.Second) }

// silent is the same for a stream that nothing should have come for.
func (l *linked) silent(stream int) string { return l.within(stream, 30*time.Millisecond) }

func (l *linked) within(stream int, d time.Duration) string {
	buf := make([]byte, 100)
	l.insides[stream].SetReadDeadline(time.Now().Add(d))
	n, _ := l.insides[stream].Read(buf)
	return string(buf[:n])
}

// The channel alone is nobody's: a call's frames come from its own edge.
func TestChannelsOfTwoEdgesStayApart(t *testing.T) {
	l := newLinked(t)
	one, _ := l.streams[0].LinkLocal()
	if two, _ := l.streams[1].LinkLocal(); one != two {
		t.Fatalf("calls of one worker have links %s and %s", one, two)
	}
	for i, e := range l.edges {
		l.frame(e, 7, "hello")
		if own, other := l.heard(i), l.silent(1-i); own != "hello" || other != "" {
			t.Errorf("edge %d: its call heard %q, the other's %q", i, own, other)
		}
	}
	l.frame(l.socket(66), 7, "evil")
	if a, b := l.silent(0), l.silent(1); a+b != "" {
		t.Errorf("a stranger was heard: %q %q", a, b)
	}
}

func TestChannelChangesOnTheLink(t *testing.T) {
	l := newLinked(t)
	l.streams[0].Adopt(testChannel(8, 1))
	l.turn()
	l.frame(l.edges[0], 7, "old")
	if got := l.silent(0); got != "" {
		t.Errorf("the old channel still carries %q", got)
	}
	l.frame(l.edges[0], 8, "new")
	if got := l.heard(0); got != "new" {
		t.Errorf("the new channel carries %q", got)
	}
}

func TestLinkEndsWithItsLastCall(t *testing.T) {
	l := newLinked(t)
	l.streams[0].Close()
	l.turn()
	l.frame(l.edges[0], 7, "gone")
	l.frame(l.edges[1], 7, "here")
	if a, b := l.silent(0), l.heard(1); a != "" || b != "here" {
		t.Errorf("closed call heard %q, open one %q", a, b)
	}
	l.streams[1].Close()
	l.turn()
	l.turn() // sockets close when every worker has ended a round
	if _, pairs, _ := l.relay.Load(); pairs != 0 || len(l.relay.links) != 0 || len(l.relay.workers[0].out) != 0 {
		t.Errorf("%d pairs, %d links, %d outboxes are left", pairs, len(l.relay.links), len(l.relay.workers[0].out))
	}
}

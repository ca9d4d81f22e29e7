package door

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestSource(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7":            "192.0.2.7/32",
		"::ffff:192.0.2.7":     "192.0.2.7/32",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"fe80::1%eth0":         "fe80::/64",
	} {
		if got := Source(netip.MustParseAddr(addr)).String(); got != want {
			t.Errorf("%s counts as %s, want %s", addr, got, want)
		}
	}
}

func TestCountBoundsAndForgets(t *testing.T) {
	c := NewCount(3, 2)
	a, neighbour, b := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("192.0.2.1")
	for i, step := range []struct {
		who  netip.Addr
		want bool
	}{{a, true}, {neighbour, true}, {a, false}, {b, true}, {b, false}} {
		if got := c.Enter(step.who); got != step.want {
			t.Errorf("step %d: %s enters: %v", i, step.who, got)
		}
	}
	c.Leave(a)
	c.Leave(neighbour)
	c.Leave(b)
	if c.Load() != 0 || len(c.one) != 0 {
		t.Errorf("%d are left, of %d sources", c.Load(), len(c.one))
	}
}

// A few sources that take all they get leave room for those who come after
// them, an office among these; who was there before keeps what he has.
func TestCountKeepsRoomForOthers(t *testing.T) {
	const most, mostOne = 8192, 2048
	c := NewCount(most, mostOne)
	source := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, byte(n >> 8), byte(n)}) }
	fill := func(n int) (got int) {
		for c.Enter(source(n)) {
			got++
		}
		return got
	}
	if got := fill(0); got != mostOne {
		t.Errorf("the first has %d, want all of its %d", got, mostOne)
	}
	for n := 1; n < 4; n++ {
		fill(n)
	}
	if got := fill(4); got < 200 {
		t.Errorf("four sources leave %d to an office", got)
	}
	for n := 5; n < 100; n++ {
		fill(n)
	}
	if got := fill(100); got < 1 {
		t.Errorf("a hundred sources leave nothing of %d to the next", most)
	}
}

func TestSeldom(t *testing.T) {
	now := time.Unix(1000, 0)
	s := Seldom{Clock: func() time.Time { return now }}
	if _, ok := s.Now(); !ok {
		t.Error("the first line is held back")
	}
	s.Now()
	s.Now()
	now = now.Add(seldomEvery)
	if skipped, ok := s.Now(); !ok || skipped != 2 {
		t.Errorf("after the pause: %d, %v", skipped, ok)
	}
}

// What cannot be bound is told, and told to be of no interest once it is not
// wanted any more: an alarm hangs on it.
func TestListenersFollowThePlan(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy, free := AddrPort(taken.Addr()), netip.MustParseAddrPort("127.0.0.1:0")
	told := map[netip.AddrPort]error{}
	l := Listeners{Service: "test", Told: func(a netip.AddrPort, err error) { told[a] = err }}
	if err := l.Apply([]netip.AddrPort{busy, free}); err == nil || told[busy] == nil {
		t.Errorf("a taken port: %v, told %v", err, told)
	}
	if at, ok := l.Bound(free); !ok || at.Port() == 0 {
		t.Errorf("the free one is at %v, %v", at, ok)
	}
	if err := l.Apply([]netip.AddrPort{free}); err != nil || told[busy] != nil {
		t.Errorf("not wanted any more: %v, told %v", err, told)
	}
	ctx, stop := context.WithCancel(t.Context())
	served, done := make(chan net.Conn), make(chan struct{})
	go func() {
		defer close(done)
		l.Run(ctx, func(open net.Listener) error {
			return Accept(ctx, open, nil, func(c net.Conn) { served <- c })
		})
	}()
	at, _ := l.Bound(free)
	c, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	(<-served).Close()
	stop()
	<-done
	if _, ok := l.Bound(free); ok {
		t.Error("it listens after its run")
	}
}

// flaky is a listener on a machine that is short of something.
type flaky struct {
	net.Listener
	fails int
}

func (f *flaky) Accept() (net.Conn, error) {
	if f.fails--; f.fails >= 0 {
		return nil, errors.New("too many open files")
	}
	return nil, net.ErrClosed
}

func TestAcceptOutlivesTrouble(t *testing.T) {
	troubles := 0
	err := Accept(t.Context(), &flaky{fails: 3}, func(error) { troubles++ }, func(net.Conn) {})
	if !errors.Is(err, net.ErrClosed) || troubles != 3 {
		t.Errorf("%v after %d troubles", err, troubles)
	}
}

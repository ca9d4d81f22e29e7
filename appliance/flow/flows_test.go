package flow

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/door"
	"sallyport/appliance/sip"
	"sallyport/appliance/xapi"
)

// TestApply applies a plan twice, changes it, and takes it away.
func TestApply(t *testing.T) {
	plan := Plan{Listeners: []Listener{tcpOpen, udpInside}}
	w := newWorld(t, plan, nil)
	before := w.flows.Listeners()
	c := w.tcp(tcpOpen)
	send(t, c, message(1, 0))
	w.next()
	if err := w.flows.Apply(plan); err != nil {
		t.Fatal(err)
	}
	for i, l := range w.flows.Listeners() {
		if l != before[i] || l.Bound.Port() == 0 {
			t.Errorf("listener %v became %v", before[i], l)
		}
	}
	send(t, c, message(2, 0))
	w.next()
	inside := tcpInside
	if err := w.flows.Apply(Plan{Listeners: []Listener{inside}}); err != nil {
		t.Fatal(err)
	}
	ends(t, c)
	if _, err := net.Dial("tcp", before[0].Bound.String()); err == nil {
		t.Error("the old address still takes connections")
	}
	send(t, w.tcp(inside), message(3, 0))
	w.next()
	if n := len(w.flows.Listeners()); n != 1 {
		t.Errorf("%d listeners, want 1", n)
	}
}

// TestTaken wants an address that somebody else has, and gets it later.
func TestTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, Plan{}, nil)
	l := Listener{Network: "TCP", Addr: door.AddrPort(taken.Addr()), Open: true}
	if err := w.flows.Apply(Plan{Listeners: []Listener{l}}); err == nil {
		t.Fatal("binding a taken address did not fail")
	}
	if err := <-w.listen; err == nil {
		t.Error("the alarm was told that all is well")
	}
	taken.Close()
	select {
	case err := <-w.listen:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("the address was not tried again")
	}
	send(t, w.tcp(l), message(1, 0))
	w.next()
}

// TestSource bounds the connections of one source until they are authenticated.
func TestSource(t *testing.T) {
	w := newWorld(t, Plan{Listeners: []Listener{tcpOpen}, Limits: Limits{SourceConnections: 2, Connections: 3}}, nil)
	var conns []net.Conn
	for n := range 2 {
		conns = append(conns, w.tcp(tcpOpen))
		send(t, conns[n], message(n, 0))
		defer conns[n].Close()
	}
	first := w.next().conn
	w.next()
	ends(t, w.tcp(tcpOpen))
	first.SetAuthenticated(true)
	third := w.tcp(tcpOpen)
	send(t, third, message(3, 0))
	w.next().conn.SetAuthenticated(true)
	ends(t, w.tcp(tcpOpen)) // now the total is full
	if s := w.flows.Stats(); s.SourceFull != 1 || s.Full != 1 || s.Connections != 3 {
		t.Errorf("stats %+v", s)
	}
	third.Close()
	w.over()
	eventually(t, "room for another", func() bool {
		c := w.tcp(tcpOpen)
		send(t, c, message(4, 0))
		select {
		case <-w.got:
			return true
		case <-time.After(50 * time.Millisecond):
			return false
		}
	})
}

// TestRate reads a stranger no faster than its source may ask, and loses nothing.
func TestRate(t *testing.T) {
	w := newWorld(t, Plan{Listeners: []Listener{tcpOpen}, Limits: Limits{SourceRate: 100, SourceBurst: 5}}, nil)
	began := time.Now()
	for n := range 3 {
		c := w.tcp(tcpOpen)
		for i := range 10 {
			send(t, c, message(n*10+i, 0))
		}
	}
	for range 30 {
		w.next()
	}
	if d := time.Since(began); d < 200*time.Millisecond {
		t.Errorf("30 requests took %v, want 250 ms", d)
	}
}

// TestPings: keepalives cost us more than a stranger, so they are counted like
// messages.
func TestPings(t *testing.T) {
	w := newWorld(t, Plan{Listeners: []Listener{tcpOpen}, Limits: Limits{SourceRate: 100, SourceBurst: 5}}, nil)
	request := "\x00\x01\x00\x00\x21\x12\xa4\x42transaction1"
	c := w.tcp(tcpOpen)
	began := time.Now()
	send(t, c, strings.Repeat("\r\n\r\n"+request, 15))
	reads(t, c, 15*(2+32))
	if d := time.Since(began); d < 200*time.Millisecond {
		t.Errorf("30 keepalives took %v, want 250 ms", d)
	}
}

// TestSources forgets sources when there are too many, but not their connections.
func TestSources(t *testing.T) {
	var s sources
	s.resize(Limits{Sources: 256}.withDefaults())
	held := netip.MustParseAddr("2001:db8:1:2::1")
	if !s.enter(held, 1) {
		t.Fatal("a first connection was refused")
	}
	for i := range 10_000 {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if !s.enter(a, 1) {
			t.Fatal("a new source was refused")
		}
		s.limiter(a)
		s.leave(a)
	}
	total := 0
	for i := range s.shards {
		total += len(s.shards[i].held)
		if len(s.shards[i].held) != s.shards[i].order.Len() {
			t.Error("the order is not that of the table")
		}
	}
	if total > 300 {
		t.Errorf("%d sources remembered", total)
	}
	if s.enter(netip.MustParseAddr("2001:db8:1:2:ffff::9"), 1) {
		t.Error("another address of the same /64 had a connection of its own")
	}
	s.leave(held)
	if !s.enter(held, 1) {
		t.Error("a connection that ended still counts")
	}
}

// TestDial shares connections by target and verified name, in both directions.
func TestDial(t *testing.T) {
	w := newWorld(t, Plan{Listeners: []Listener{tlsOpen, tcpInside}}, nil)
	addr := netip.MustParseAddrPort(w.addr(tlsOpen))
	target := Target{Network: "TLS", Addr: addr, ServerName: "edge.example.com", TLS: w.client("edge.example.com"), Zone: "far"}
	if w.flows.Lookup(target) != nil {
		t.Error("a connection before the first dial")
	}
	var same sync.Map
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			c, err := w.flows.Dial(context.Background(), target)
			if err != nil {
				t.Error(err)
				return
			}
			same.Store(c.ID(), c)
		})
	}
	wait.Wait()
	n := 0
	var c *Conn
	same.Range(func(_, v any) bool { n++; c = v.(*Conn); return true })
	if n != 1 || w.flows.Lookup(target) != c || c.Zone() != "far" {
		t.Fatalf("%d connections, zone %q", n, c.Zone())
	}
	if err := c.Send([]byte(message(1, 0))); err != nil {
		t.Fatal(err)
	}
	far := w.next().conn // the accepted end, in the same Flows
	if err := far.Send([]byte(message(2, 0))); err != nil {
		t.Fatal(err)
	}
	if r := w.next(); r.conn != c {
		t.Error("the request did not come over the dialled connection")
	}
	other := target
	other.ServerName, other.TLS = "other.example.com", w.client("other.example.com")
	if _, err := w.flows.Dial(context.Background(), other); err == nil {
		t.Error("a connection for a name that the certificate lacks")
	}
	c.Close()
	w.over()
	if again, err := w.flows.Dial(context.Background(), target); err != nil || again == c {
		t.Errorf("no new connection: %v", err)
	}
	if _, err := w.flows.Dial(context.Background(), Target{Network: "TCP", Addr: netip.MustParseAddrPort("127.0.0.1:1")}); err == nil {
		t.Error("a connection to nowhere")
	}
}

func TestNoDial(t *testing.T) {
	f := New(Config{OnMessage: func(*Conn, *sip.Message) {}})
	if _, err := f.Dial(context.Background(), Target{Network: "UDP"}); !errors.Is(err, ErrNoDial) {
		t.Errorf("got %v, want ErrNoDial", err)
	}
}

// TestOutboundPorts dials from the range that firewalls were told of.
func TestOutboundPorts(t *testing.T) {
	plan := Plan{Listeners: []Listener{tcpInside}, Limits: Limits{OutboundLow: 41000, OutboundHigh: 41003}}
	w := newWorld(t, plan, nil)
	local := netip.MustParseAddr("127.0.0.1")
	for round := range 4 { // as many as there are ports: those at rest are passed over
		c, err := w.flows.Dial(context.Background(), Target{Network: "TCP", Addr: netip.MustParseAddrPort(w.addr(tcpInside)), Local: local})
		if err != nil {
			t.Fatal(round, err)
		}
		if p := c.Local().Port(); p < 41000 || p > 41003 {
			t.Errorf("dialled from port %d", p)
		}
		c.Close()
		w.over()
	}
}

// TestUDP talks to two clients over one socket and forgets the older one.
func TestUDP(t *testing.T) {
	w := newWorld(t, Plan{Listeners: []Listener{udpInside}, Limits: Limits{UDPRemotes: 1}}, nil)
	client := func() net.Conn {
		c, err := net.Dial("udp", w.addr(udpInside))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	a, b := client(), client()
	send(t, a, "\r\n\r\n")
	send(t, a, message(1, 3))
	first := w.next()
	if first.conn.Reliable() || first.conn.Network() != "UDP" || string(first.msg.Body()) != "xxx" {
		t.Errorf("got %v", first)
	}
	send(t, a, message(2, 0))
	if again := w.next(); again.conn != first.conn {
		t.Error("one remote, two connections")
	}
	if err := first.conn.Send([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	same(t, reads(t, a, 6), []byte("answer"))
	send(t, b, message(3, 0))
	w.next()
	send(t, a, message(4, 0))
	if again := w.next(); again.conn == first.conn {
		t.Error("more remotes are remembered than may be")
	}
	remote := netip.MustParseAddrPort(b.LocalAddr().String())
	c, err := w.flows.Dial(context.Background(), Target{Network: "UDP", Addr: remote})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Send([]byte("hello"))
	same(t, reads(t, b, 5), []byte("hello"))
	_ = first.conn.SendTo(remote.Port(), []byte("to b"))
	same(t, reads(t, b, 4), []byte("to b"))
}

// TestBatch lets many senders share one inside connection: every message
// arrives whole and each sender's in order.
func TestBatch(t *testing.T) {
	w := newWorld(t, Plan{Listeners: []Listener{tcpInside}}, nil)
	c := w.tcp(tcpInside)
	send(t, c, message(0, 0))
	conn := w.next().conn
	const senders, each = 8, 200
	var wait sync.WaitGroup
	for s := range senders {
		wait.Go(func() {
			for i := range each {
				if err := conn.Send([]byte(strconv.Itoa(s) + strconv.Itoa(100+i) + "\n")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	got := reads(t, c, senders*each*5)
	wait.Wait()
	var last [senders]int
	for i := 0; i < len(got); i += 5 {
		s, n := int(got[i]-'0'), int(got[i+1]-'0')*100+int(got[i+2]-'0')*10+int(got[i+3]-'0')
		if n != 100+last[s] {
			t.Fatalf("sender %d: %d after %d", s, n, last[s]+99)
		}
		last[s]++
	}
}

// TestStrangerAgain: a connection that lost its last registration counts with
// its source again, and for as little silence.
func TestStrangerAgain(t *testing.T) {
	plan := Plan{Listeners: []Listener{tcpOpen}, Limits: Limits{SourceConnections: 1, Idle: time.Hour}}
	w := newWorld(t, plan, nil)
	c := w.tcp(tcpOpen)
	send(t, c, message(1, 0))
	conn := w.next().conn
	conn.SetAuthenticated(true)
	other := w.tcp(tcpOpen) // there is room beside one who is known
	send(t, other, message(2, 0))
	w.next()
	other.Close()
	w.over()
	conn.SetAuthenticated(false)
	ends(t, w.tcp(tcpOpen)) // and none beside a stranger
	conn.SetAuthenticated(true)
	plan.Limits.Idle = 200 * time.Millisecond
	if err := w.flows.Apply(plan); err != nil {
		t.Fatal(err)
	}
	conn.SetAuthenticated(false)
	ends(t, c) // a stranger who was silent too long
	w.over()
	again := w.tcp(tcpOpen)
	send(t, again, message(3, 0))
	w.next()
}

// TestStorm opens and closes connections from many sides while the plan
// changes, for the race detector; goleak looks for what stays.
func TestStorm(t *testing.T) {
	var seen atomic.Int64
	w := newWorld(t, Plan{Listeners: []Listener{tlsOpen, tcpOpen}}, func(c *Config) {
		c.OnMessage = func(c *Conn, m *sip.Message) {
			seen.Add(1)
			c.SetOwner(m.CallID())
			c.SetAuthenticated(true)
			_ = c.Send(m.Reply(200, "OK").Bytes())
		}
		c.OnClose, c.OnFault = func(*Conn) {}, nil
	})
	var wait sync.WaitGroup
	for n := range 4 {
		addr := w.addr(tcpOpen)
		wait.Go(func() {
			for i := range 50 {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					return
				}
				_, _ = c.Write([]byte(message(n*100+i, 10)))
				if i%2 == 0 {
					_ = c.SetReadDeadline(time.Now().Add(time.Second))
					_, _ = c.Read(make([]byte, 100))
				}
				c.Close()
			}
		})
	}
	wait.Wait()
	_ = w.flows.Apply(Plan{Listeners: []Listener{tlsOpen}})
	eventually(t, "all connections gone", func() bool { return w.flows.Stats().Connections == 0 })
	if seen.Load() == 0 {
		t.Error("no message came")
	}
}

func TestPlanFrom(t *testing.T) {
	const lines = `Ethernet 1 IP V4 Address: "127.10.0.1"
Ethernet 1 IP V6 Address: "2001:db8::1"
Ethernet 2 IP V4 Address: "127.10.1.1"
SIP TCP Mode: On
SIP Advanced SipMaxSize: 20000`
	for _, c := range []struct {
		role  xapi.Role
		extra string
		want  string
	}{
		{xapi.Edge, "", "TLS 127.10.0.1:5061 outside open, TCP 127.10.0.1:5060 outside open, TLS [2001:db8::1]:5061 outside open, TCP [2001:db8::1]:5060 outside open, "},
		{xapi.Edge, "\nIP External Interface: LAN2\nSIP TLS Port: 5071", "TLS 127.10.1.1:5071 outside open, TCP 127.10.1.1:5060 outside open, "},
		{xapi.Core, "\nSIP UDP Mode: On\nEthernet 1 IP V6 Address: \"\"\nSIP TLS Mode: Off", "TCP 127.10.0.1:5060 inside, UDP 127.10.0.1:5060 inside, TCP 127.10.1.1:5060 inside, UDP 127.10.1.1:5060 inside, "},
		{xapi.Edge, "\nSIP Mode: Off", ""},
	} {
		p := PlanFrom(config.NewSnapshotForTest(c.role, lines+c.extra), c.role)
		got := ""
		for _, l := range p.Listeners {
			got += l.Network + " " + l.Addr.String() + " " + l.Zone
			if l.Open {
				got += " open"
			}
			got += ", "
		}
		if got != c.want {
			t.Errorf("%v %q: got %s\nwant %s", c.role, c.extra, got, c.want)
		}
		if !p.Equal(p) || p.Limits.MessageSize != 20000 || (p.Limits.OutboundLow == 25000) != (c.role == xapi.Core) {
			t.Errorf("limits %+v", p.Limits)
		}
	}
}

// TestHandshakesHeldOpen: strangers who begin handshakes and say no more keep
// nobody out; the oldest of them goes.
func TestHandshakesHeldOpen(t *testing.T) {
	w := newWorld(t, Plan{Listeners: []Listener{tlsOpen}, Limits: Limits{Handshakes: 4, Handshake: time.Minute}}, nil)
	var silent []net.Conn
	for range 8 {
		c, err := net.Dial("tcp", w.addr(tlsOpen))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		silent = append(silent, c)
	}
	gone := make(chan struct{}, len(silent))
	for _, c := range silent {
		go func() { // until it is closed, by this test at the latest
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				gone <- struct{}{}
			}
		}()
	}
	for range len(silent) - 4 {
		select {
		case <-gone:
		case <-time.After(20 * time.Second):
			t.Fatal("old ones stay")
		}
	}
	defer w.tls(tlsOpen).Close()
}

// TestUnnamed: who came by an address asked for no name.
func TestUnnamed(t *testing.T) {
	w := newWorld(t, Plan{Listeners: []Listener{tlsOpen}}, nil)
	for name, want := range map[string]bool{"edge.example.com": false, "": true} {
		c, err := tls.Dial("tcp", w.addr(tlsOpen), &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		c.Write([]byte(message(1, 10)))
		if got := w.next().conn.Unnamed(); got != want {
			t.Errorf("%q: unnamed %v", name, got)
		}
		c.Close()
	}
}

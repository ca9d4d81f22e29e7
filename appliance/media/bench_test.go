package media

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"sallyport/appliance/rtp"
	"sallyport/appliance/sdp"
)

// BenchmarkEdge sends through an edge alone: client to link and link to
// client, with this test as core.
func BenchmarkEdge(b *testing.B) {
	for _, way := range []string{"in", "out"} {
		b.Run(way, func(b *testing.B) { benchEdge(b, way == "in") })
	}
}

// benchRelay is a relay that nobody runs: the benchmark turns its only worker
// itself, so that nothing but rounds is measured. Loopback delivers in the
// sender's thread, so a round holds the way into the far socket too.
func benchRelay(b *testing.B, p Plan) *Relay {
	b.Helper()
	r := New(Config{Workers: 1})
	if err := r.Apply(p); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		r.Run(ctx)
	})
	return r
}

const benchStreams = 200

func benchEdge(b *testing.B, in bool) {
	host := netip.MustParseAddr("127.59.9.1")
	r := benchRelay(b, Plan{Edge: true, Client: Addresses{V4: netip.MustParseAddr("127.59.0.1")},
		Inner: Addresses{V4: netip.MustParseAddr("127.59.1.1")}, PortStart: 36000, PortEnd: 38000, LinkRTP: 2776, LinkRTCP: 2777})
	s, err := r.Session(1)
	if err != nil {
		b.Fatal(err)
	}
	client, core := benchSocket(b, host), benchSocket(b, netip.MustParseAddr("127.59.1.2"))
	at := benchAddr(client)
	var streams []*EdgeStream
	for i := range benchStreams {
		st, err := s.OpenEdge(i, false)
		if err != nil {
			b.Fatal(err)
		}
		st.Set(EdgeWant{Signaled: [2]netip.AddrPort{at, at}, Host: host})
		st.proved[compRTP].Store(time.Now().UnixNano())
		st.core[compRTP].Store(newEndpoint(benchAddr(core)))
		cand, _ := st.latch[compRTP].admit(at, time.Now().UnixNano())
		st.latch[compRTP].confirm(cand.tag, 1)
		st.dest[compRTP].Store(cand.to)
		streams = append(streams, st)
	}
	from, to := client, core
	targets, frames := make([]netip.AddrPort, benchStreams), make([][]byte, benchStreams)
	for i, st := range streams {
		targets[i], _ = st.Local()
		frames[i] = benchPacket(uint32(i))
		if !in {
			targets[i] = netip.MustParseAddrPort("127.59.1.1:2776")
			h := make([]byte, frameHeader)
			frame{kind: frameMedia, channel: st.Channel().ID}.put(h)
			frames[i] = append(h, frames[i]...)
		}
	}
	if !in {
		from, to = core, client
	}
	pump(b, r, from, to, targets, func(i int, seq uint16) []byte {
		f := frames[i]
		rtp.Packet(f[len(f)-172:]).SetSequence(seq)
		return f
	})
}

// BenchmarkCore sends SRTP from a test edge through a core to a test phone.
func BenchmarkCore(b *testing.B) {
	for _, suite := range sdp.Suites() {
		b.Run(string(suite), func(b *testing.B) { benchCore(b, suite) })
	}
}

func benchCore(b *testing.B, suite sdp.Suite) {
	r := benchRelay(b, Plan{Inner: Addresses{V4: netip.MustParseAddr("127.59.1.2")}, PortStart: 36000, PortEnd: 38000})
	s, err := r.Session(1)
	if err != nil {
		b.Fatal(err)
	}
	edge, inside := benchSocket(b, netip.MustParseAddr("127.59.1.1")), benchSocket(b, netip.MustParseAddr("127.59.2.1"))
	key, salt := suite.Lengths()
	keys := rtp.Keys{Suite: string(suite), Keys: []rtp.Key{{Master: make([]byte, key+salt)}}}
	targets, heads, senders := make([]netip.AddrPort, benchStreams), make([][]byte, benchStreams), make([]*rtp.Sender, benchStreams)
	for i := range benchStreams {
		st, err := s.OpenCore(i, Channel{}, benchAddr(edge), benchAddr(edge), false)
		if err != nil {
			b.Fatal(err)
		}
		at := benchAddr(inside)
		if err := st.Set(CoreWant{Inside: [2]netip.AddrPort{at, at}, FromClient: keys}); err != nil {
			b.Fatal(err)
		}
		targets[i], _ = st.LinkLocal()
		heads[i] = make([]byte, frameHeader, 256)
		frame{kind: frameMedia, flags: flagConfirmed, channel: st.Channel().ID}.put(heads[i])
		if senders[i], err = rtp.NewSender(keys); err != nil {
			b.Fatal(err)
		}
	}
	plain := benchPacket(9)
	pump(b, r, edge, inside, targets, func(i int, seq uint16) []byte {
		p := append(make([]byte, 0, 256), plain...)
		rtp.Packet(p).SetSequence(seq)
		out, err := senders[i].Protect(p)
		if err != nil {
			b.Fatal(err)
		}
		return append(heads[i][:frameHeader], out...)
	})
}

func benchPacket(ssrc uint32) []byte {
	p := make([]byte, 172)
	p[0], p[11] = 0x80, byte(ssrc)
	return p
}

func benchSocket(b *testing.B, a netip.Addr) *net.UDPConn {
	b.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
	if err != nil {
		b.Fatal(err)
	}
	c.SetReadBuffer(4 << 20)
	b.Cleanup(func() { c.Close() })
	return c
}

func benchAddr(c *net.UDPConn) netip.AddrPort {
	a := c.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// pump sends b.N packets in bursts of one per stream, turns the worker after
// each and drains the far end. It reports a packet's share of a round.
func pump(b *testing.B, r *Relay, from, to *net.UDPConn, targets []netip.AddrPort, packet func(i int, seq uint16) []byte) {
	b.Helper()
	w, spent, got, buf := r.workers[0], time.Duration(0), 0, make([]byte, 2048)
	w.round() // what the set-up asked for
	for sent, seq := 0, uint16(1); sent < b.N; seq++ {
		n := min(len(targets), b.N-sent)
		for i := range n {
			from.WriteToUDPAddrPort(packet(i, seq), targets[i])
		}
		sent += n
		began := time.Now()
		w.round()
		spent += time.Since(began)
		to.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		for ; n > 0; n-- {
			if _, err := to.Read(buf); err != nil {
				break
			}
			got++
		}
	}
	b.ReportMetric(float64(spent)/float64(b.N), "relay-ns/packet")
	b.ReportMetric(100*float64(got)/float64(b.N), "%arrived")
}

// TestMemoryPerCall holds a call at core and at edge to ten kilobytes each.
func TestMemoryPerCall(t *testing.T) {
	r := New(Config{Workers: 1})
	if err := r.Apply(Plan{Inner: Addresses{V4: netip.MustParseAddr("127.57.1.2")}, PortStart: 36000, PortEnd: 42000}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	defer r.Run(ctx)
	const n = 500
	before := heap()
	for id := SessionID(1); id <= n; id++ {
		if err := benchCall(r, id); err != nil {
			t.Fatal(err)
		}
	}
	per := (heap() - before) / n
	t.Logf("%d bytes of heap per call at core, two SRTP contexts included", per)
	if per > 10<<10 {
		t.Errorf("%d bytes per call, want at most 10 KB", per)
	}
}

func benchCall(r *Relay, id SessionID) error {
	s, err := r.Session(id)
	if err != nil {
		return err
	}
	at := netip.MustParseAddrPort("127.57.1.1:2776")
	st, err := s.OpenCore(0, Channel{}, at, at, false)
	if err != nil {
		return err
	}
	keys := rtp.Keys{Suite: "AES_CM_128_HMAC_SHA1_80", Keys: []rtp.Key{{Master: []byte(fmt.Sprintf("%030d", id))}}}
	return st.Set(CoreWant{Inside: [2]netip.AddrPort{at, at}, FromClient: keys, ToClient: keys})
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

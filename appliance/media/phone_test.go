package media_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/appliance/core"
	"sallyport/appliance/edge"
	"sallyport/appliance/media"
	"sallyport/appliance/rtp"
	"sallyport/appliance/sdp"
)

// pair is an edge and a core on loopback, joined as the link would join them.
type pair struct {
	t          *testing.T
	edge       *edge.Media
	core       *core.Media
	edgeRelay  *media.Relay
	coreRelay  *media.Relay
	edgePlan   media.Plan
	corePlan   media.Plan
	clock      *clock
	silences   chan media.Silence
	policy     media.Policy
	clientHost netip.Addr
	insideHost netip.Addr
	link       [2]netip.AddrPort // where core finds edge's link ports, if not at edge
	stop       func()
}

// clock is real time plus what a test adds to it.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time                   { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration)          { c.ahead.Add(int64(d)) }
func addr(s string) netip.Addr                    { return netip.MustParseAddr(s) }
func addrPort(a netip.Addr, p int) netip.AddrPort { return netip.AddrPortFrom(a, uint16(p)) }

// Each pair has a loopback network of its own, above those that test/pair takes.
var nets atomic.Int32

const firstNet, lastNet = 221, 250

type option func(*pair, *media.Config)

func v6(p *pair, _ *media.Config) {
	p.edgePlan.Client = media.Addresses{V6: addr("::1")}
	p.clientHost = addr("::1")
}

func insideV6(p *pair, _ *media.Config) {
	p.corePlan.Inner.V6 = addr("::1")
	p.insideHost = addr("::1")
}

func newPair(t *testing.T, opts ...option) *pair {
	t.Helper()
	n := nets.Add(1)
	at := func(host string) netip.Addr {
		return addr(fmt.Sprintf("127.%d.%s", firstNet+int(n)%(lastNet-firstNet+1), host))
	}
	p := &pair{t: t, clock: &clock{}, silences: make(chan media.Silence, 16), clientHost: at("9.1"), insideHost: at("2.1")}
	p.edgePlan = media.Plan{Edge: true, Client: media.Addresses{V4: at("0.1")}, Inner: media.Addresses{V4: at("1.1")},
		PortStart: 36000, PortEnd: 39999, LinkRTP: 2776, LinkRTCP: 2777}
	p.corePlan = media.Plan{Inner: media.Addresses{V4: at("1.2")}, PortStart: 36000, PortEnd: 43999}
	cfg := media.Config{Clock: p.clock.now, Workers: 2, OnSilent: func(s media.Silence) { p.silences <- s }}
	if os.Getenv("MEDIA_LOG") != "" {
		cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	for _, o := range opts {
		o(p, &cfg)
	}
	p.edgeRelay, p.coreRelay = media.New(cfg), media.New(cfg)
	must(t, p.edgeRelay.Apply(p.edgePlan))
	must(t, p.coreRelay.Apply(p.corePlan))
	p.edge = edge.NewMedia(edge.MediaConfig{Relay: p.edgeRelay, Clock: p.clock.now, Log: cfg.Log})
	p.core = core.NewMedia(core.MediaConfig{Relay: p.coreRelay, Clock: p.clock.now, Log: cfg.Log,
		EdgeMedia: func(string) (netip.AddrPort, netip.AddrPort, bool) {
			if p.link[0].IsValid() {
				return p.link[0], p.link[1], true
			}
			a := p.edgePlan.Inner.Pick(false)
			return addrPort(a, 2776), addrPort(a, 2777), true
		}})
	p.run()
	return p
}

func (p *pair) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- p.edgeRelay.Run(ctx) }()
	go func() { done <- p.coreRelay.Run(ctx) }()
	p.stop = func() {
		cancel()
		<-done
		<-done
		p.stop = func() {}
	}
	p.t.Cleanup(func() { p.stop() })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// use tells both nodes about a call.
func (p *pair) use(id media.SessionID) {
	p.edge.Use(id, edge.MediaCall{Client: netip.AddrPortFrom(p.clientHost, 5061), Label: fmt.Sprint("call-", id)})
	p.core.Use(id, core.MediaCall{Peer: "edge", Policy: p.policy, Label: fmt.Sprint("call-", id)})
}

// inward takes a client's description through both nodes.
func (p *pair) inward(id media.SessionID, kind media.Kind, body string) (string, error) {
	link, err := p.edge.Inward(id, 0, kind, []byte(body), "trace")
	if err != nil {
		return "", fmt.Errorf("edge: %w", err)
	}
	out, err := p.core.Inward(id, 0, kind, link, "trace")
	if err != nil {
		return "", fmt.Errorf("core: %w", err)
	}
	return string(out), nil
}

// outward takes an inside description through both nodes.
func (p *pair) outward(id media.SessionID, kind media.Kind, body string) (string, error) {
	link, err := p.core.Outward(id, 0, kind, []byte(body), "trace")
	if err != nil {
		return "", fmt.Errorf("core: %w", err)
	}
	out, err := p.edge.Outward(id, 0, kind, link, "trace")
	if err != nil {
		return "", fmt.Errorf("edge: %w", err)
	}
	p.noInside(string(out))
	return string(out), nil
}

// noInside checks what leaves for the client.
func (p *pair) noInside(body string) {
	p.t.Helper()
	for _, a := range []netip.Addr{p.edgePlan.Inner.V4, p.corePlan.Inner.V4, p.insideHost} {
		if a != p.clientHost && strings.Contains(body, a.String()) {
			p.t.Errorf("description that leaves names %s:\n%s", a, body)
		}
	}
	if strings.Contains(body, media.Attribute) {
		p.t.Errorf("description that leaves carries a=%s:\n%s", media.Attribute, body)
	}
}

// phone is one end: a socket pair, and keys if it speaks SRTP.
type phone struct {
	t       *testing.T
	rtp     *net.UDPConn
	rtcp    *net.UDPConn
	mux     bool
	keys    rtp.Keys // ours
	tx      *rtp.Sender
	rx      *rtp.Receiver
	to      netip.AddrPort
	toRTCP  netip.AddrPort
	ssrc    uint32
	seq     uint16
	version int
}

func newPhone(t *testing.T, host netip.Addr) *phone {
	t.Helper()
	p := &phone{t: t, ssrc: 0x1000 + uint32(nets.Add(0)), seq: 100}
	p.rtp, p.rtcp = listen(t, host), listen(t, host)
	return p
}

func listen(t *testing.T, host netip.Addr) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(host, 0)))
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func local(c *net.UDPConn) netip.AddrPort {
	a := c.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// secure gives the phone a key of its own.
func (p *phone) secure(suite sdp.Suite) *phone {
	key, salt := suite.Lengths()
	m := make([]byte, key+salt)
	for i := range m {
		m[i] = byte(i) ^ byte(p.ssrc) ^ byte(p.version)
	}
	p.keys = rtp.Keys{Suite: string(suite), Keys: []rtp.Key{{Master: m}}}
	tx, err := rtp.NewSender(p.keys)
	must(p.t, err)
	p.tx = tx
	return p
}

// describe writes the phone's description; more lines go below the m-line.
func (p *phone) describe(more ...string) string {
	at := local(p.rtp)
	p.version++
	fam := "IP4"
	if at.Addr().Is6() {
		fam = "IP6"
	}
	proto := "RTP/AVP"
	lines := []string{"v=0", fmt.Sprintf("o=phone 7 %d IN %s %s", p.version, fam, at.Addr()), "s=-",
		fmt.Sprintf("c=IN %s %s", fam, at.Addr()), "t=0 0"}
	if p.keys.Set() {
		proto = "RTP/SAVP"
	}
	lines = append(lines, fmt.Sprintf("m=audio %d %s 0 101", at.Port(), proto))
	if p.keys.Set() {
		lines = append(lines, "a=crypto:"+sdp.Crypto{Tag: 3, Suite: sdp.Suite(p.keys.Suite), Keys: []sdp.Key{{Master: p.keys.Keys[0].Master}}}.Line())
	}
	if p.mux {
		lines = append(lines, "a=rtcp-mux")
	} else {
		lines = append(lines, fmt.Sprintf("a=rtcp:%d", local(p.rtcp).Port()))
	}
	lines = append(lines, "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000")
	return strings.Join(append(lines, more...), "\r\n") + "\r\n"
}

// hear reads the far description: where to send and with which keys to read.
func (p *phone) hear(body string) {
	p.t.Helper()
	b, err := sdp.Parse([]byte(body))
	must(p.t, err)
	p.to = netip.AddrPortFrom(b.Conn(0).Addr, uint16(b.Media[0].M().Port))
	p.toRTCP = b.RTCP(0)
	if p.mux {
		p.toRTCP = p.to
	}
	for _, c := range b.Media[0].Crypto() {
		if string(c.Suite) == p.keys.Suite {
			p.rx, err = rtp.NewReceiver(rtp.Keys{Suite: p.keys.Suite, Keys: []rtp.Key{{Master: c.Keys[0].Master}}})
			must(p.t, err)
		}
	}
}

// packet is the next RTP packet, sealed if the phone has keys.
func (p *phone) packet(payload string) []byte {
	p.seq++
	b := make([]byte, 12, 256)
	b[0], b[1], b[2], b[3] = 0x80, 0, byte(p.seq>>8), byte(p.seq)
	b[4], b[5], b[6], b[7] = 0, byte(p.seq>>8), byte(p.seq), 0
	b[8], b[9], b[10], b[11] = byte(p.ssrc>>24), byte(p.ssrc>>16), byte(p.ssrc>>8), byte(p.ssrc)
	b = append(b, payload...)
	if p.tx == nil {
		return b
	}
	out, err := p.tx.Protect(b)
	must(p.t, err)
	return out
}

// report is a receiver report with one block.
func (p *phone) report() []byte {
	b := make([]byte, 32, 256)
	b[0], b[1], b[3] = 0x81, 201, 7
	b[7] = byte(p.ssrc)
	b[12] = 64 // a quarter lost
	if p.tx == nil {
		return b
	}
	out, err := p.tx.ProtectRTCP(b)
	must(p.t, err)
	return out
}

func (p *phone) send(payload string) { p.sendFrom(p.rtp, p.packet(payload)) }
func (p *phone) sendFrom(c *net.UDPConn, b []byte) {
	p.t.Helper()
	_, err := c.WriteToUDPAddrPort(b, p.to)
	must(p.t, err)
}

func (p *phone) sendReport() {
	p.t.Helper()
	c := p.rtcp
	if p.mux {
		c = p.rtp
	}
	_, err := c.WriteToUDPAddrPort(p.report(), p.toRTCP)
	must(p.t, err)
}

var errNothing = errors.New("nothing came")

// recv reads one datagram within d.
func recv(c *net.UDPConn, d time.Duration) ([]byte, error) {
	buf := make([]byte, 2048)
	c.SetReadDeadline(time.Now().Add(d))
	n, err := c.Read(buf)
	if err != nil {
		return nil, errNothing
	}
	return buf[:n], nil
}

// got reads until a packet with that payload comes, and fails after d.
func (p *phone) got(c *net.UDPConn, payload string, d time.Duration) bool {
	p.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		b, err := recv(c, time.Until(end))
		if err != nil {
			return false
		}
		if p.rx != nil {
			out, verdict := p.rx.Unprotect(b)
			if verdict != rtp.Good {
				continue
			}
			b = out
		}
		if string(b[12:]) == payload {
			return true
		}
	}
	return false
}

// talk sends from one phone until the other hears it.
func talk(t *testing.T, from, to *phone, payload string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		from.send(payload)
		if to.got(to.rtp, payload, 30*time.Millisecond) {
			return
		}
	}
	t.Errorf("%q never came", payload)
}

// reports sends RTCP until the other end gets some on the socket it should.
func reports(t *testing.T, from, to *phone) {
	t.Helper()
	c := to.rtcp
	if to.mux {
		c = to.rtp
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		from.sendReport()
		b, err := recv(c, 30*time.Millisecond)
		if err != nil || rtp.Demux(b) != rtp.RTCP {
			continue
		}
		if to.rx != nil {
			var verdict rtp.Verdict
			if b, verdict = to.rx.UnprotectRTCP(b); verdict != rtp.Good {
				continue
			}
		}
		if b[12] == 64 {
			return
		}
	}
	t.Error("no report came")
}

// waitFor polls, because what it waits for is the kernel's doing.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

// call sets up a call that the client begins.
func (p *pair) call(id media.SessionID, client, inside *phone) {
	p.t.Helper()
	p.use(id)
	in, err := p.inward(id, media.Offer, client.describe())
	must(p.t, err)
	inside.hear(in)
	out, err := p.outward(id, media.Answer, inside.describe())
	must(p.t, err)
	client.hear(out)
}

func (p *pair) stats(r *media.Relay) media.StreamStats {
	p.t.Helper()
	for _, s := range r.Status() {
		for _, st := range s.Streams {
			return st
		}
	}
	p.t.Fatal("no stream")
	return media.StreamStats{}
}

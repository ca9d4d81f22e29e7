package turn

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"maps"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pion/turn/v5"
	"go.uber.org/goleak"

	"sallyport/appliance/door"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stand is a running server on a loopback address of its own.
type stand struct {
	*testing.T
	s    *Server
	plan Plan
	at   netip.AddrPort
}

func open(t *testing.T, change func(*Plan)) *stand {
	t.Helper()
	port := freePort(t)
	at := netip.MustParseAddrPort("127.0.0.1:" + port)
	p := Plan{
		On: true, UDP: true, TCP: true, Listen: []netip.AddrPort{at}, Realm: "TANDBERG", Accounts: map[string]string{"desk": "secret"},
		PortStart: 20000, PortEnd: 29999, Outside: addrs("127.0.0.1"), Own: addrs("127.0.0.1", "127.0.0.77"), Allow: prefixes("127.0.0.0/8"),
	}
	if change != nil {
		change(&p)
	}
	s := New(Config{Log: slog.New(slog.DiscardHandler), Secret: Secret("s"), TLS: certificate(t)})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	if err := s.Apply(p); err != nil {
		t.Fatal(err)
	}
	return &stand{t, s, p, at}
}

// freePort is one that is free for TCP and UDP, below those that the kernel gives
// to whoever asks for any.
func freePort(t *testing.T) string {
	t.Helper()
	var errs error
	for range 100 {
		port := strconv.Itoa(30000 + mathrand.IntN(1500))
		c, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			errs = errors.Join(errs, err)
			continue
		}
		c.Close()
		u, err := net.ListenPacket("udp", "127.0.0.1:"+port)
		if err != nil {
			errs = errors.Join(errs, err)
			continue
		}
		u.Close()
		return port
	}
	t.Fatal(errs)
	return ""
}

func certificate(t *testing.T) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// client comes over a network: udp, tcp or tls.
func (s *stand) client(network, user, password string) *turn.Client {
	s.Helper()
	var conn net.PacketConn
	switch network {
	case "udp":
		c, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			s.Fatal(err)
		}
		conn = c
	default:
		c, err := net.Dial("tcp4", s.at.String())
		if err != nil {
			s.Fatal(err)
		}
		if network == "tls" {
			c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
		}
		conn = turn.NewSTUNConn(c)
	}
	c, err := turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: s.at.String(), TURNServerAddr: s.at.String(), Username: user, Password: password, Conn: conn,
		LoggerFactory: loggers{slog.New(slog.DiscardHandler), &New(Config{}).quiet},
	})
	if err != nil {
		s.Fatal(err)
	}
	if err := c.Listen(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { c.Close(); conn.Close() })
	return c
}

// peer is somebody whom relays reach.
func (s *stand) peer() net.PacketConn {
	s.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.2:0")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { c.Close() })
	return c
}

// passes sends from one to the other and tells from where it seemed to come.
func (s *stand) passes(from net.PacketConn, to net.Addr, at net.PacketConn) net.Addr {
	s.Helper()
	if _, err := from.WriteTo([]byte("hello"), to); err != nil {
		s.Fatal(err)
	}
	b := make([]byte, 100)
	at.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, who, err := at.ReadFrom(b)
	if err != nil || string(b[:n]) != "hello" {
		s.Fatalf("%q, %v", b[:n], err)
	}
	return who
}

func TestRelaysThereAndBack(t *testing.T) {
	for _, network := range []string{"udp", "tcp", "tls"} {
		t.Run(network, func(t *testing.T) {
			s := open(t, nil)
			name, password := Credential(s.s.Key("example.com"), "alice", "example.com", time.Now().Add(time.Hour))
			relay, err := s.client(network, name, password).Allocate()
			if err != nil {
				t.Fatal(err)
			}
			peer := s.peer()
			if who := s.passes(relay, peer.LocalAddr(), peer); who.String() != relay.LocalAddr().String() {
				t.Errorf("the peer saw %s, the client was told %s", who, relay.LocalAddr())
			}
			s.passes(peer, relay.LocalAddr(), relay)
			s.s.book.mu.Lock()
			relays := maps.Clone(s.s.book.relays)
			s.s.book.mu.Unlock()
			if len(relays) != 1 {
				t.Errorf("%d relays", len(relays))
			}
			for _, e := range relays {
				if e.over != strings.ToUpper(network) || e.user != "alice@example.com" {
					t.Errorf("%+v", e)
				}
			}
			relay.Close()
		})
	}
}

func TestWrongCredentials(t *testing.T) {
	s := open(t, nil)
	for _, c := range [][2]string{{"desk", "wrong"}, {"nobody", "secret"}} {
		if _, err := s.client("udp", c[0], c[1]).Allocate(); err == nil {
			t.Errorf("%s got a relay", c)
		}
	}
	for range maxWrong {
		s.s.judged(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, false)
	}
	if _, err := s.client("udp", "desk", "secret").Allocate(); err == nil {
		t.Error("who guesses may go on")
	}
}

func TestPeersThatAreDenied(t *testing.T) {
	s := open(t, func(p *Plan) { p.Allow = prefixes("127.0.0.2/32") })
	relay, err := s.client("udp", "desk", "secret").Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	for _, peer := range []string{"127.0.0.3:99", "10.0.0.1:22", "127.0.0.77:22"} {
		if _, err := relay.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(peer))); err == nil {
			t.Errorf("%s was reached", peer)
		}
	}
	// The outside address of this node may be a peer, but not its services.
	own, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if port := own.LocalAddr().(*net.UDPAddr).Port; port >= s.plan.PortStart && port <= s.plan.PortEnd {
		t.Skip("the machine gave a port of the range")
	}
	relay.WriteTo([]byte("x"), own.LocalAddr())
	peer := s.peer()
	s.passes(relay, peer.LocalAddr(), peer) // what went before it has been looked at
	own.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, _, err := own.ReadFrom(make([]byte, 10)); err == nil {
		t.Errorf("%d bytes came to a port of this node", n)
	}
	s.s.book.mu.Lock()
	defer s.s.book.mu.Unlock()
	if s.s.book.denied == 0 {
		t.Error("nothing was counted")
	}
}

// Behind a static NAT clients are told its address, and two relays of this node
// reach each other by it.
func TestStaticNAT(t *testing.T) {
	nat := netip.MustParseAddr("203.0.113.9")
	s := open(t, func(p *Plan) { p.Advertise = nat })
	a, err := s.client("udp", "desk", "secret").Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := s.client("tcp", "desk", "secret").Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, r := range []net.PacketConn{a, b} {
		if got := r.LocalAddr().(*net.UDPAddr).AddrPort().Addr(); got != nat {
			t.Errorf("told %s", got)
		}
	}
	if _, err := b.WriteTo([]byte("open"), a.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if who := s.passes(a, b.LocalAddr(), b); who.String() != a.LocalAddr().String() {
		t.Errorf("came from %s, want %s", who, a.LocalAddr())
	}
}

func TestBounds(t *testing.T) {
	s := open(t, func(p *Plan) { p.PortEnd = p.PortStart + 1 })
	for i := range 3 {
		relay, err := s.client("udp", "desk", "secret").Allocate()
		if (err == nil) != (i < 2) {
			t.Errorf("relay %d of 2 ports: %v", i, err)
		}
		if err == nil {
			defer relay.Close()
		}
	}
	b := newBook(time.Now)
	b.setRange(1000, 2000)
	for range maxUser {
		if _, err := b.take("alice@example.com", 0); err != nil {
			t.Fatal(err)
		}
	}
	client := &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 9}
	if _, err := b.take("alice@example.com", 0); err == nil || b.room("alice@example.com", client) {
		t.Error("a user has more relays than may be")
	}
	b.created(client, "UDP", "bob@example.com", client)
	for i := range maxPermissions {
		b.permission(client, netip.AddrFrom4([4]byte{8, 8, 8, byte(i)}), true)
	}
	if b.crowded(client, netip.MustParseAddr("8.8.8.1")) || !b.crowded(client, netip.MustParseAddr("9.9.9.9")) {
		t.Error("permissions are not bounded, or cannot be renewed")
	}
}

// A stranger who says nothing, or rubbish, holds nothing for long.
func TestRubbishIsHungUpOn(t *testing.T) {
	s := open(t, nil)
	for _, first := range []string{"POST / HTTP/1.1\r\n\r\nxxxxxxxxxxx", "\x16\x03\x01\x00\x05hello", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"} {
		c, err := net.Dial("tcp4", s.at.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Write([]byte(first))
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("%q: %v", first, err)
		}
	}
}

// Each change holds at once: a port that is not wanted any more ends its relays.
func TestPlanIsLive(t *testing.T) {
	s := open(t, nil)
	relay, err := s.client("udp", "desk", "secret").Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	off := s.plan
	off.On, off.Listen = false, nil
	if err := s.s.Apply(off); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s.s.book.mu.Lock()
		n := len(s.s.book.relays)
		s.s.book.mu.Unlock()
		if n == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("a relay outlived its server")
		}
	}
	on := s.plan
	on.Accounts = map[string]string{"other": "word"}
	if err := s.s.Apply(on); err != nil {
		t.Fatal(err)
	}
	again, err := s.client("udp", "other", "word").Allocate()
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

// RFC 6062: a relay over TCP, where it is on.
func TestTCPRelay(t *testing.T) {
	s := open(t, func(p *Plan) { p.TCPRelay = true })
	far, err := net.Listen("tcp4", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	go func() {
		if c, err := far.Accept(); err == nil {
			io.Copy(c, c)
			c.Close()
		}
	}()
	relay, err := s.client("tcp", "desk", "secret").AllocateTCP()
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	c, err := relay.DialTCP("tcp4", nil, far.Addr().(*net.TCPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write([]byte("hello"))
	b := make([]byte, 5)
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "hello" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := relay.DialTCP("tcp4", nil, net.TCPAddrFromAddrPort(s.at)); err == nil {
		t.Error("a port of this node was reached")
	}
	if _, err := open(t, nil).client("tcp", "desk", "secret").AllocateTCP(); err == nil {
		t.Error("a relay over TCP though it is off")
	}
}

// TestReflection: whoever writes a victim's address as his own gets few answers
// sent there, and other sources are answered still.
func TestReflection(t *testing.T) {
	s := &socket{asks: door.NewRation[string](time.Now)}
	ask := []byte("\x00\x03\x00\x00\x21\x12\xa4\x42transaction1") // Allocate
	victim, other := &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80}, &net.UDPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 80}
	answered := 0
	for i := range 5 * maxUnproven {
		victim.Port = i + 1
		if !s.floods(ask, victim) {
			answered++
		}
	}
	if answered > 2*maxUnproven || s.floods(ask, other) || s.floods([]byte{0x40, 0, 0, 0}, victim) {
		t.Errorf("%d answers to a victim", answered)
	}
}

package traversal

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sallyport/appliance/door"
	"sallyport/appliance/sip"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
	"sallyport/test/room"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const zone = "Traversal"

// node is one end of a link in a test, with its own trust.
type node struct {
	*Links
	trust *trust.Trust
	log   *room.LogBook
	stop  func()

	messages chan incoming
	peers    chan peerEvent
	closed   chan *Conn
}

type incoming struct {
	c     *Conn
	m     *sip.Message
	trace string
}

type peerEvent struct {
	p   Peer
	up  bool
	why string
}

func newCA(t testing.TB) *trust.CA {
	t.Helper()
	ca, err := trust.NewCA("test", nil)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// newNode makes a node whose certificate carries names; change may alter its
// configuration before it starts.
func newNode(t testing.TB, role xapi.Role, ca *trust.CA, names []string, change func(*Config)) *node {
	t.Helper()
	tr, err := trust.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	install(t, tr, ca, trust.IssueOptions{Names: names})
	key, err := tr.NodeKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{trust: tr, log: &room.LogBook{}, messages: make(chan incoming, 4096), peers: make(chan peerEvent, 256), closed: make(chan *Conn, 256)}
	cfg := Config{
		Role: role, Log: slog.New(slog.NewTextHandler(n.log, &slog.HandlerOptions{Level: slog.LevelDebug})), HostKey: key,
		ServerTLS: func() *tls.Config { return tr.ServerConfig(trust.LinkServer) },
		ClientTLS: func(peer string) *tls.Config { return tr.ClientConfig(trust.LinkClient, peer) },
		OnMessage: func(c *Conn, m *sip.Message, trace string) { n.messages <- incoming{c, m, trace} },
		OnClose:   func(c *Conn) { n.closed <- c },
		OnPeer:    func(p Peer, up bool, why string) { n.peers <- peerEvent{p, up, why} },
	}
	if change != nil {
		change(&cfg)
	}
	n.Links = New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := n.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	n.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(func() {
		n.stop()
		if t.Failed() {
			t.Logf("log of %v:\n%s", names, n.log)
		}
	})
	return n
}

func install(t testing.TB, tr *trust.Trust, ca *trust.CA, o trust.IssueOptions) {
	t.Helper()
	cert, key, err := ca.Issue(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.InstallServer(cert, key); err != nil {
		t.Fatal(err)
	}
	if err := tr.InstallCA(ca.PEM()); err != nil {
		t.Fatal(err)
	}
}

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

func edgePlan(subject string) Plan {
	return Plan{
		Node:    "edge",
		Servers: []Server{{Zone: zone, Listen: loopback, VerifyName: true, SubjectName: subject}},
		Tunnels: []netip.AddrPort{loopback},
	}
}

// open applies edge's plan and returns where it listens.
func (n *node) open(t testing.TB, p Plan) netip.AddrPort {
	t.Helper()
	eventually(t, "edge listens", func() bool { return n.Apply(p) == nil && len(n.Addresses(zone)) > 0 })
	return n.Addresses(zone)[0]
}

func corePlan(edges ...netip.AddrPort) Plan {
	p := Plan{Node: "core"}
	for _, e := range edges {
		p.Clients = append(p.Clients, Client{Zone: zone, Address: e.Addr().String(), Port: int(e.Port()), Retry: time.Second})
	}
	return p
}

// pair is one edge and one core with the link wholly up.
func pair(t testing.TB, edgeCfg, coreCfg func(*Config)) (edge, core *node) {
	t.Helper()
	ca := newCA(t)
	edge = newNode(t, xapi.Edge, ca, []string{"edge.example", "127.0.0.1"}, edgeCfg)
	core = newNode(t, xapi.Core, ca, []string{"core.example"}, coreCfg)
	at := edge.open(t, edgePlan("core.example"))
	if err := core.Apply(corePlan(at)); err != nil {
		t.Fatal(err)
	}
	whole(t, edge, core)
	return edge, core
}

// whole waits until a node's links have every connection and both tunnels.
func whole(t testing.TB, nodes ...*node) {
	t.Helper()
	for _, n := range nodes {
		eventually(t, "link whole", func() bool {
			up := 0
			for _, s := range n.Status() {
				if s.State == Active && s.Connections == sipConns && s.Tunnels == Active {
					up++
				}
			}
			return up > 0 && up == len(n.Status())
		})
	}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func receive[T any](t testing.TB, ch chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(20 * time.Second):
		t.Fatalf("no %T within 20 s", *new(T))
		panic("unreachable")
	}
}

func message(callID string, n int) []byte {
	return fmt.Appendf(nil, "MESSAGE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/TLS 10.0.0.1:5061;branch=z9hG4bK%s%d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: %s\r\nCSeq: %d MESSAGE\r\n"+
		"X-Sallyport-Trace: t%d\r\nContent-Length: 0\r\n\r\n", callID, n, callID, n, n)
}

// echo is an OnStream that sends back what it reads.
func echo(_ string, _ Peer, c net.Conn) {
	defer c.Close()
	io.Copy(c, c)
}

// relay is a TCP forwarder that stands for the network between two nodes: it
// can be cut, shut, or swallow everything as a lost NAT entry does.
type relay struct {
	ln    net.Listener
	to    string
	mu    sync.Mutex
	conns map[net.Conn]bool
	hole  bool
	gone  bool
	wg    sync.WaitGroup
}

func newRelay(t testing.TB, to string) *relay {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{ln: ln, to: to, conns: map[net.Conn]bool{}}
	r.wg.Go(r.run)
	t.Cleanup(func() {
		ln.Close()
		r.cut()
		r.wg.Wait()
	})
	return r
}

func (r *relay) addr() netip.AddrPort { return door.AddrPort(r.ln.Addr()) }

func (r *relay) run() {
	for {
		a, err := r.ln.Accept()
		if err != nil {
			return
		}
		b, err := net.Dial("tcp", r.to)
		if err != nil {
			a.Close()
			continue
		}
		if !r.admit(a, b) {
			a.Close()
			b.Close()
			continue
		}
		r.wg.Go(func() { r.pump(a, b) })
		r.wg.Go(func() { r.pump(b, a) })
	}
}

func (r *relay) admit(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return false
	}
	for _, c := range conns {
		r.conns[c] = true
	}
	return true
}

// shut has nobody come through anew.
func (r *relay) shut(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = on
}

func (r *relay) pump(from, to net.Conn) {
	defer func() {
		if from.Close(); !r.holed() {
			to.Close()
		}
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if r.holed() {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (r *relay) holed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hole
}

func (r *relay) swallow(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hole = on
}

func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		c.Close()
	}
	clear(r.conns)
}

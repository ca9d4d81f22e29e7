package xmpp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/test/room"
)

// world is a gate and a server joined by pipes, before presence nodes that
// tests speak for.
type world struct {
	*testing.T
	gate    *Gate
	server  *Server
	addr    netip.AddrPort
	listens []netip.AddrPort // as the plan has it
	roots   *x509.CertPool
	cert    tls.Certificate
	log     *room.LogBook
	plan    Plan
	down    atomic.Bool // the link
	stop    func()
}

// build starts a world of one domain, example.com, with limits short enough to
// be waited for.
func build(t *testing.T, limits Limits, edit ...func(*ServerConfig)) *world {
	t.Helper()
	before := runtime.NumGoroutine()
	w := &world{T: t, log: &room.LogBook{}}
	w.cert, w.roots = room.Certificate()
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	sc := ServerConfig{
		Log: log, Limits: limits,
		TLS: func(Node, string) *tls.Config { return &tls.Config{RootCAs: w.roots, ServerName: "example.com"} },
	}
	for _, f := range edit {
		f(&sc)
	}
	w.server = NewServer(sc)
	inner := &tls.Config{Certificates: []tls.Certificate{w.cert}}
	var traces atomic.Int64
	w.gate = NewGate(GateConfig{
		Log: log, Limits: limits, Open: w.open,
		TLS:   &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return inner, nil }},
		Trace: func() string { return strconv.FormatInt(traces.Add(1), 16) },
	})
	w.plan = Plan{Domains: map[string][]Node{"example.com": nil}}
	w.server.Apply(w.plan)
	any := netip.MustParseAddrPort("127.0.0.1:0")
	if err := w.gate.Apply(GatePlan{Listen: []netip.AddrPort{any}, Domains: map[string]string{"example.com": "zone 1"}}); err != nil {
		t.Fatal(err)
	}
	w.addr, _ = w.gate.listeners.Bound(any)
	w.listens = []netip.AddrPort{any}
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { w.gate.Run(ctx) })
	wait.Go(func() { w.server.Run(ctx) })
	w.stop = sync.OnceFunc(func() { cancel(); wait.Wait() })
	t.Cleanup(func() {
		w.stop()
		if t.Failed() {
			t.Log(w.log)
		}
		if w.server.held.left != w.server.limits.HeldBytes || w.gate.held.left != w.gate.limits.HeldBytes {
			t.Errorf("the budgets are left with %d and %d", w.server.held.left, w.gate.held.left)
		}
		eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before })
	})
	eventually(t, "server runs", func() bool {
		w.server.mu.Lock()
		defer w.server.mu.Unlock()
		return w.server.ctx != nil
	})
	return w
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		time.Sleep(2 * time.Millisecond) // real sockets tell nobody
	}
}

// open is the link: a pipe whose far end core serves.
func (w *world) open(_ context.Context, zone string) (net.Conn, error) {
	if w.down.Load() || zone != "zone 1" {
		return nil, io.ErrClosedPipe
	}
	a, b := net.Pipe()
	go w.server.ServeStream(b, nil)
	return a, nil
}

// node adds a presence node to the plan.
func (w *world) node(secure bool) *node {
	w.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { l.Close() })
	at := netip.MustParseAddrPort(l.Addr().String())
	n := &node{w: w, l: l, as: Node{Host: "127.0.0.1", Port: at.Port(), TLS: secure, Verify: true}}
	w.plan.Domains["example.com"] = append(w.plan.Domains["example.com"], n.as)
	w.server.Apply(w.plan)
	return n
}

// node is a presence node that the test speaks for.
type node struct {
	w  *world
	l  net.Listener
	as Node
}

// accept waits for core and takes it through STARTTLS.
func (n *node) accept() *peer {
	n.w.Helper()
	n.l.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second))
	c, err := n.l.Accept()
	if err != nil {
		n.w.Fatal(err)
	}
	n.w.Cleanup(func() { c.Close() })
	p := &peer{n.w, c, "node"}
	if !n.as.TLS {
		return p
	}
	p.expect(callStream("example.com"))
	p.send(openStream("example.com") + mustTLS)
	p.expect(askTLS)
	p.send(proceed)
	p.conn = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{n.w.cert}})
	return p
}

// dial is a client that has connected.
func (w *world) dial() *peer {
	w.Helper()
	c, err := net.Dial("tcp", w.addr.String())
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { c.Close() })
	return &peer{w, c, "client"}
}

const clientHead = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' to='example.com' version='1.0' xmlns:stream='http://etherx.jabber.org/streams'>"

// secure is a client behind STARTTLS, that has not begun its stream there.
func (w *world) secure() *peer {
	w.Helper()
	p := w.dial()
	p.send(clientHead)
	p.expect("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='*' from='example.com' version='1.0' xml:lang='en'>" + mustTLS)
	p.send(askTLS)
	p.expect(proceed)
	p.conn = tls.Client(p.conn, &tls.Config{RootCAs: w.roots, ServerName: "example.com"})
	return p
}

const (
	nodeHead  = "<?xml version='1.0'?><stream:stream id='n1' from='example.com' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	mechs     = "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>"
	plainAuth = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFsaWNlAHNlY3JldA==</auth>" // alice, secret
	success   = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
	bindSM    = "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/></stream:features>"
)

// login brings a client in, and is both ends.
func (w *world) login(n *node) (client, inside *peer) {
	w.Helper()
	client = w.secure()
	client.send(clientHead)
	inside = n.accept()
	inside.expect(clientHead)
	for _, step := range []struct{ node, client string }{{nodeHead + mechs, plainAuth}, {success, clientHead}} {
		inside.send(step.node)
		client.expect(step.node)
		client.send(step.client)
		inside.expect(step.client)
	}
	inside.send(nodeHead + bindSM)
	client.expect(nodeHead + bindSM)
	return client, inside
}

// peer is a client or a node.
type peer struct {
	w    *world
	conn net.Conn
	name string
}

func (p *peer) send(s string) {
	p.w.Helper()
	p.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if _, err := p.conn.Write([]byte(s)); err != nil {
		p.w.Fatalf("%s cannot send %.80q: %v", p.name, s, err)
	}
}

// expect reads exactly what is wanted, where * is any one word.
func (p *peer) expect(want string) {
	p.w.Helper()
	match := regexp.MustCompile("^(?s)" + strings.ReplaceAll(regexp.QuoteMeta(want), `\*`, `[\w.-]+`) + "$")
	p.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	var got []byte
	for b := make([]byte, 1); !match.Match(got); {
		if _, err := p.conn.Read(b); err != nil {
			p.w.Fatalf("%s got %q, want %q: %v", p.name, got, want, err)
		}
		if got = append(got, b...); len(got) > len(want)+200 {
			p.w.Fatalf("%s got %q, want %q", p.name, got, want)
		}
	}
}

// end reads until the connection ends.
func (p *peer) end() string {
	p.w.Helper()
	p.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	b, err := io.ReadAll(p.conn)
	if nerr, ok := err.(net.Error); ok && nerr.Timeout() {
		p.w.Fatalf("%s is still connected after %q", p.name, b)
	}
	return string(b)
}

// refused wants the stream to end with a condition.
func (p *peer) refused(condition string) {
	p.w.Helper()
	got := p.end()
	if !strings.Contains(got, "<stream:error") || !strings.Contains(got, "<"+condition+" ") || !strings.HasSuffix(got, "</stream:stream>") {
		p.w.Errorf("%s is told %q, want %s", p.name, got, condition)
	}
	if strings.Contains(got, "127.0.0.1") {
		p.w.Errorf("%s is told of the inside: %q", p.name, got)
	}
}

// logged wants a line of the log with all of these words.
func (w *world) logged(words ...string) {
	w.Helper()
	eventually(w, fmt.Sprint("log with ", words), func() bool {
		for line := range strings.Lines(w.log.String()) {
			all := true
			for _, word := range words {
				all = all && strings.Contains(line, word)
			}
			if all {
				return true
			}
		}
		return false
	})
}

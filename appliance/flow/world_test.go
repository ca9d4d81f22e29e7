package flow

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sallyport/appliance/sip"
	"sallyport/appliance/trust"
)

// world is a Flows that runs on loopback, and what it told.
type world struct {
	t      *testing.T
	flows  *Flows
	ca     *trust.CA
	got    chan received
	faults chan *sip.Fault
	closed chan *Conn
	listen chan error
}

type received struct {
	conn *Conn
	msg  *sip.Message
}

var (
	tlsOpen   = Listener{Network: "TLS", Addr: netip.MustParseAddrPort("127.0.0.1:0"), Zone: "outside", Open: true}
	tcpOpen   = Listener{Network: "TCP", Addr: netip.MustParseAddrPort("127.0.0.1:0"), Zone: "outside", Open: true}
	tcpInside = Listener{Network: "TCP", Addr: netip.MustParseAddrPort("127.0.0.1:0"), Zone: "inside"}
	udpInside = Listener{Network: "UDP", Addr: netip.MustParseAddrPort("127.0.0.1:0"), Zone: "inside"}
)

func newWorld(t *testing.T, p Plan, edit func(*Config)) *world {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t, goleak.IgnoreCurrent()) })
	ca, err := trust.NewCA("test", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ca: ca, got: make(chan received, 1000), faults: make(chan *sip.Fault, 100),
		closed: make(chan *Conn, 1000), listen: make(chan error, 100)}
	conf := w.server("edge.example.com")
	cfg := Config{
		TLS:       func(Listener) *tls.Config { return conf },
		OnMessage: func(c *Conn, m *sip.Message) { w.got <- received{c, m} },
		OnFault:   func(c *Conn, f *sip.Fault) { w.faults <- f },
		OnClose:   func(c *Conn) { w.closed <- c },
		OnListen:  func(_ Listener, err error) { w.listen <- err },
		AllowDial: true,
	}
	if edit != nil {
		edit(&cfg)
	}
	w.flows = New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = w.flows.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		run.Wait()
	})
	if err := w.flows.Apply(p); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) server(name string) *tls.Config {
	w.t.Helper()
	cert, key, err := w.ca.Issue(trust.IssueOptions{Names: []string{name}, Server: true})
	if err != nil {
		w.t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		w.t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

func (w *world) client(name string) *tls.Config {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.ca.PEM())
	return &tls.Config{RootCAs: roots, ServerName: name}
}

func (w *world) addr(l Listener) string {
	w.t.Helper()
	for _, s := range w.flows.Listeners() {
		if s.Listener == l {
			return s.Bound.String()
		}
	}
	w.t.Fatalf("no listener %v", l)
	return ""
}

func (w *world) tcp(l Listener) net.Conn {
	w.t.Helper()
	c, err := net.Dial("tcp", w.addr(l))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	return c
}

func (w *world) tls(l Listener) net.Conn {
	w.t.Helper()
	c := tls.Client(w.tcp(l), w.client("edge.example.com"))
	if err := c.Handshake(); err != nil {
		w.t.Fatal(err)
	}
	return c
}

const patience = 10 * time.Second

func (w *world) next() received {
	w.t.Helper()
	select {
	case r := <-w.got:
		return r
	case <-time.After(patience):
		w.t.Fatal("no message came")
	}
	return received{}
}

func (w *world) over() *Conn {
	w.t.Helper()
	select {
	case c := <-w.closed:
		return c
	case <-time.After(patience):
		w.t.Fatal("no connection was closed")
	}
	return nil
}

func message(n, body int) string {
	return fmt.Sprintf("MESSAGE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/TLS a.example.com;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:alice@example.com>;tag=f\r\nTo: <sip:bob@example.com>\r\nCall-ID: %d\r\nCSeq: %d MESSAGE\r\nContent-Type: text/plain\r\n"+
		"Content-Length: %d\r\n\r\n%s", n, n, n, body, strings.Repeat("x", body))
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// reads reads exactly n bytes.
func reads(t *testing.T, c net.Conn, n int) []byte {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, n)
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatal(err)
	}
	return b
}

// ends waits until the far end closes.
func ends(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	_, err := io.Copy(io.Discard, bufio.NewReader(c))
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		t.Fatal("the connection stays open")
	}
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !f(); {
		if time.Now().After(end) {
			t.Fatal("never: ", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func same(t *testing.T, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

package eventlog

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs l and returns what stops it and waits.
func start(t *testing.T, l *Log) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = l.Run(ctx)
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("did not come true")
		}
	}
}

func listen(t *testing.T) (net.Listener, SyslogTarget) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, targetAt(l.Addr(), "tcp")
}

func targetAt(a net.Addr, transport string) SyslogTarget {
	ap := netip.MustParseAddrPort(a.String())
	return SyslogTarget{Address: ap.Addr().String(), Port: ap.Port(), Transport: transport, Format: IETF}
}

func TestSyslogForms(t *testing.T) {
	e := Entry{Time: at(5)(), Level: slog.LevelWarn, Node: "edge 1", Message: "a\nb", Attrs: []Attr{{"why", "no rule"}, {"trace", "5f2c"}}}
	pid := fmt.Sprint(os.Getpid())
	for _, c := range []struct {
		f    Format
		want string
	}{
		{IETF, "<132>1 2026-11-22T16:46:05.000000Z edge-1 sallyport " + pid + ` - - a b why="no rule" trace=5f2c`},
		{BSD, "<132>Nov 22 16:46:05 edge-1 sallyport[" + pid + `]: a b why="no rule" trace=5f2c`},
	} {
		if got := string(appendSyslog(nil, c.f, e, 1000)); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
		if got := appendSyslog(nil, c.f, e, 70); len(got) > 70 {
			t.Errorf("%d bytes, limit 70", len(got))
		}
	}
	for level, want := range map[slog.Level]int{slog.LevelDebug: 7, slog.LevelInfo: 6, slog.LevelInfo + 2: 5, slog.LevelWarn: 4, slog.LevelError: 3, slog.LevelError + 4: 2} {
		if got := severity(level); got != want {
			t.Errorf("severity(%v) = %d, want %d", level, got, want)
		}
	}
}

func TestSyslogUDP(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l := New(Config{Node: "edge1"})
	target := targetAt(c.LocalAddr(), "udp")
	target.Format, target.Level = BSD, slog.LevelWarn
	serving(t, l, target)
	l.Logger().Info("below the target's level")
	l.Logger().Warn("hello", "password", "x", "big", strings.Repeat("y", 1<<20))
	b := make([]byte, 64<<10)
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, _, err := c.ReadFrom(b)
	if got := string(b[:n]); err != nil || !strings.HasPrefix(got, "<132>") || !strings.Contains(got, "hello password=***") || n > maxDatagram {
		t.Errorf("received %q, %v", got, err)
	}
}

// serving makes targets the log's and waits until Run has taken them up.
func serving(t *testing.T, l *Log, targets ...SyslogTarget) {
	t.Helper()
	start(t, l)
	l.SetSyslog(targets)
	eventually(t, func() bool { s := l.senders.Load(); return s != nil && len(*s) == len(targets) })
}

// octets reads one message framed by RFC 6587 §3.4.1.
func octets(r *bufio.Reader) (string, error) {
	var n int
	if _, err := fmt.Fscanf(r, "%d ", &n); err != nil {
		return "", err
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return string(b), err
}

func TestSyslogTCPReconnects(t *testing.T) {
	ln, target := listen(t)
	var mu sync.Mutex
	var states []bool
	l := New(Config{Node: "core1", TargetState: func(_ SyslogTarget, up bool, _ string) {
		mu.Lock()
		defer mu.Unlock()
		states = append(states, up)
	}})
	serving(t, l, target)
	for i := range 3 {
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		l.Logger().Info("message", "i", i)
		got, err := octets(bufio.NewReader(c))
		if err != nil || !strings.Contains(got, fmt.Sprintf("message i=%d", i)) {
			t.Errorf("connection %d: got %q, %v", i, got, err)
		}
		c.Close()
	}
	eventually(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(states) >= 4 })
	mu.Lock()
	defer mu.Unlock()
	if fmt.Sprint(states[:4]) != "[false true false true]" {
		t.Errorf("target states %v", states)
	}
}

func TestSyslogBSDLines(t *testing.T) {
	ln, target := listen(t)
	target.Format = BSD
	l := New(Config{Node: "core1"})
	serving(t, l, target)
	l.Logger().Info("two\nlines")
	l.Logger().Info("next")
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	for _, want := range []string{"two lines", "next"} {
		if line, err := r.ReadString('\n'); err != nil || !strings.HasSuffix(line, want+"\n") {
			t.Errorf("line %q, %v; want %q", line, err, want)
		}
	}
}

// A receiver that does not read must cost lines, never the caller.
func TestSyslogNeverBlocks(t *testing.T) {
	stuck := make(chan struct{})
	l := New(Config{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		select {
		case <-stuck:
		case <-ctx.Done():
		}
		return nil, io.ErrClosedPipe
	}})
	serving(t, l, SyslogTarget{Address: "192.0.2.1", Transport: "tcp"})
	for range senderQueue + 100 {
		l.Logger().Info("x")
	}
	if got := l.Dropped(); got < 99 || got > 100 {
		t.Errorf("%d dropped, want 99 or 100", got)
	}
	close(stuck)
}

func TestSyslogTargetsChange(t *testing.T) {
	one, a := listen(t)
	two, b := listen(t)
	l := New(Config{})
	serving(t, l, a)
	c1, err := one.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c1.Close()
	l.SetSyslog([]SyslogTarget{b, b})
	c2, err := two.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c2.Close()
	_ = c1.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := c1.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("old target: %v, want EOF", err)
	}
	l.Logger().Info("once")
	if got, err := octets(bufio.NewReader(c2)); err != nil || !strings.HasSuffix(got, "once") {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestSyslogTLS(t *testing.T) {
	server, client := certificate(t, "logs.example.com")
	for _, c := range []struct {
		name, want string
	}{{"logs.example.com", ""}, {"other.example.com", "not other.example.com"}} {
		t.Run(c.name, func(t *testing.T) {
			ln, target := listen(t)
			target.Transport, target.PeerName = "tls", c.name
			why := make(chan string, 8)
			l := New(Config{
				TLS:         func(name string) *tls.Config { cfg := client.Clone(); cfg.ServerName = name; return cfg },
				TargetState: func(_ SyslogTarget, up bool, reason string) { why <- reason },
			})
			serving(t, l, target)
			l.Logger().Info("secure")
			conn, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			got, err := octets(bufio.NewReader(tls.Server(conn, server)))
			if c.want == "" {
				if err != nil || !strings.HasSuffix(got, "secure") {
					t.Errorf("got %q, %v", got, err)
				}
				return
			}
			if err == nil {
				t.Errorf("a receiver with the wrong name got %q", got)
			}
			if reason := <-why; !strings.Contains(reason, c.want) {
				t.Errorf("reason %q, want %q in it", reason, c.want)
			}
		})
	}
}

func TestSyslogTLSNeedsAPolicy(t *testing.T) {
	_, target := listen(t)
	target.Transport = "tls"
	why := make(chan string, 8)
	l := New(Config{TargetState: func(_ SyslogTarget, up bool, reason string) { why <- reason }})
	serving(t, l, target)
	if reason := <-why; !strings.Contains(reason, "no TLS policy") {
		t.Errorf("reason %q", reason)
	}
}

func certificate(t *testing.T, name string) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: pool}
}

// brokenConn takes nothing, but does not say so before it is written to.
type brokenConn struct {
	net.Conn
	closed chan struct{}
	once   sync.Once
}

func (c *brokenConn) Read([]byte) (int, error)         { <-c.closed; return 0, io.EOF }
func (c *brokenConn) Write([]byte) (int, error)        { return 0, io.ErrClosedPipe }
func (c *brokenConn) SetWriteDeadline(time.Time) error { return nil }
func (c *brokenConn) Close() error                     { c.once.Do(func() { close(c.closed) }); return nil }

// An entry that could not be written goes out first on the next connection,
// and what is queued when the log ends still goes out.
func TestSyslogLosesNothingItHolds(t *testing.T) {
	ln, target := listen(t)
	dials := 0
	l := New(Config{Node: "core1", Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dials++; dials == 1 {
			return &brokenConn{closed: make(chan struct{})}, nil
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}})
	l.SetSyslog([]SyslogTarget{target})
	stop := start(t, l)
	eventually(t, func() bool { return l.senders.Load() != nil && len(*l.senders.Load()) == 1 })
	l.Logger().Info("first")
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	if got, err := octets(r); err != nil || !strings.HasSuffix(got, "first") {
		t.Errorf("got %q, %v", got, err)
	}
	for i := range 50 {
		l.Logger().Info("last", "i", i)
	}
	stop()
	for i := range 50 {
		if got, err := octets(r); err != nil || !strings.HasSuffix(got, fmt.Sprintf("last i=%d", i)) {
			t.Fatalf("line %d: got %q, %v", i, got, err)
		}
	}
	if n := l.Dropped(); n != 0 {
		t.Errorf("%d dropped", n)
	}
}

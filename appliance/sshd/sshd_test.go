package sshd

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	gossh "golang.org/x/crypto/ssh"

	"sallyport/appliance/config"
	"sallyport/appliance/door"
	"sallyport/appliance/xapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a small real shell: it answers lines with themselves.
type echo struct {
	mu     sync.Mutex
	width  int
	breaks chan struct{}
}

func (e *echo) Interact(ctx context.Context, rw io.ReadWriter) int {
	s := bufio.NewScanner(rw)
	for s.Scan() {
		switch line := s.Text(); line {
		case "width":
			fmt.Fprintln(rw, e.size())
		case "panic":
			panic("told to")
		case "exit":
			return 7
		default:
			fmt.Fprintln(rw, "you said", line)
		}
	}
	return 0
}

func (e *echo) Script(ctx context.Context, in io.Reader, out io.Writer) int {
	return e.Interact(ctx, struct {
		io.Reader
		io.Writer
	}{in, out})
}

func (e *echo) Once(ctx context.Context, line string, in io.Reader, out io.Writer) int {
	switch line {
	case "fail":
		return 3
	case "cat":
		io.Copy(out, in)
	case "wait":
		fmt.Fprintln(out, "waiting")
		select {
		case <-e.breaks:
			fmt.Fprintln(out, "interrupted")
			return 130
		case <-ctx.Done():
			return 1
		}
	case "binary":
		out.Write([]byte("\x00\n\r\n\xff"))
	default:
		fmt.Fprintf(out, "ran %s\n", line)
	}
	return 0
}

func (e *echo) SetSize(w, h int) { e.mu.Lock(); defer e.mu.Unlock(); e.width = w }
func (e *echo) size() int        { e.mu.Lock(); defer e.mu.Unlock(); return e.width }
func (e *echo) Close()           {}
func (e *echo) Interrupt() {
	select {
	case e.breaks <- struct{}{}:
	default:
	}
}

// bench is a running server with one password account and one key.
type bench struct {
	t      *testing.T
	srv    *Server
	plan   Plan
	signer gossh.Signer
	dir    string
	clock  *fakeClock
}

type fakeClock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *fakeClock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }
func (c *fakeClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func start(t *testing.T) *bench {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := gossh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, signer: signer, dir: t.TempDir(), clock: &fakeClock{t: time.Unix(1e9, 0)}}
	b.srv, err = New(Config{
		Log: slog.New(slog.DiscardHandler), Now: b.clock.now, Banner: "private\n",
		KeyFile: filepath.Join(b.dir, "hostkey"), Folder: filepath.Join(b.dir, "files"),
		Shell:  func(user, from string) Shell { return &echo{breaks: make(chan struct{}, 1)} },
		Verify: func(hash, password string) bool { return hash == "hash of "+password },
	})
	if err != nil {
		t.Fatal(err)
	}
	b.plan = Plan{
		Listen:   []netip.AddrPort{netip.MustParseAddrPort("127.10.1.1:0")},
		Accounts: []Account{{Name: "admin", Hash: "hash of right"}},
		Keys:     []Key{{User: "admin", Blob: string(signer.PublicKey().Marshal())}},
	}
	if err := b.srv.Apply(b.plan); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.srv.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error("run:", err)
		}
	})
	return b
}

func (b *bench) addr() string { return b.srv.Addrs()[0].String() }

// dial logs in from a loopback address of its own choice.
func (b *bench) dial(from string, auth ...gossh.AuthMethod) (*gossh.Client, error) {
	nc, err := dialFrom(from, b.addr())
	if err != nil {
		return nil, err
	}
	cfg := &gossh.ClientConfig{User: "admin", Auth: auth, HostKeyCallback: gossh.InsecureIgnoreHostKey(), Timeout: 10 * time.Second}
	c, chans, reqs, err := gossh.NewClientConn(nc, b.addr(), cfg)
	if err != nil {
		nc.Close()
		return nil, err
	}
	return gossh.NewClient(c, chans, reqs), nil
}

func dialFrom(from, to string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 10 * time.Second}
	return d.Dial("tcp", to)
}

func (b *bench) login() *gossh.Client {
	b.t.Helper()
	c, err := b.dial("127.10.9.1", gossh.PublicKeys(b.signer))
	if err != nil {
		b.t.Fatal("login:", err)
	}
	b.t.Cleanup(func() { c.Close() })
	return c
}

func (b *bench) session(c *gossh.Client) *gossh.Session {
	b.t.Helper()
	s, err := c.NewSession()
	if err != nil {
		b.t.Fatal("session:", err)
	}
	b.t.Cleanup(func() { s.Close() })
	return s
}

func TestLogin(t *testing.T) {
	b := start(t)
	tests := []struct {
		name string
		auth gossh.AuthMethod
		ok   bool
	}{
		{"right password", gossh.Password("right"), true},
		{"wrong password", gossh.Password("wrong"), false},
		{"empty password", gossh.Password(""), false},
		{"right key", gossh.PublicKeys(b.signer), true},
		{"other key", gossh.PublicKeys(otherKey(t)), false},
	}
	for _, test := range tests {
		c, err := b.dial("127.10.9.1", test.auth)
		if (err == nil) != test.ok {
			t.Errorf("%s: got %v, want success %v", test.name, err, test.ok)
		}
		if err == nil {
			c.Close()
		}
	}
}

func otherKey(t *testing.T) gossh.Signer {
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	s, err := gossh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNobodyGetsInWithoutAccounts(t *testing.T) {
	b := start(t)
	b.srv.Apply(Plan{Listen: b.plan.Listen})
	for name, auth := range map[string][]gossh.AuthMethod{
		"none": nil, "password": {gossh.Password("right")}, "empty": {gossh.Password("")}, "key": {gossh.PublicKeys(b.signer)},
	} {
		if c, err := b.dial("127.10.9.1", auth...); err == nil {
			c.Close()
			t.Errorf("%s: got in", name)
		}
	}
}

func TestOfferedKeyIsNotIdentity(t *testing.T) {
	b := start(t)
	c, err := b.dial("127.10.9.1", gossh.PublicKeys(halfKey{b.signer.PublicKey(), otherKey(t)}))
	if err == nil {
		c.Close()
		t.Error("a key that was offered, but signed by another, got in")
	}
}

type halfKey struct {
	pub    gossh.PublicKey
	signer gossh.Signer
}

func (k halfKey) PublicKey() gossh.PublicKey { return k.pub }
func (k halfKey) Sign(r io.Reader, data []byte) (*gossh.Signature, error) {
	return k.signer.Sign(r, data)
}

// TestNewBoxIsReached: without an address of its own the door is open on those of
// either family.
func TestNewBoxIsReached(t *testing.T) {
	b := start(t)
	b.plan.Listen = nil
	for _, a := range inside(config.NewSnapshotForTest(xapi.Edge, ""), xapi.Edge) {
		b.plan.Listen = append(b.plan.Listen, netip.AddrPortFrom(a, 0))
	}
	if err := b.srv.Apply(b.plan); err != nil {
		t.Fatal(err)
	}
	families := map[bool]bool{}
	for _, a := range b.srv.Addrs() {
		at := netip.MustParseAddrPort(a.String())
		own := netip.MustParseAddr("127.0.0.1")
		if at.Addr().Is6() {
			own = netip.IPv6Loopback()
		}
		nc, err := net.DialTimeout("tcp", netip.AddrPortFrom(own, at.Port()).String(), 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		nc.Close()
		families[at.Addr().Is4()] = true
	}
	if !families[true] {
		t.Error("no IPv4")
	}
}

func TestLockOut(t *testing.T) {
	b := start(t)
	for range maxFailures {
		if c, err := b.dial("127.10.9.2", gossh.Password("wrong")); err == nil {
			c.Close()
			t.Fatal("got in")
		}
	}
	if c, err := b.dial("127.10.9.2", gossh.Password("right")); err == nil {
		c.Close()
		t.Error("locked source got in")
	} else if !strings.Contains(err.Error(), "too many failed logins from this address: try again 10 minutes after the last") {
		t.Error("a locked source is not told why:", err)
	}
	c, err := b.dial("127.10.9.3", gossh.Password("right"))
	if err != nil {
		t.Fatal("another source is locked out too:", err)
	}
	c.Close()
	b.clock.pass(lockTime + time.Second)
	if c, err = b.dial("127.10.9.2", gossh.Password("right")); err != nil {
		t.Fatal("still locked out:", err)
	}
	c.Close()
}

// TestCrowdOfGuesses: who guesses over many connections at once gets no guess
// checked that had to wait until the source was locked out.
func TestCrowdOfGuesses(t *testing.T) {
	b := start(t)
	b.srv.cfg.Verify = func(string, string) bool { t.Error("a guess of a locked source is checked"); return false }
	c := &conn{source: door.Source(netip.MustParseAddr("127.10.9.2"))}
	for range maxChecks {
		b.srv.checks <- struct{}{}
	}
	allowed := make(chan bool)
	go func() { allowed <- b.srv.allows(c, "admin", "guess") }()
	for range maxFailures {
		b.srv.gate.failed(c.source)
	}
	for range maxChecks {
		<-b.srv.checks
	}
	if <-allowed {
		t.Error("got in")
	}
}

func TestFailureTableIsBounded(t *testing.T) {
	clock := &fakeClock{t: time.Unix(1e9, 0)}
	d := newGate(clock.now)
	for i := range maxSources + 100 {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		d.failed(door.Source(a))
		clock.pass(time.Millisecond)
	}
	if len(d.failures) > maxSources {
		t.Errorf("%d sources remembered, want at most %d", len(d.failures), maxSources)
	}
	if got, want := door.Source(netip.MustParseAddr("2001:db8::1")), door.Source(netip.MustParseAddr("2001:db8::2")); got != want {
		t.Errorf("one /64 counts as two sources: %v %v", got, want)
	}
}

func TestSilentConnectionsDoNotBlockLogin(t *testing.T) {
	b := start(t)
	for range 100 {
		nc, err := dialFrom("127.10.9.1", b.addr())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
	}
	c := b.login() // from the same source
	out, err := b.session(c).Output("hello")
	if got, want := string(out), "ran hello\n"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	b.srv.gate.mu.Lock()
	defer b.srv.gate.mu.Unlock()
	if n := len(b.srv.gate.waiting); n > maxWaiting {
		t.Errorf("%d connections wait, want at most %d", n, maxWaiting)
	}
}

func TestExec(t *testing.T) {
	b := start(t)
	c := b.login()
	out, err := b.session(c).Output("xStatus Zones")
	if got, want := string(out), "ran xStatus Zones\n"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	var exit *gossh.ExitError
	if err := b.session(c).Run("fail"); !errors.As(err, &exit) || exit.ExitStatus() != 3 {
		t.Errorf("exit: got %v, want status 3", err)
	}
	s := b.session(c)
	s.Stdin = strings.NewReader("some text")
	if out, err := s.Output("cat"); err != nil || string(out) != "some text" {
		t.Errorf("stdin: got %q, %v", out, err)
	}
	if out, err := b.session(c).Output("binary"); err != nil || !bytes.Equal(out, []byte("\x00\n\r\n\xff")) {
		t.Errorf("binary: got %q, %v", out, err)
	}
}

func TestInteractive(t *testing.T) {
	b := start(t)
	s := b.session(b.login())
	if err := s.RequestPty("xterm", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	in, _ := s.StdinPipe()
	out, _ := s.StdoutPipe()
	if err := s.Shell(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	say := func(line string) string {
		fmt.Fprintln(in, line)
		lines.Scan()
		return lines.Text()
	}
	if got, want := say("hello"), "you said hello"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for i := range 2000 { // a flood must not hang what comes after it
		s.WindowChange(24, 100+i%50)
	}
	s.WindowChange(24, 321)
	s.Signal(gossh.SIGINT)
	s.SendRequest("break", true, gossh.Marshal(struct{ Length uint32 }{0}))
	for deadline := time.Now().Add(10 * time.Second); say("width") != "321"; {
		if time.Now().After(deadline) {
			t.Fatal("the last window size never arrived")
		}
	}
	fmt.Fprintln(in, "exit")
	var exit *gossh.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != 7 {
		t.Errorf("got %v, want status 7", err)
	}
}

func TestPanicIsContained(t *testing.T) {
	b := start(t)
	c := b.login()
	s := b.session(c)
	s.Stdin = strings.NewReader("panic\n")
	if err := s.Shell(); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(); err == nil {
		t.Error("a panicking session ended well")
	}
	if out, err := b.session(c).Output("hello"); err != nil {
		t.Errorf("the connection did not survive: %q %v", out, err)
	}
}

func TestCtrlCEndsCommandOnTerminal(t *testing.T) {
	b := start(t)
	s := b.session(b.login())
	s.RequestPty("xterm", 24, 80, nil)
	in, _ := s.StdinPipe()
	out, _ := s.StdoutPipe()
	if err := s.Start("wait"); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	r.ReadString('\n')
	in.Write([]byte{3})
	if line, _ := r.ReadString('\n'); line != "interrupted\r\n" {
		t.Errorf("got %q", line)
	}
}

func TestRefused(t *testing.T) {
	b := start(t)
	c := b.login()
	if nc, err := c.Dial("tcp", "127.0.0.1:1"); err == nil {
		nc.Close()
		t.Error("local forwarding works")
	}
	if l, err := c.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close()
		t.Error("remote forwarding works")
	}
	if l, err := c.ListenUnix("/tmp/never"); err == nil {
		l.Close()
		t.Error("unix forwarding works")
	}
	s := b.session(c)
	for _, req := range []string{"auth-agent-req@openssh.com", "x11-req", "env", "no-such"} {
		if ok, _ := s.SendRequest(req, true, nil); ok {
			t.Errorf("%s was accepted", req)
		}
	}
	if s.Setenv("LANG", "C") == nil {
		t.Error("environment was accepted")
	}
	for _, typ := range []string{"auth-agent@openssh.com", "x11", "direct-streamlocal@openssh.com", "tun@openssh.com"} {
		if ch, _, err := c.OpenChannel(typ, nil); err == nil {
			ch.Close()
			t.Errorf("channel %s was accepted", typ)
		}
	}
	if err := s.RequestSubsystem("netconf"); err == nil {
		t.Error("an unknown subsystem was accepted")
	}
}

func TestChannelsAreBounded(t *testing.T) {
	b := start(t)
	c := b.login()
	for range maxChannels {
		b.session(c)
	}
	if s, err := c.NewSession(); err == nil {
		s.Close()
		t.Error("one channel more than allowed")
	}
}

func TestApplyLive(t *testing.T) {
	b := start(t)
	c := b.login()
	old := b.addr()
	p := b.plan
	p.Listen = []netip.AddrPort{netip.MustParseAddrPort("127.10.1.2:0")}
	for range 2 { // twice: the second finds nothing to do
		if err := b.srv.Apply(p); err != nil {
			t.Fatal(err)
		}
	}
	if nc, err := net.Dial("tcp", old); err == nil {
		nc.Close()
		t.Error("the old address still listens")
	}
	if _, err := b.session(c).Output("x"); err != nil {
		t.Error("the session of the old address was cut:", err)
	}
	b.login()

	taken := p
	taken.Listen = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:22")}
	if err := b.srv.Apply(taken); err == nil {
		t.Error("binding a foreign address went well")
	}
	b.login() // the old listener stayed

	gone := p
	gone.Keys = nil
	b.srv.Apply(gone)
	if s, err := c.NewSession(); err == nil {
		if _, err := s.Output("x"); err == nil {
			t.Error("the session of a removed key goes on")
		}
	}
	off := p
	off.Listen = nil
	if err := b.srv.Apply(off); err != nil || len(b.srv.Addrs()) != 0 {
		t.Errorf("off: %v, listening on %v", err, b.srv.Addrs())
	}
}

func TestIdleSessionEnds(t *testing.T) {
	b := start(t)
	p := b.plan
	p.Idle = time.Second
	b.srv.Apply(p)
	s := b.session(b.login())
	if err := s.Shell(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Wait() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Error("an idle session stays")
	}
}

func TestHostKeyIsKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	one, err := hostKey(file, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	two, err := hostKey(file, rand.Reader)
	if err != nil || !bytes.Equal(one.PublicKey().Marshal(), two.PublicKey().Marshal()) {
		t.Errorf("another key at the second start (%v)", err)
	}
}

func TestWeakAlgorithmsAreRefused(t *testing.T) {
	b := start(t)
	for name, weak := range map[string]gossh.Config{
		"kex":    {KeyExchanges: []string{"diffie-hellman-group14-sha1"}},
		"cipher": {Ciphers: []string{"aes128-cbc"}},
		"cipher that Terrapin cuts, without strict key exchange": {Ciphers: []string{gossh.CipherChaCha20Poly1305}},
		"mac": {Ciphers: []string{"aes128-ctr"}, MACs: []string{"hmac-sha1"}},
	} {
		nc, err := dialFrom("127.10.9.1", b.addr())
		if err != nil {
			t.Fatal(err)
		}
		cfg := &gossh.ClientConfig{Config: weak, User: "admin", Auth: []gossh.AuthMethod{gossh.PublicKeys(b.signer)}, HostKeyCallback: gossh.InsecureIgnoreHostKey()}
		if _, _, _, err := gossh.NewClientConn(nc, "", cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
		nc.Close()
	}
}

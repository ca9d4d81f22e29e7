package traversal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/door"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
)

func TestLinkCarriesEverything(t *testing.T) {
	edge, core := pair(t, nil, func(c *Config) { c.OnStream = echo })
	ctx := t.Context()

	up := receive(t, edge.peers)
	if !up.up || up.p.Node != "core" || up.p.Zone != zone {
		t.Fatalf("edge was told %+v", up)
	}
	if got := receive(t, core.peers); !got.up || got.p.Node != "edge" || got.p.Remote.Addr() != loopback.Addr() {
		t.Fatalf("core was told %+v", got)
	}

	for _, dir := range []struct{ from, to *node }{{edge, core}, {core, edge}} {
		c, err := dir.from.Conn(zone, 0, "call-1")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Send(message("call-1", 7)); err != nil {
			t.Fatal(err)
		}
		got := receive(t, dir.to.messages)
		if got.m.CallID() != "call-1" || got.trace != "t7" || got.c.Zone() != zone || got.c.ID()&idBit == 0 {
			t.Errorf("got %s trace %q over %s", got.m.Bytes(), got.trace, got.c.Zone())
		}
		back, err := dir.to.Conn(zone, got.c.Peer(), "call-1")
		if err != nil || back != got.c {
			t.Errorf("the far end answers the dialog on another connection (%v)", err)
		}
	}

	s, err := edge.OpenStream(ctx, zone, "http")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := bytes.Repeat([]byte("0123456789abcdef"), 40_000) // several windows
	go func() {
		s.Write(want)
		s.(*Stream).CloseWrite()
	}()
	if got, err := io.ReadAll(s); err != nil || !bytes.Equal(got, want) {
		t.Errorf("stream echoed %d of %d bytes, %v", len(got), len(want), err)
	}

	for name, n := range map[string]*node{"edge": edge, "core": core} {
		n.Handle("hello", func(_ context.Context, p Peer, in []byte) ([]byte, error) {
			if len(in) == 0 {
				return nil, errors.New("empty")
			}
			return fmt.Appendf(nil, "%s to %s: %s", name, p.Node, in), nil
		})
	}
	if out, err := edge.Call(ctx, zone, 0, "hello", []byte("x")); err != nil || string(out) != "core to edge: x" {
		t.Errorf("call from edge: %s, %v", out, err)
	}
	if out, err := core.Call(ctx, zone, 0, "hello", make([]byte, MaxRPC)); err == nil || len(out) > 0 {
		t.Errorf("an answer above the limit came through: %d bytes, %v", len(out), err)
	}
	var remote *RemoteError
	if _, err := core.Call(ctx, zone, 0, "hello", nil); !errors.As(err, &remote) || remote.Text != "empty" {
		t.Errorf("error of a handler: %v", err)
	}
	if _, err := core.Call(ctx, zone, 0, "nothing", nil); !errors.As(err, &remote) {
		t.Errorf("unknown method: %v", err)
	}
	if _, err := core.OpenStream(ctx, zone, "http"); err != nil {
		t.Error(err)
	}
}

// More calls than a peer answers at a time: the surplus is told so, nothing
// hangs, and the link stays.
func TestTooManyCalls(t *testing.T) {
	edge, core := pair(t, nil, nil)
	began, release := make(chan bool, 2*maxAsked), make(chan bool)
	core.Handle("slow", func(context.Context, Peer, []byte) ([]byte, error) { began <- true; <-release; return nil, nil })
	ctx, stop := context.WithTimeout(t.Context(), time.Hour) // patience is not what is tried here
	defer stop()
	results := make(chan error, 2*maxAsked)
	for range 2 * maxAsked {
		go func() {
			_, err := edge.Call(ctx, zone, 0, "slow", make([]byte, 1000))
			results <- err
		}()
	}
	held := 0
	for refused := 0; held+refused < 2*maxAsked; {
		select {
		case <-began:
			held++
		case err := <-results:
			if refused++; err == nil {
				t.Fatal("a call beyond the limit was answered")
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%d calls are held, %d refused, of the others nothing is heard", held, refused)
		}
	}
	if held > maxAnswers || held < maxAnswers-1 { // the link may ask something of its own
		t.Errorf("%d calls at a time, want %d", held, maxAnswers)
	}
	close(release)
	for range held {
		if err := receive(t, results); err != nil {
			t.Error(err)
		}
	}
	if _, err := edge.Call(t.Context(), zone, 0, "slow", nil); err != nil {
		t.Errorf("call afterwards: %v", err)
	}
}

// The link works over IPv6 and towards a name.
func TestAddressKinds(t *testing.T) {
	for _, c := range []struct{ listen, dial string }{
		{"[::1]:0", "::1"}, {"127.0.0.1:0", "localhost"}, {"[::]:0", "127.0.0.1"},
	} {
		t.Run(c.dial, func(t *testing.T) {
			ln, err := net.Listen("tcp", c.listen)
			if err != nil {
				t.Skipf("this machine has no IPv6: %v", err)
			}
			ln.Close()
			ca := newCA(t)
			edge := newNode(t, xapi.Edge, ca, []string{c.dial}, nil)
			core := newNode(t, xapi.Core, ca, []string{"core.example"}, nil)
			plan := edgePlan("core.example")
			plan.Servers[0].Listen = netip.MustParseAddrPort(c.listen)
			plan.Tunnels[0] = plan.Servers[0].Listen
			at := edge.open(t, plan)
			core.Apply(Plan{Clients: []Client{{Zone: zone, Address: c.dial, Port: int(at.Port()), Retry: time.Second}}})
			whole(t, edge, core)
			p, ok := edge.Peer(zone, 0)
			if _, err := edge.Call(t.Context(), zone, p.ID, methodPing, []byte("{}")); !ok || err != nil {
				t.Errorf("peer %+v, call: %v", p, err)
			}
		})
	}
}

func TestCallIsCancelled(t *testing.T) {
	edge, core := pair(t, nil, nil)
	began, ended := make(chan bool, 1), make(chan error, 1)
	core.Handle("slow", func(ctx context.Context, _ Peer, _ []byte) ([]byte, error) {
		began <- true
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := edge.Call(ctx, zone, 0, "slow", nil)
		done <- err
	}()
	receive(t, began)
	cancel()
	if err := receive(t, done); !errors.Is(err, context.Canceled) {
		t.Errorf("caller got %v", err)
	}
	if err := receive(t, ended); !errors.Is(err, context.Canceled) {
		t.Errorf("handler got %v", err)
	}
}

func TestPanicsAreContained(t *testing.T) {
	edge, core := pair(t, nil, func(c *Config) {
		c.OnStream = func(string, Peer, net.Conn) { panic("stream") }
	})
	core.Handle("bad", func(context.Context, Peer, []byte) ([]byte, error) { panic("call") })
	if _, err := edge.Call(t.Context(), zone, 0, "bad", nil); err == nil {
		t.Error("no error from a handler that panicked")
	}
	s, err := edge.OpenStream(t.Context(), zone, "http")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var reset *ResetError
	if _, err := io.ReadAll(s); !errors.As(err, &reset) {
		t.Errorf("stream whose handler panicked: %v", err)
	}
	if s := core.Status(); s[0].State != Active {
		t.Errorf("link after panics: %+v", s)
	}
}

func TestCutAndRestore(t *testing.T) {
	ca := newCA(t)
	edge := newNode(t, xapi.Edge, ca, []string{"127.0.0.1"}, nil)
	core := newNode(t, xapi.Core, ca, []string{"core.example"}, nil)
	way := newRelay(t, edge.open(t, edgePlan("core.example")).String())
	core.Apply(corePlan(way.addr()))
	whole(t, edge, core)
	first := receive(t, core.peers)
	receive(t, edge.peers)

	way.shut(true) // else one connection may be back before the other is missed
	way.cut()
	for _, n := range []*node{edge, core} {
		if e := receive(t, n.peers); e.up || e.why == "" {
			t.Errorf("told %+v after the cut", e)
		}
	}
	way.shut(false)
	for _, n := range []*node{edge, core} {
		if e := receive(t, n.peers); !e.up || n == core && e.p.ID != first.p.ID {
			t.Errorf("told %+v after the cut was mended", e)
		}
	}
	whole(t, edge, core)
	for range 2 * sipConns {
		receive(t, edge.closed)
		if len(edge.closed) == 0 {
			break
		}
	}
	if _, err := edge.Call(t.Context(), zone, 0, methodPing, []byte(`{}`)); err != nil {
		t.Errorf("control after the cut: %v", err)
	}
}

// A link that loses its connections one at a time is never down, but the loss is
// in both logs.
func TestOneConnectionLost(t *testing.T) {
	edge, core := pair(t, nil, nil)
	c, err := core.Conn(zone, 0, "x")
	if err != nil {
		t.Fatal(err)
	}
	c.Close("test")
	for _, n := range []*node{edge, core} {
		receive(t, n.closed)
		if s := n.log.String(); !strings.Contains(s, "traversal connection lost") || strings.Contains(s, "traversal link down") {
			t.Errorf("no word of one lost connection in %s", s)
		}
	}
}

// A lost NAT entry swallows packets without a word; both ends must notice.
func TestSwallowedLinkIsNoticed(t *testing.T) {
	quick := Probe{Quiet: 100 * time.Millisecond, Retry: 100 * time.Millisecond, Retries: 9}
	ca := newCA(t)
	edge := newNode(t, xapi.Edge, ca, []string{"127.0.0.1"}, nil)
	core := newNode(t, xapi.Core, ca, []string{"core.example"}, func(c *Config) { c.Ping = quick })
	plan := edgePlan("core.example")
	plan.Servers[0].Probe = quick
	way := newRelay(t, edge.open(t, plan).String())
	core.Apply(corePlan(way.addr()))
	whole(t, edge, core)
	receive(t, edge.peers)
	receive(t, core.peers)

	way.swallow(true)
	for _, n := range []*node{edge, core} {
		if e := receive(t, n.peers); e.up || !strings.Contains(e.why, "keepalives") {
			t.Errorf("told %+v", e)
		}
	}
	if _, err := core.Conn(zone, 0, "x"); err != ErrDown {
		t.Errorf("connection on a dead link: %v", err)
	}
	way.swallow(false)
	way.cut()
	whole(t, edge, core)
}

// Only the SSH side is swallowed: SIP stays up, the tunnels come back.
func TestSwallowedTunnelIsNoticed(t *testing.T) {
	quick := func(c *Config) {
		c.Ping = Probe{Quiet: 100 * time.Millisecond, Retry: 100 * time.Millisecond, Retries: 9}
	}
	ca := newCA(t)
	edge := newNode(t, xapi.Edge, ca, []string{"127.0.0.1"}, quick)
	core := newNode(t, xapi.Core, ca, []string{"core.example"}, func(c *Config) {
		quick(c)
		c.OnStream = echo
	})
	at := edge.open(t, edgePlan("core.example"))
	way := newRelay(t, fmt.Sprint("127.0.0.1:", edge.sshPort()))
	plan := corePlan(at)
	plan.Clients[0].SSHPort = int(way.addr().Port())
	core.Apply(plan)
	whole(t, edge, core)
	s, err := edge.OpenStream(t.Context(), zone, "http")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	way.swallow(true)
	if _, err := s.Read(make([]byte, 1)); err != errTunnelCut {
		t.Errorf("stream on a dead tunnel: %v", err)
	}
	eventually(t, "core says why", func() bool { return core.Status()[0].TunnelWhy != "" })
	if st := core.Status()[0]; st.State != Active || st.Tunnels != Failed {
		t.Errorf("status %+v", st)
	}
	way.swallow(false)
	way.cut()
	whole(t, edge, core)
}

// A node that was installed anew has another key: its former self does not
// stay behind in edge's status.
func TestReinstalledCore(t *testing.T) {
	ca := newCA(t)
	edge := newNode(t, xapi.Edge, ca, []string{"127.0.0.1"}, nil)
	plan := corePlan(edge.open(t, edgePlan("core.example")))
	for range 3 {
		core := newNode(t, xapi.Core, ca, []string{"core.example"}, nil)
		core.Apply(plan)
		whole(t, edge, core)
		if s := edge.Status(); len(s) != 1 {
			t.Errorf("edge knows %d peers", len(s))
		}
		core.stop()
		eventually(t, "link down", func() bool { return len(edge.Peers(zone)) == 0 })
	}
}

func TestEdgeRestarts(t *testing.T) {
	ca := newCA(t)
	edge := newNode(t, xapi.Edge, ca, []string{"127.0.0.1"}, nil)
	core := newNode(t, xapi.Core, ca, []string{"core.example"}, nil)
	at := edge.open(t, edgePlan("core.example"))
	core.Apply(corePlan(at))
	whole(t, edge, core)
	edge.stop()
	eventually(t, "core sees the edge gone", func() bool {
		return strings.Contains(core.Status()[0].Why, "refused: nothing listens")
	})
	if receive(t, core.peers).up != true || receive(t, core.peers).up != false {
		t.Error("core was not told up, then down")
	}
	again := newNode(t, xapi.Edge, ca, []string{"127.0.0.1"}, nil)
	plan := edgePlan("core.example")
	plan.Servers[0].Listen = at
	again.open(t, plan)
	whole(t, again, core)
}

func TestWrongNames(t *testing.T) {
	for _, c := range []struct {
		name, subject string
		edgeNames     []string
		coreSays      string
		edgeSays      string
	}{
		{"edge wants another core", "other.example", []string{"127.0.0.1"},
			"the edge refused this core: " + trust.Unacceptable,
			trust.Unacceptable + ": expected other.example, the certificate names core.example"},
		{"no subject name is set", "", []string{"127.0.0.1"},
			"the edge refused this core: " + trust.Unacceptable,
			trust.Unacceptable + ": no name to expect is configured"},
		{"edge is not whom core dialled", "core.example", []string{"edge.example"},
			trust.Unacceptable + ": expected 127.0.0.1, the certificate names edge.example",
			"the peer refused our certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ca := newCA(t)
			edge := newNode(t, xapi.Edge, ca, c.edgeNames, nil)
			core := newNode(t, xapi.Core, ca, []string{"core.example"}, nil)
			core.Apply(corePlan(edge.open(t, edgePlan(c.subject))))
			eventually(t, "core says why", func() bool {
				s := core.Status()
				return len(s) == 1 && s[0].State == Failed && strings.HasPrefix(s[0].Why, c.coreSays) && strings.Contains(core.log.String(), c.coreSays)
			})
			eventually(t, "edge says why", func() bool {
				s := edge.Status()
				return len(s) == 1 && s[0].State == Failed && strings.Contains(s[0].Why, c.edgeSays) && strings.Contains(edge.log.String(), c.edgeSays)
			})
			if _, err := edge.Conn(zone, 0, "x"); err != ErrDown {
				t.Error("a refused peer is up")
			}
		})
	}
}

func TestUntrustedAndExpired(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name  string
		issue trust.IssueOptions
		own   bool // from an authority of its own
		core  string
		edge  string
	}{
		{"expired", trust.IssueOptions{Names: []string{"core.example"}, NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(-time.Hour)}, false,
			"the peer refused our certificate", "(core.example) expired on"},
		{"unknown authority", trust.IssueOptions{Names: []string{"core.example"}}, true,
			"the peer refused our certificate", "not in the trusted CA list"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ca := newCA(t)
			edge := newNode(t, xapi.Edge, ca, []string{"127.0.0.1"}, nil)
			core := newNode(t, xapi.Core, ca, []string{"core.example"}, nil)
			issuer := ca
			if c.own {
				issuer = newCA(t)
			}
			install(t, core.trust, issuer, c.issue)
			core.Apply(corePlan(edge.open(t, edgePlan("core.example"))))
			eventually(t, "both say why", func() bool {
				return strings.HasPrefix(core.Status()[0].Why, c.core) && strings.Contains(edge.Status()[0].Why, c.edge)
			})
			// The certificate is renewed: the link comes without a hand.
			install(t, core.trust, ca, trust.IssueOptions{Names: []string{"core.example"}})
			whole(t, edge, core)
		})
	}
}

func TestClockSkew(t *testing.T) {
	edge, core := pair(t, nil, func(c *Config) {
		c.Clock = func() time.Time { return time.Now().Add(-5 * time.Minute) }
	})
	for name, s := range map[string]PeerStatus{"edge": edge.Status()[0], "core": core.Status()[0]} {
		if off := s.Skew.Abs() - 5*time.Minute; !s.Skewed() || off.Abs() > 5*time.Second {
			t.Errorf("%s sees a skew of %s", name, s.Skew)
		}
	}
}

func TestSeveralPeers(t *testing.T) {
	ca := newCA(t)
	e1 := newNode(t, xapi.Edge, ca, []string{"127.0.0.1"}, nil)
	e2 := newNode(t, xapi.Edge, ca, []string{"127.0.0.1"}, nil)
	c1 := newNode(t, xapi.Core, ca, []string{"core.example"}, nil)
	c2 := newNode(t, xapi.Core, ca, []string{"core.example"}, nil)
	a1, a2 := e1.open(t, edgePlan("core.example")), e2.open(t, edgePlan("core.example"))
	for _, c := range []*node{c1, c2} {
		c.Apply(corePlan(a1, a2))
	}
	both := func(n *node) func() bool { return func() bool { return len(n.Peers(zone)) == 2 } }
	for _, n := range []*node{e1, e2, c1, c2} {
		eventually(t, "two peers", both(n))
		whole(t, n)
	}
	used := map[PeerID]int{}
	for i := range 200 {
		key := fmt.Sprint("call-", i)
		c, err := e1.Conn(zone, 0, key)
		again, _ := e1.Conn("", 0, key)
		if err != nil || c != again {
			t.Fatalf("key %s is not stable: %v", key, err)
		}
		used[c.Peer()]++
	}
	if len(used) != 2 || used[e1.Peers(zone)[0].ID] < 50 {
		t.Errorf("keys went to %v", used)
	}
	gone := c1.Links.greet(0, "").id()
	c1.stop()
	eventually(t, "one peer is left", func() bool { return len(e1.Peers(zone)) == 1 })
	if c, err := e1.Conn(zone, 0, "x"); err != nil || c.Peer() == gone {
		t.Errorf("fail-over: %v", err)
	}
	if _, err := e1.Conn(zone, gone, "x"); err != ErrDown {
		t.Errorf("the peer that is gone: %v", err)
	}
}

func TestApply(t *testing.T) {
	edge, core := pair(t, nil, nil)
	at := edge.Addresses(zone)[0]
	conn, _ := core.Conn(zone, 0, "x")
	here := conn.Local()
	ep, cp := edgePlan("core.example"), corePlan(at)
	for range 2 { // nothing new: nothing happens
		if err := errors.Join(edge.Apply(ep), core.Apply(cp)); err != nil {
			t.Fatal(err)
		}
	}
	ep.Servers[0].Probe = Probe{Quiet: time.Hour, Retry: time.Second, Retries: 1}
	cp.Clients[0].Retry = 3 * time.Second
	edge.Apply(ep)
	core.Apply(cp)
	if c, err := core.Conn(zone, 0, "x"); err != nil || c.Local() != here {
		t.Fatalf("an unchanged link was touched: %v", err)
	}

	other := newNode(t, xapi.Edge, newCA(t), []string{"127.0.0.1"}, nil)
	cp.Clients = append(cp.Clients, corePlan(other.open(t, edgePlan("core.example"))).Clients...)
	core.Apply(cp)
	eventually(t, "the second peer is tried", func() bool { return len(core.Status()) == 2 })
	if c, err := core.Conn(zone, 0, "x"); err != nil || c.Local() != here {
		t.Fatalf("a new peer touched the other: %v", err)
	}

	ep.Servers[0].SubjectName = "other.example"
	ep.Servers[0].Listen = at
	if err := edge.Apply(ep); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the changed name cuts the link", func() bool { return len(core.Peers(zone)) == 0 })
	ep.Servers[0].SubjectName = "core.example"
	edge.Apply(ep)
	eventually(t, "link back", func() bool { return len(core.Peers(zone)) == 1 })

	core.Apply(Plan{})
	eventually(t, "all peers gone", func() bool { return len(core.Status()) == 0 && len(edge.Peers("")) == 0 })
}

func TestApplyReportsPortInUse(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	edge := newNode(t, xapi.Edge, newCA(t), []string{"edge.example"}, nil)
	p := edgePlan("core.example")
	p.Servers[0].Listen = door.AddrPort(ln.Addr())
	eventually(t, "the error is told", func() bool { return edge.Apply(p) != nil })
	if s := edge.Status(); len(s) != 1 || !strings.Contains(s[0].Why, "cannot be opened") {
		t.Errorf("status %+v", s)
	}
	ln.Close()
	if err := edge.Apply(p); err != nil {
		t.Errorf("the same plan again: %v", err)
	}
}

// link returns the node's only link.
func (n *node) link(t *testing.T) *link {
	t.Helper()
	n.Links.mu.Lock()
	defer n.Links.mu.Unlock()
	for k := range n.links {
		return k
	}
	t.Fatal("no link")
	return nil
}

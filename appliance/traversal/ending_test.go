package traversal

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"sallyport/appliance/xapi"
)

// behindRelay is a pair whose tunnels go through a relay, so that SIP stays up
// when these break.
func behindRelay(t *testing.T) (edge, core *node, way *relay) {
	t.Helper()
	ca := newCA(t)
	edge = newNode(t, xapi.Edge, ca, []string{"127.0.0.1"}, func(c *Config) { c.OnStream = echo })
	core = newNode(t, xapi.Core, ca, []string{"core.example"}, nil)
	at := edge.open(t, edgePlan("core.example"))
	way = newRelay(t, fmt.Sprint("127.0.0.1:", edge.sshPort()))
	plan := corePlan(at)
	plan.Clients[0].SSHPort = int(way.addr().Port())
	core.Apply(plan)
	whole(t, edge, core)
	return edge, core, way
}

func (k *link) channel() *control {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.control
}

// A handler that takes its time keeps the end of its control channel from
// being over. Nobody is given that channel meanwhile: a call waits for the next
// one.
func TestEndingControlTakesNoCalls(t *testing.T) {
	edge, core, way := behindRelay(t)
	began, release := make(chan bool), make(chan bool)
	edge.Handle("slow", func(context.Context, Peer, []byte) ([]byte, error) {
		began <- true
		<-release
		return nil, nil
	})
	defer close(release)
	lost := make(chan error, 1)
	go func() {
		_, err := core.Call(t.Context(), zone, 0, "slow", nil)
		lost <- err
	}()
	receive(t, began)

	way.swallow(true) // no next one for now
	way.cut()
	if err := receive(t, lost); err != errTunnelCut {
		t.Errorf("the call under way: %v", err)
	}
	eventually(t, "the ending channel is out", func() bool { return edge.link(t).channel() == nil })
	if s := edge.Status()[0]; s.State != Active || s.Tunnels != Failed {
		t.Errorf("status %+v", s)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := edge.Call(t.Context(), zone, 0, methodPing, []byte(`{}`))
		answered <- err
	}()
	way.swallow(false)
	way.cut()
	if err := receive(t, answered); err != nil {
		t.Errorf("the call between two channels: %v", err)
	}
}

// A channel may break between being chosen and being written to: the call goes
// over the next one, and so does a stream.
func TestBrokenTunnelIsTriedAgain(t *testing.T) {
	edge, core, _ := behindRelay(t)
	for _, n := range []*node{edge, core} {
		n.link(t).channel().fail(errTunnelCut)
		if _, err := n.Call(t.Context(), zone, 0, methodPing, []byte(`{}`)); err != nil {
			t.Errorf("call: %v", err)
		}
		whole(t, edge, core)
	}
	k := core.link(t)
	k.mu.Lock()
	m := k.streams.muxes[0]
	k.mu.Unlock()
	m.close(errFlood)
	s, err := core.OpenStream(t.Context(), zone, "http")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := s.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := s.Read(make([]byte, 1)); err != nil {
		t.Errorf("stream: %v", err)
	}
}

// With the last SIP connection the tunnels are out at once.
func TestLinkDownTakesTunnels(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	conn := &Conn{}
	k := (&Links{cfg: Config{Clock: time.Now}}).newLink(zone, "", 0)
	k.slots[0], k.control, k.streams = conn, &control{conn: a}, &streams{conn: a}
	k.mu.Lock()
	k.dropLocked(conn, "cut")
	k.mu.Unlock()
	if k.control != nil || k.streams != nil {
		t.Error("a link that is down keeps its tunnels")
	}
}

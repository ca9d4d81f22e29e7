package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
)

// A subject is one proxy under load: clients reach it at addr, its far end is
// in this process.
type subject struct {
	name  string
	addr  string
	proc  *process
	more  []*process // the other nodes of a pair
	far   *farEnd
	fleet *fleet
}

// edgeLines is all that an edge needs to be told. The port range is wide
// because ports rest for 30 s after a call.
const edgeLines = `xConfiguration SystemUnit Name: "edge"
xConfiguration IP DNS Hostname: "edge"
xConfiguration IP DNS Domain Name: "example.com"
xConfiguration Ethernet 1 IP V4 Address: "` + edgeOuter + `"
xConfiguration Ethernet 2 IP V4 Address: "` + edgeInner + `"
xConfiguration IP External Interface: LAN1
xConfiguration Administration SSH Port: 2022
xConfiguration SIP Domain 1 Name: "` + domain + `"
xConfiguration SIP Domain 1 Edge: On
xConfiguration Zones Zone 1 Name: "Core"
xConfiguration Zones Zone 1 Type: TraversalServer
xConfiguration Zones Zone 1 TraversalServer Collaboration Edge: On
xConfiguration Zones Zone 1 TraversalServer SIP TLS Verify Subject Name: "` + coreName + `"
xConfiguration CollaborationEdge Enabled: On
xConfiguration Traversal Media Port Start: 10000
xConfiguration Traversal Media Port End: 59999
`

// startEdge runs the product as an operator would, and a far end on the real
// link.
func startEdge(ctx context.Context, w *world) (*subject, error) {
	dir := w.path("edge")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if _, err := w.trustIn(dir); err != nil {
		return nil, err
	}
	first := filepath.Join(dir, "config.txt")
	if err := os.WriteFile(first, []byte(edgeLines), 0o600); err != nil {
		return nil, err
	}
	p, err := start(w.dir, "sallyport", exec.Command(w.binary, "run", "-role", "edge", "-data", dir))
	if err != nil {
		return nil, err
	}
	w.later(p.stop)
	s := &subject{name: "edge", addr: edgeOuter + ":" + sipPort, proc: p, far: &farEnd{}}
	if err := p.await(ctx, func() bool { return listens(s.addr) }); err != nil {
		return nil, err
	}
	return s, linkUp(ctx, w, s.far)
}

// linkUp dials the edge as core does and waits until the link stands.
func linkUp(ctx context.Context, w *world, far *farEnd) error {
	t, err := w.trustIn(w.path("far"))
	if err != nil {
		return err
	}
	key, err := t.NodeKey(rand.Reader)
	if err != nil {
		return err
	}
	up := make(chan struct{})
	var once sync.Once
	links := traversal.New(traversal.Config{
		Role: xapi.Core, HostKey: key,
		ClientTLS: func(peer string) *tls.Config { return t.ClientConfig(trust.LinkClient, peer) },
		OnMessage: func(c *traversal.Conn, m *sip.Message, _ string) {
			far.answer(m, func(b []byte) { _ = c.Send(b) })
		},
		OnPeer: func(_ traversal.Peer, isUp bool, _ string) {
			if isUp {
				once.Do(func() { close(up) })
			}
		},
	})
	port := netip.MustParseAddrPort(edgeInner + ":" + linkPort).Port()
	plan := traversal.Plan{Node: coreName, Clients: []traversal.Client{
		{Zone: "Edge", Address: edgeInner, Port: int(port), SSHPort: 2222, Retry: time.Second},
	}}
	if err := links.Apply(plan); err != nil {
		return err
	}
	runCtx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		_ = links.Run(runCtx)
		close(done)
	}()
	w.later(func() { cancel(); <-done })
	select {
	case <-up:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(20 * time.Second):
		var why strings.Builder
		for _, s := range links.Status() {
			fmt.Fprintf(&why, "%+v ", s)
		}
		return fmt.Errorf("the link to edge does not come up: %s", why.String())
	}
}

package pair

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
)

// TestNodesKnowThatTheyAreHealthy asks both nodes what an update is judged by,
// and one whose listener has gone to somebody else.
func TestNodesKnowThatTheyAreHealthy(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	p, err := New(ctx, Config{Net: place, LogOut: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, r := range p.nodes {
		if err := AwaitApplied(ctx, r.node); err != nil {
			t.Fatal(err)
		}
		if unlinked, fault := r.node.Healthy(ctx); fault != nil || len(unlinked) > 0 {
			t.Errorf("%s: %v %v", r.spec.Name, unlinked, fault)
		}
	}
	taken, err := net.Listen("tcp", p.Outer.String()+":5999")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := p.Edge.Console("test")
	defer c.Close()
	var out strings.Builder
	if c.Exec(ctx, "xConfiguration SIP TLS Port: 5999", &out) != 0 {
		t.Fatal(out.String())
	}
	if err := poll(ctx, func() error {
		if _, fault := p.Edge.Healthy(ctx); fault == nil || !strings.Contains(fault.Error(), "5999") {
			return fault
		}
		return nil
	}); err != nil {
		t.Errorf("a listener that is not bound was not missed: %v", err)
	}
}

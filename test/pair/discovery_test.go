package pair

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"sallyport/test/lab"
)

// Users register and call through zones that nobody configured, and a node that
// goes down is told of and comes back by itself.
func TestDiscoveredCluster(t *testing.T) {
	s := open(t, Config{})
	ctx, stop := context.WithTimeout(t.Context(), storyTime)
	defer stop()
	w := s.pair.World
	home, sub := w.Home.Publisher().Host, w.Home.Subscriber()
	user, password := lab.AXLAccount()
	s.shell(ctx, "core", "xConfiguration CollaborationEdge Discovery ProbeInterval: 1")
	if got := s.shell(ctx, "core", fmt.Sprintf("xCommand CUCMConfigAdd Address: %s Axlusername: %s Axlpassword: %s", home, user, password)); !strings.Contains(got, "TokenKeys: Yes") {
		t.Fatal(got)
	}
	s.shell(ctx, "core", `xConfiguration Zones Policy SearchRules Rule 1 Target Name: "CEtcp-`+home+`"`)
	s.until(ctx, t, "xStatus Zones", `Name: "CEtcp-`+home+"\"\n    Type: Neighbor\n    Automatic: Yes\n    Status: Active")

	var phones []*lab.Phone
	for _, name := range []string{"alice", "bob"} {
		phones = append(phones, s.registered(ctx, t, name))
		if n := len(w.CallControl(home).Bindings(name)); n != 1 {
			t.Fatalf("the publisher has %d bindings of %s", n, name)
		}
	}
	call, err := phones[0].Call(ctx, "bob")
	if err != nil {
		t.Fatal(err)
	}
	if stats, err := call.AwaitMedia(ctx, 660, 50); err != nil {
		t.Error(stats, err)
	}
	call.Hangup(ctx)

	w.Host(sub.Addr).Stop()
	s.until(ctx, t, "xStatus CollaborationEdge Node", `Cause: "UnifiedCM port 8443: it cannot be reached`)
	if err := w.Host(sub.Addr).Resume(); err != nil {
		t.Fatal(err)
	}
	s.until(ctx, t, "xStatus CollaborationEdge Node", `!Status: Failed`)

	s.shell(ctx, "core", "xCommand CUCMConfigDelete Address: "+home)
	s.until(ctx, t, "xStatus Zones", `!CEtcp-`)
}

// until asks a node's shell until the answer has a text, or with "!" lacks it.
func (s *stage) until(ctx context.Context, t *testing.T, line, want string) {
	t.Helper()
	text, lacks := strings.CutPrefix(want, "!")
	err := poll(ctx, func() error {
		if got := s.shell(ctx, "core", line); strings.Contains(got, text) == lacks {
			return fmt.Errorf("%s does not show %q:\n%s", line, want, got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

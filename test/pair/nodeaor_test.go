package pair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sallyport/test/lab"
)

// Phones of Unified CM write their node where the domain stands in the address
// of record. Edge, which knows no nodes, takes them once core has named the
// node, with everything that hangs on it, and no longer than core does.
func TestNodeAsAddressOfRecord(t *testing.T) {
	s := open(t, Config{})
	ctx, stop := context.WithTimeout(t.Context(), storyTime)
	defer stop()
	w := s.pair.World
	home := w.Home.Publisher().Host
	atNode := func(c *lab.PhoneConfig) { c.Domain = home }
	phone := func(name string, change ...func(*lab.PhoneConfig)) *lab.Phone {
		t.Helper()
		p, err := s.pair.Phone(user(name), map[string]float64{"alice": 440, "bob": 660}[user(name)], append(change, atNode)...)
		if err == nil {
			s.phones[name] = p
			err = p.Start(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	alice := phone("alice")
	if err := alice.Register(ctx); !refusedWith(err, 403) {
		t.Fatalf("a node that core did not name: %v", err)
	}

	axl, password := lab.AXLAccount()
	s.shell(ctx, "core", fmt.Sprintf("xCommand CUCMConfigAdd Address: %s Axlusername: %s Axlpassword: %s", home, axl, password))
	registers := func(p *lab.Phone) {
		t.Helper()
		if err := poll(ctx, func() error { return p.Register(ctx) }); err != nil {
			t.Fatal(err, s.tail(0))
		}
	}
	registers(alice)
	bob := phone("bob")
	registers(bob)
	if n := len(w.CallControl(home).Bindings("alice")); n != 1 {
		t.Fatalf("the node has %d bindings of alice", n)
	}
	talk := func(from *lab.Phone, to string) {
		t.Helper()
		call, err := from.Call(ctx, to)
		if err != nil {
			t.Fatal(err)
		}
		if stats, err := call.AwaitMedia(ctx, map[string]float64{"alice": 440, "bob": 660}[to], 50); err != nil {
			t.Error(stats, err)
		}
		call.Hangup(ctx)
	}
	talk(alice, "bob")
	talk(bob, "alice")

	s.shell(ctx, "edge", "xConfiguration SIP PreRoutedRouteHeader: REGISTER")
	for range 3 {
		registers(alice)
	}
	talk(bob, "alice")

	s.shell(ctx, "core", "xCommand CUCMConfigDelete Address: "+home)
	if err := poll(ctx, func() error {
		if err := alice.Register(ctx); !refusedWith(err, 403) {
			return fmt.Errorf("a node that core named no more: %v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func refusedWith(err error, status int) bool {
	var answer *lab.StatusError
	return errors.As(err, &answer) && answer.Status == status
}

// Where edge and core check passwords themselves they do so for the domain that
// the node belongs to: its realm, its credentials.
func TestNodeAsAddressOfRecordDelegated(t *testing.T) {
	s := open(t, signIn("Delegated", 5060, registrar(openDoor)))
	ctx, stop := context.WithTimeout(t.Context(), storyTime)
	defer stop()
	home := s.pair.World.Home.Publisher().Host
	axl, password := lab.AXLAccount()
	s.shell(ctx, "core", fmt.Sprintf("xCommand CUCMConfigAdd Address: %s Axlusername: %s Axlpassword: %s", home, axl, password))
	s.shell(ctx, "core", `xCommand CredentialAdd Name: "alice@`+Domain+`" Password: "`+lab.Users()["alice"]+`"`)
	alice, err := s.pair.Phone("alice", 440, func(c *lab.PhoneConfig) { c.Domain = home })
	if err != nil {
		t.Fatal(err)
	}
	s.phones["alice"] = alice
	if err := alice.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := poll(ctx, func() error { return alice.Register(ctx) }); err != nil {
		t.Fatal(err, s.tail(0))
	}
	realm := `realm="` + Domain + `"`
	if !slices.ContainsFunc(alice.Received(), func(m lab.Capture) bool { return strings.Contains(string(m.Raw), realm) }) {
		t.Errorf("edge did not ask for %s", realm)
	}
	bob, err := s.pair.Phone("bob", 660, func(c *lab.PhoneConfig) { c.Domain = home })
	if err != nil {
		t.Fatal(err)
	}
	s.phones["bob"] = bob
	if err := bob.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := bob.Register(ctx); err == nil {
		t.Error("a user without credentials at core was let in")
	}
}

package pair

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"sallyport/appliance/xapi"
	"sallyport/test/lab"
)

// TestPeerFailOver has a trunk with two peers of which the first is down: calls
// take the second, an alarm and xStatus name the first, and all is well once it
// answers.
//
//	room ──▶ core ─┬─ ✗ first peer
//	               └──▶ second peer (call control) ──▶ carol
func TestPeerFailOver(t *testing.T) {
	s := open(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	p, first := s.pair, netip.MustParseAddr(s.pair.at("2.70"))
	if err := tell(p, append(p.TrunkLines(),
		`xConfiguration Zones Zone 20 Neighbor Peer 2 Address: "`+p.Registrar()+`"`,
		`xConfiguration Zones Zone 20 Neighbor Peer 1 Address: "`+first.String()+`"`)); err != nil {
		t.Fatal(err)
	}
	room, err := p.RoomPhone()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(room.Close)
	for _, step := range []func(context.Context) error{room.Start, room.Register} {
		if err := step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	calls := func() {
		t.Helper()
		call, err := room.Call(ctx, "sip:carol@example.com")
		if err != nil {
			t.Fatalf("%v\n%s", err, s.tail(0))
		}
		far := <-p.World.Carol.Incoming()
		if stats, err := far.AwaitMedia(ctx, lab.RoomTone, 25); err != nil {
			t.Errorf("carol hears %s: %v", stats, err)
		}
		if err := call.Hangup(ctx); err != nil {
			t.Error(err)
		}
	}
	s.awaitAlarm(ctx, xapi.AlarmPeerDown, true)
	calls()
	if got := s.shell(ctx, "core", "xStatus Alarm"); !strings.Contains(got, first.String()) || strings.Contains(got, `"Trunk `+p.Registrar()) {
		t.Errorf("the alarm does not name the first peer alone:\n%s", got)
	}
	if !strings.Contains(s.tail(0), "event=failover from="+first.String()) {
		t.Error("no line tells of the fail-over")
	}

	back := lab.NewRegistrar(lab.RegistrarConfig{Domain: "example.com", TCP: netip.AddrPortFrom(first, 5070), Hook: func(m *lab.Message) (int, string) {
		if m.Method() == "OPTIONS" {
			return 200, "OK"
		}
		return 500, "Back, but of no use"
	}})
	t.Cleanup(back.Close)
	if err := back.Start(); err != nil {
		t.Fatal(err)
	}
	if err := tell(p, []string{`xConfiguration Zones Zone 20 HopCount: 14`}); err != nil { // peers are asked at once
		t.Fatal(err)
	}
	s.awaitAlarm(ctx, xapi.AlarmPeerDown, false)
	if err := poll(ctx, func() error {
		if got := s.shell(ctx, "core", "xStatus Zones Zone 20"); strings.Contains(got, "Failed") {
			return fmt.Errorf("%s", got)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	calls() // it answers, but with 500: the second peer is tried
}

package pair

import (
	"context"
	"errors"
	"testing"

	"sallyport/test/lab"
)

// TestENUM has an endpoint of core's own dial a number:
//
//	room ──+1 555 0123──▶ core ──▶ carol
//	                       └── NAPTR? ──▶ name service
//
// The name service turns it into an address, and that leads over the trunk; a
// number that it does not know leads nowhere.
func TestENUM(t *testing.T) {
	s := open(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	s.nameServer(`3.2.1.0.5.5.5.1.e164.example.com. 60 IN NAPTR 10 100 "u" "E2U+sip" "!^.*$!sip:carol@example.com!" .`)
	if err := tell(s.pair, append(s.pair.TrunkLines(),
		`xConfiguration DNS Server 1 Address: "`+s.pair.at("2.53")+`"`,
		`xConfiguration Zones Zone 24 Name: "Numbers"`,
		`xConfiguration Zones Zone 24 Type: ENUM`,
		`xConfiguration Zones Zone 24 ENUM DNSSuffix: "e164.example.com"`,
		`xConfiguration Zones Policy SearchRules Rule 24 Name: "Numbers"`,
		`xConfiguration Zones Policy SearchRules Rule 24 Mode: AliasPatternMatch`,
		`xConfiguration Zones Policy SearchRules Rule 24 Pattern Type: Regex`,
		`xConfiguration Zones Policy SearchRules Rule 24 Pattern String: "\+\d+@.*"`,
		`xConfiguration Zones Policy SearchRules Rule 24 Pattern Behavior: Leave`,
		`xConfiguration Zones Policy SearchRules Rule 24 Target Name: "Numbers"`,
	)); err != nil {
		t.Fatal(err)
	}
	room, err := s.pair.RoomPhone()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(room.Close)
	for _, step := range []func(context.Context) error{room.Start, room.Register} {
		if err := step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	call, err := room.Call(ctx, "sip:+15550123@"+lab.RoomDomain)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.tail(0))
	}
	carol := <-s.pair.World.Carol.Incoming()
	if stats, err := call.AwaitMedia(ctx, lab.CarolTone, 25); err != nil {
		t.Errorf("room hears %s: %v", stats, err)
	}
	if stats, err := carol.AwaitMedia(ctx, lab.RoomTone, 25); err != nil {
		t.Errorf("carol hears %s: %v", stats, err)
	}
	if err := call.Hangup(ctx); err != nil {
		t.Error(err)
	}
	var refused *lab.StatusError
	if _, err = room.Call(ctx, "sip:+15550999@"+lab.RoomDomain); !errors.As(err, &refused) || refused.Status != 404 {
		t.Errorf("an unknown number: %v", err)
	}
}

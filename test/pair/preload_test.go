package pair

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"sallyport/test/lab"
)

// TestPreloadedRoutes has a system inside say by Route which way its calls take:
//
//	pbx ── UDP ──▶ core ── trunk, TCP 5070 ──▶ call control ──▶ carol
//
// No search rule leads there. Whoever may not say so, or names somebody who is
// no neighbor's peer, is refused by the name of the setting.
func TestPreloadedRoutes(t *testing.T) {
	s := open(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	at, p := netip.MustParseAddr(s.pair.at("2.41")), s.pair
	for _, lines := range [][]string{p.TrunkLines(), {
		`xConfiguration Zones Zone 21 Name: "PBX"`,
		`xConfiguration Zones Zone 21 Type: Neighbor`,
		`xConfiguration Zones Zone 21 Neighbor Peer 1 Address: "` + at.String() + `"`,
		`xConfiguration Zones Zone 21 Neighbor SIP Transport: UDP`,
		`xConfiguration Zones Zone 21 Neighbor Monitor: No`,
		`xConfiguration Zones Policy SearchRules Rule 1 Source Mode: LocalZone`,
	}} {
		if err := tell(p, lines); err != nil {
			t.Fatal(err)
		}
	}
	pbx, err := lab.NewPhone(lab.PhoneConfig{User: "desk", Password: "none", Domain: "pbx.example", Transport: "UDP", Listen: true,
		Server: netip.AddrPortFrom(netip.MustParseAddr(p.CoreAddr()), 5060), Local: at, Tone: 550})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pbx.Close)
	if err := pbx.Start(ctx); err != nil {
		t.Fatal(err)
	}

	core, trunk := "<sip:"+p.CoreAddr()+";lr>", fmt.Sprintf("<sip:%s:5070;transport=tcp;lr>", p.Registrar())
	const to = "sip:carol@example.com"
	accept := func(word string) {
		t.Helper()
		if err := tell(p, []string{"xConfiguration Zones Zone 21 Neighbor SIP PreloadedSipRoutes Accept: " + word}); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(why string, status int, routes ...string) {
		t.Helper()
		from := s.logged()
		_, err := pbx.Call(ctx, to, routed(routes)...)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprint(status, " ", why)) {
			t.Errorf("by %v: %v, want %d %s", routes, err, status, why)
		}
		if got := s.tail(from); status == 403 && !strings.Contains(got, `rule="Neighbor SIP PreloadedSipRoutes Accept"`) {
			t.Errorf("by %v the log names no rule:\n%s", routes, got)
		}
	}

	refused("Routes are not taken from this zone", 403, core, trunk)
	accept("On")
	refused("No search rule leads to carol@example.com", 404)
	refused("No search rule leads to carol@example.com", 404, core)
	const neighborsOnly = "Routes lead to peers of configured neighbors only"
	refused(neighborsOnly, 403, core, "<sip:"+p.WebServer()+":8080;transport=tcp;lr>")
	refused(neighborsOnly, 403, core, "<sip:"+p.Registrar()+":9;lr>")
	refused(neighborsOnly, 403, "<sip:"+p.Registrar()+":5070;lr;maddr="+p.WebServer()+">")
	refused(neighborsOnly, 403, core, "<sip:elsewhere.example;lr>", trunk)

	for _, routes := range [][]string{{core, trunk}, {trunk}, {core, core, trunk}} {
		call, err := pbx.Call(ctx, to, routed(routes)...)
		if err != nil {
			t.Fatalf("by %v: %v\n%s", routes, err, s.tail(0))
		}
		far := <-p.World.Carol.Incoming()
		if stats, err := far.AwaitMedia(ctx, 550, 25); err != nil {
			t.Errorf("carol hears %s: %v", stats, err)
		}
		for _, step := range []func(context.Context) error{far.Hold, far.Resume, call.Hold, far.Hangup} {
			if err := step(ctx); err != nil {
				t.Fatalf("%v\n%s", err, s.tail(0))
			}
		}
	}
	accept("Off")
	refused("Routes are not taken from this zone", 403, trunk)
}

func routed(routes []string) (opts []lab.CallOption) {
	for _, r := range routes {
		opts = append(opts, lab.WithHeader("Route", r))
	}
	return opts
}

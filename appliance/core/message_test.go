package core

import (
	"crypto/rand"
	"strings"
	"testing"

	"sallyport/appliance/config"
	"sallyport/appliance/flow"
	"sallyport/appliance/sip"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
	"sallyport/appliance/zone"
	"sallyport/test/room"
)

// parse reads a message that came from call control.
func parse(t testing.TB, text string) *sip.Message {
	t.Helper()
	return room.Message(t, "SIP/2.0/TCP 10.0.0.20;branch=z9hG4bK1", text)
}

func invite(t testing.TB, fields ...string) *sip.Message {
	t.Helper()
	return parse(t, "INVITE sip:bob@example.com SIP/2.0\n"+strings.Join(fields, "\n"))
}

func answer(t testing.TB, status string, fields ...string) *sip.Message {
	t.Helper()
	return parse(t, "SIP/2.0 "+status+"\n"+strings.Join(fields, "\n"))
}

// all is the values of a header, one after the other.
func all(m *sip.Message, name string) string { return strings.Join(m.Values(name), "|") }

func keys() tokens { return tokens{trust.NewKeyring(rand.Reader)} }

func way(t testing.TB) outlet {
	t.Helper()
	return outlet{tokens: keys(), book: emptyBook(t, newClock(), 1000), zone: "Edge", sealed: "Edge"}
}

// planned is a core with a plan and nothing running. Registrar is 10.0.0.20,
// a second one of the same rule 10.0.0.21.
func planned(t testing.TB, lines ...string) *Core {
	t.Helper()
	snap := config.NewSnapshotForTest(xapi.Core, append([]string{`Ethernet 1 IP V4 Address: 10.0.0.6
SIP TCP Mode: On
SIP UDP Mode: On
SIP Domain 1 Name: "example.com"
SIP Domain 1 Edge: On
CollaborationEdge Enabled: On
Zones Zone 1 Name: "Edge"
Zones Zone 1 Type: TraversalClient
Zones Zone 2 Name: "Call control"
Zones Zone 2 Type: Neighbor
Zones Zone 2 Neighbor Peer 1 Address: "10.0.0.20"
Zones Zone 2 Neighbor Peer 2 Address: "cucm2.example.com"
Zones Zone 2 Neighbor SIP Port: 5060
Zones Zone 2 Neighbor SIP Transport: TCP
Zones Zone 2 HopCount: 15
Zones Policy SearchRules Rule 1 Name: "Users"
Zones Policy SearchRules Rule 1 Mode: AliasPatternMatch
Zones Policy SearchRules Rule 1 Pattern Type: Suffix
Zones Policy SearchRules Rule 1 Pattern String: "@example.com"
Zones Policy SearchRules Rule 1 Pattern Behavior: Leave
Zones Policy SearchRules Rule 1 Target Type: Zone
Zones Policy SearchRules Rule 1 Target Name: "Call control"`}, lines...)...)
	plan, err := PlanFrom(snap, zone.PlanFrom(snap), discovered{}, flow.PlanFrom(snap, xapi.Core).Listeners)
	if err != nil {
		t.Fatal(err)
	}
	clock := newClock()
	c := &Core{tokens: keys(), book: emptyBook(t, clock, 1000), contacts: emptyBook(t, clock, 1000).table,
		reach: newReach(clock.read), flows: flow.New(flow.Config{AllowDial: true, OnMessage: func(*flow.Conn, *sip.Message) {}})}
	c.plan.Store(plan)
	return c
}

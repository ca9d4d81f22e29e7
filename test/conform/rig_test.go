package conform_test

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"sallyport/test/lab"
	"sallyport/test/pair"
)

// Where the far end's users live: behind it over TCP, and over UDP.
const (
	domain    = "far.example.com"
	udpDomain = "udp.example.com"
)

// patience is how long a message may take that has to come, on a busy machine.
const patience = 15 * time.Second

// rig is a running pair between two ends that the suite plays itself: phones
// outside that send raw bytes, and a far end inside.
//
//	phone ──TLS──▶ edge ──▶ core ──TCP, UDP──▶ far
type rig struct {
	pair  *pair.Pair
	tls   *tls.Config
	far   *far
	out   *lab.Stranger // the far end's own connection to core
	plays int
}

func newRig(t *testing.T) *rig {
	t.Helper()
	place, release, err := pair.FreeNet()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	at := netip.MustParseAddrPort(place + ".2.60:5060")
	p, err := pair.New(t.Context(), pair.Config{
		Net:  place,
		Edge: domainLines(),
		Core: append(domainLines(), zoneLines(at.Addr().String())...),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	r := &rig{pair: p, far: newFar(t, at)}
	if r.tls, err = lab.ClientTLS(p.CA, pair.EdgeName, nil); err != nil {
		t.Fatal(err)
	}
	if r.out, err = r.far.dial(netip.MustParseAddrPort(p.CoreAddr() + ":5060")); err != nil {
		t.Fatal(err)
	}
	return r
}

func domainLines() []string {
	return []string{
		`xConfiguration SIP Domain 2 Name: "` + domain + `"`,
		`xConfiguration SIP Domain 2 Edge: On`,
		`xConfiguration SIP Domain 3 Name: "` + udpDomain + `"`,
		`xConfiguration SIP Domain 3 Edge: On`,
	}
}

func zoneLines(addr string) (lines []string) {
	for i, z := range []struct{ name, transport, domain string }{
		{"Far", "TCP", domain}, {"Far by datagram", "UDP", udpDomain},
	} {
		n := i + 3
		for _, leaf := range []string{
			`Name: "` + z.name + `"`, `Type: Neighbor`, `Neighbor Peer 1 Address: "` + addr + `"`,
			`Neighbor SIP Port: 5060`, `Neighbor SIP Transport: ` + z.transport, `Neighbor Monitor: No`,
		} {
			lines = append(lines, fmt.Sprintf("xConfiguration Zones Zone %d %s", n, leaf))
		}
		for _, leaf := range []string{
			`Name: "` + z.name + `"`, `Mode: AliasPatternMatch`, `Pattern Type: Suffix`, `Pattern String: "@` + z.domain + `"`,
			`Pattern Behavior: Leave`, `Target Type: Zone`, `Target Name: "` + z.name + `"`,
		} {
			lines = append(lines, fmt.Sprintf("xConfiguration Zones Policy SearchRules Rule %d %s", n, leaf))
		}
	}
	return lines
}

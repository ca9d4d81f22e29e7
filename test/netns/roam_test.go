package netns

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sallyport/test/lab"
)

// roamer is alice with a machine that is in one network at a time:
//
//	wifi    192.168.7.2 behind 203.0.113.20
//	lte     10.64.0.2 behind 203.0.113.30
//	office  10.2.0.50, straight at call control
type roamer struct {
	*player
	*testing.T
	machine   *Mobile
	wifi, lte *Access
	edge      string // where she registers outside
}

const (
	aliceTone, carolTone = 440, 880
	officeAddr           = "10.2.0.50"
)

// roams starts alice in the Wi-Fi network at home.
func (p *pair) roams() *roamer {
	p.Helper()
	m := p.site.AddMobile("alice")
	r := &roamer{T: p.T, machine: m, edge: EdgeOutside + ":5061",
		wifi: p.site.AddAccess("wifi", "203.0.113.20", "192.168.7"), lte: p.site.AddAccess("lte", "203.0.113.30", "10.64.0")}
	m.Knows("wifi", r.wifi.Client, r.wifi.Lan, r.wifi.Gateway)
	m.Knows("lte", r.lte.Client, r.lte.Lan, r.lte.Gateway)
	m.Knows("office", officeAddr, p.site.Inside, firewallInside)
	addr := m.Enter("wifi")
	r.player = m.StartPlayer(role{Phone: &lab.PhoneConfig{User: "alice", Password: Password, Domain: Domain, Server: netip.MustParseAddrPort(r.edge),
		ServerName: "edge." + Domain, CA: []byte(read(p.T, p.ca.File)), Local: netip.MustParseAddr(addr), Outbound: true, AutoAnswer: true,
		Tone: aliceTone, Suites: lab.AllSuites(), Persist: true}})
	p.linked() // this phone asks once
	r.do("start")
	return r
}

// linked waits until both nodes have the link, which core dials again a while
// after it found edge not listening yet.
func (p *pair) linked() {
	p.Helper()
	for _, n := range []*Node{p.edge, p.core} {
		Until(p.T, giveUp, n.role+" has the link", func() bool { return n.linkStatus() == "Active" })
	}
}

// desk is carol's phone inside, as one of the lab's.
func (p *pair) desk() *player {
	p.Helper()
	return p.deskAt(p.site.AddInside("carol", CarolAddr), UCMAddr+":5060", CarolAddr)
}

func (p *pair) deskAt(s *Space, server, addr string) *player {
	p.Helper()
	c := s.StartPlayer(role{Phone: &lab.PhoneConfig{User: "carol", Password: Password, Domain: Domain,
		Server: netip.MustParseAddrPort(server), Transport: "UDP", Local: netip.MustParseAddr(addr), Tone: carolTone, AutoAnswer: true}})
	c.do("start")
	return c
}

// move takes alice to another network and returns the moment when that was
// there. The old connection dies as it does when a network goes: nobody outside
// hears of it.
func (r *roamer) move(to string) time.Time {
	r.Helper()
	r.machine.Leave()
	r.do("leave")
	addr := r.machine.Enter(to)
	up := time.Now()
	if to == "office" {
		r.do("arrive", UCMAddr+":5060", "TCP", addr)
	} else {
		r.do("arrive", r.edge, "TLS", addr, "same")
	}
	return up
}

// hear asks both ends for the other's tone.
func (r *roamer) hear(carol *player) {
	r.Helper()
	carol.do("hears", fmt.Sprint(aliceTone))
	r.do("hears", fmt.Sprint(carolTone))
}

// report says how long the far end heard nothing from when a network was there.
func (r *roamer) report(carol *player, to string, up time.Time) {
	r.Helper()
	r.Logf("in %s carol hears alice again %s after the network was up", to, carol.do("heard", fmt.Sprint(up.UnixNano())))
	r.hear(carol)
}

// Kamailio keeps the registration, and the phones' own dialogs follow edge's
// tokens: alice goes from Wi-Fi to LTE and back with a call, held and active,
// and with a subscription.
func roamsOutside(p *pair) {
	carol, alice := p.desk(), p.roams()
	alice.do("subscribe", "carol", "presence")
	alice.do("notified") // the present state
	alice.do("call", "carol")
	carol.do("rings")
	alice.hear(carol)

	alice.report(carol, "lte", alice.move("lte"))
	carol.do("notify", "at lunch")
	if got := alice.do("notified"); got != "at lunch" {
		p.Errorf("after the move alice was notified of %q", got)
	}
	alice.do("refresh")

	// Held in one network, resumed in the other, while the router there forgets.
	alice.do("hold")
	alice.move("wifi")
	alice.wifi.Move("203.0.113.21")
	alice.do("leave", "silently") // its connection is gone with the router's memory
	alice.do("arrive", alice.edge, "TLS", alice.wifi.Client, "same")
	alice.do("resume")
	alice.hear(carol)

	alice.halfOpen(carol)
	alice.do("hangup")
	carol.do("ended")
	carol.do("call", "alice")
	alice.do("rings")
	alice.hear(carol)
}

// halfOpen has the way home swallow everything without a word. Carol holds the
// call, into a connection that nobody knows to be dead; it waits for alice's
// next one.
func (r *roamer) halfOpen(carol *player) {
	r.Helper()
	r.wifi.Silence()
	held := make(chan error, 1)
	go func() {
		_, err := carol.try("hold")
		held <- err
	}()
	Until(r.T, orderTime, "edge writes into the dead connection", func() bool { return r.wifi.Swallowed() > 0 })
	r.do("leave", "silently") // she notices at last
	r.machine.Enter("lte")
	r.do("arrive", r.edge, "TLS", r.lte.Client, "same")
	if err := <-held; err != nil {
		r.Fatalf("carol's hold into a dead connection: %v", err)
	}
	if r.do("held") != "true" {
		r.Error("alice does not know that carol holds the call")
	}
	carol.do("resume")
	r.hear(carol)
	r.wifi.Restore()
}

// With call control that takes calls over, alice walks into the office and out
// again in a call that began outside, and in one that began there.
func roamsToOffice(p *pair) {
	carol, alice := p.desk(), p.roams()
	alice.do("call", "carol")
	carol.do("rings")
	alice.hear(carol)
	for _, to := range []string{"office", "lte", "office", "wifi"} {
		up := alice.move(to)
		alice.do("reoffer")
		alice.report(carol, to, up)
	}
	alice.do("hangup")
	carol.do("ended")
}

// Core, call control and carol speak IPv6, for signalling and media; alice
// outside has IPv4 only.
func insideIPv6(p *pair) {
	machine := p.site.AddInside("carol", CarolAddr)
	machine.Add6(CarolAddr6)
	carol, alice := p.deskAt(machine, "["+UCMAddr6+"]:5060", CarolAddr6), p.roams()
	if !p.ucm.SawPath("alice") {
		p.Error("no Path at the registrar")
	}
	alice.do("call", "carol")
	carol.do("rings")
	alice.hear(carol)
	carol.do("hold")
	carol.do("resume")
	alice.hear(carol)
	alice.do("hangup")
	carol.do("ended")
	carol.do("call", "alice")
	alice.do("rings")
	alice.hear(carol)
	if got := carol.do("sources"); !strings.Contains(got, CoreAddr6) || strings.Contains(got, "10.2.") {
		p.Errorf("carol's media comes from %s", got)
	}
	carol.do("hangup")
	alice.do("ended")
}

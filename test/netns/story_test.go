package netns

import (
	"strings"
	"testing"
	"time"
)

// The stories: sallyport between real peers, set up as an operator would, in
// the network that site.go draws. They mostly wait, so they are told side by
// side.
func TestSallyport(t *testing.T) {
	New(t, "kamailio", "baresip") // or say what is missing before building
	bin := Binary(t)
	for _, o := range []Options{{Path: PathOff, Transport: "TCP"}, {Path: PathLazy, Transport: "TLS"}, {Path: PathStrict, Transport: "TCP"}, {Path: PathOutbound, Transport: "TLS"}} {
		t.Run("register-and-call-"+string(o.Path)+"-"+o.Transport, func(t *testing.T) {
			t.Parallel()
			registerAndCall(newPair(t, bin, o))
		})
	}
	t.Run("static-nat", func(t *testing.T) {
		t.Parallel()
		p := newPair(t, bin, Options{Path: PathStrict, Transport: "TLS", StaticNAT: true})
		registerAndCall(p)
	})
	usual := Options{Path: PathStrict, Transport: "TLS"}
	for _, story := range []struct {
		name string
		tell func(*pair)
	}{
		{"client-behind-nat", clientBehindNAT},
		{"address-changes-in-call", addressChanges},
		{"link-cut-and-restored", linkCut},
		{"edge-killed-and-restarted", edgeKilled},
		{"core-killed-and-restarted", coreKilled},
		{"roams-outside", roamsOutside},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			story.tell(newPair(t, bin, usual))
		})
	}
	t.Run("roams-to-office", func(t *testing.T) {
		t.Parallel()
		roamsToOffice(newPair(t, bin, Options{Path: PathStub, Transport: "TCP"}))
	})
	t.Run("call-control-by-ipv6", func(t *testing.T) {
		t.Parallel()
		insideIPv6(newPair(t, bin, Options{Path: PathStrict, Transport: "TLS", IPv6: true}))
	})
}

// pair is a site with edge, core and a registrar in place.
type pair struct {
	*testing.T
	site       *Site
	ca         *Authority
	edge, core *Node
	ucm        *Kamailio
	path       PathMode
}

const callTime = 4 * time.Second

func newPair(t *testing.T, bin string, o Options) *pair {
	t.Helper()
	p := &pair{T: t, site: New(t).Firewalled(), ca: NewAuthority(t), path: o.Path}
	outer := EdgeOutside
	if o.StaticNAT {
		p.site.HideEdge()
		outer = EdgeHidden
	}
	ucm, core := p.site.AddInside("ucm", UCMAddr), p.site.AddInside("core", CoreAddr)
	at := UCMAddr
	if o.IPv6 {
		ucm.Add6(UCMAddr6)
		core.Add6(CoreAddr6)
		at = "[" + UCMAddr6 + "]"
	}
	if o.Path == PathStub {
		ucm.StartPlayer(role{Registrar: &registrar{UCMAddr, []string{"alice", "bob", "carol"}}})
	} else {
		p.ucm = ucm.StartKamailio(at, Domain, o.Path, p.ca.Issue(Domain, UCMAddr, UCMAddr6))
	}
	p.edge = p.site.Edge.StartNode(bin, "edge", p.ca.Issue("edge."+Domain, Domain, EdgeOutside, EdgeInner), p.ca, EdgeConfig(o))
	p.core = core.StartNode(bin, "core", p.ca.Issue("core."+Domain, CoreAddr), p.ca, CoreConfig(o))
	p.edge.Listens(outer + ":5061")
	p.edge.Listens(EdgeInner + ":7001")
	// Whatever a story did, nothing may have knocked at the inside from the DMZ.
	t.Cleanup(func() {
		if n := p.site.Tried(); n != 0 {
			t.Errorf("edge tried %d times to open something inwards", n)
		}
	})
	return p
}

// outside starts a phone on the Internet and waits for its registration. It
// refreshes every ten seconds, so that it notices soon when edge is gone.
func (p *pair) outside(user, addr string, tone float64) *Phone {
	p.Helper()
	return p.outsideEvery(user, addr, tone, 10)
}

func (p *pair) outsideEvery(user, addr string, tone float64, seconds int) *Phone {
	p.Helper()
	cfg := outsidePhone(p.ca, user, addr, tone)
	cfg.RegInterval = seconds
	phone := p.site.AddOutside(user, addr).StartPhone(cfg)
	phone.AwaitRegistered()
	return phone
}

// carol is the phone inside: plain SIP and RTP, straight at the registrar.
func (p *pair) carol() *Phone {
	p.Helper()
	phone := p.site.AddInside("carol", CarolAddr).StartPhone(PhoneConfig{User: "carol", Domain: Domain, Addr: CarolAddr,
		Server: UCMAddr + ":5060", Transport: "udp", Tone: 880})
	phone.AwaitRegistered()
	return phone
}

// Calls in every direction, with the tone measured at both ends.
func registerAndCall(p *pair) {
	carol := p.carol()
	alice, bob := p.outside("alice", "203.0.113.10", 440), p.outside("bob", "203.0.113.11", 660)
	if p.ucm.SawPath("alice") != (p.path != PathOff) {
		p.Errorf("Path at the registrar: %v, in its mode %s", p.ucm.SawPath("alice"), p.path)
	}
	Talk(p.T, alice, carol, callTime)
	Talk(p.T, carol, alice, callTime)
	Talk(p.T, alice, bob, callTime)
}

// alice's packets come from an address and ports that she does not know.
func clientBehindNAT(p *pair) {
	carol := p.carol()
	alice := p.site.AddHome("alice", "203.0.113.20").Client.StartPhone(outsidePhone(p.ca, "alice", HomeClient, 440))
	alice.AwaitRegistered()
	Talk(p.T, alice, carol, callTime)
	Talk(p.T, carol, alice, callTime)
}

// The NAT in front of alice gets another public address while she talks. Media
// heals by itself; her registration when she notices.
func addressChanges(p *pair) {
	carol := p.carol()
	home := p.site.AddHome("alice", "203.0.113.20")
	alice := home.Client.StartPhone(outsidePhone(p.ca, "alice", HomeClient, 440))
	alice.AwaitRegistered()
	alice.Dial("carol")
	carol.Await("CALL_ESTABLISHED", 1, giveUp)
	time.Sleep(callTime)
	home.Move("203.0.113.21")
	time.Sleep(2 * callTime)
	registered := alice.Count("REGISTER_OK")
	carol.Hangup()
	carol.Await("CALL_CLOSED", 1, giveUp)
	ListenTail(p.T, carol, 440, callTime)
	alice.AwaitReturn(registered)
	Talk(p.T, carol, alice, callTime)
}

// The link is cut for a while: both nodes say so within seconds, and afterwards
// everything works without a hand. The phone's registration outlasts the cut, so
// that it has nothing to repair.
func linkCut(p *pair) {
	carol := p.carol()
	alice := p.outsideEvery("alice", "203.0.113.10", 440, 300)
	Talk(p.T, alice, carol, callTime)
	p.site.Cut()
	cut := time.Now()
	for _, n := range []*Node{p.edge, p.core} {
		Until(p.T, giveUp, n.role+" says that the link is down", func() bool { return n.linkStatus() == "Failed" })
		p.Logf("%s says so %.1f s after the cut", n.role, time.Since(cut).Seconds())
	}
	Until(p.T, giveUp, "core raises an alarm", func() bool { return strings.Contains(p.core.Shell("xStatus Alarm"), "Traversal link down") })
	p.site.Mend()
	mended := time.Now()
	p.CallUntil(alice, carol, 30*time.Second)
	p.Logf("the first call came through %.1f s after the link was mended", time.Since(mended).Seconds())
	Talk(p.T, carol, alice, callTime)
	for _, n := range []*Node{p.edge, p.core} {
		if s := n.linkStatus(); s != "Active" {
			p.Errorf("%s calls the link %s", n.role, s)
		}
	}
}

// Edge dies without a word and comes back; the phones return by themselves.
func edgeKilled(p *pair) {
	carol := p.carol()
	alice, bob := p.outside("alice", "203.0.113.10", 440), p.outside("bob", "203.0.113.11", 660)
	Talk(p.T, alice, carol, callTime)
	p.edge.Kill()
	a, b := alice.Count("REGISTER_OK"), bob.Count("REGISTER_OK")
	p.edge.Start()
	p.edge.Listens(EdgeOutside + ":5061")
	alice.AwaitReturn(a)
	bob.AwaitReturn(b)
	Talk(p.T, carol, alice, callTime)
	Talk(p.T, bob, alice, callTime)
}

// Core dies and comes back while the phones stay connected to edge.
func coreKilled(p *pair) {
	carol := p.carol()
	alice := p.outside("alice", "203.0.113.10", 440)
	Talk(p.T, alice, carol, callTime)
	p.core.Kill()
	p.core.Start()
	p.CallUntil(alice, carol, 60*time.Second)
	Talk(p.T, carol, alice, callTime)
}

// CallUntil calls again and again until a call is established, and hangs up.
func (p *pair) CallUntil(from, to *Phone, within time.Duration) {
	p.Helper()
	Until(p.T, within, from.cfg.User+" reaches "+to.cfg.User+" again", func() bool {
		established, closed := from.Count("CALL_ESTABLISHED"), from.Count("CALL_CLOSED")
		from.Dial(to.cfg.User)
		for range 60 {
			if from.Count("CALL_ESTABLISHED") > established {
				return true
			}
			if from.Count("CALL_CLOSED") > closed {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		from.Hangup()
		return false
	})
	ended := to.Count("CALL_CLOSED")
	from.Hangup()
	to.Await("CALL_CLOSED", ended+1, giveUp)
}

// ListenTail checks the end of a phone's last recording.
func ListenTail(t *testing.T, p *Phone, hz float64, long time.Duration) {
	t.Helper()
	all := p.Heard()
	if len(all) == 0 {
		t.Fatalf("%s recorded nothing", p.cfg.User)
	}
	last := all[len(all)-1]
	if n := int(long.Seconds() * float64(last.Rate)); len(last.Samples) > n {
		last.Samples = last.Samples[len(last.Samples)-n:]
	}
	share := last.Heard(hz)
	t.Logf("%s heard %.0f Hz in %.0f%% of the last %.1f s", p.cfg.User, hz, 100*share, last.Seconds())
	if share < 0.8 {
		t.Errorf("%s heard %.0f Hz in only %.0f%% of the last %.1f s", p.cfg.User, hz, 100*share, last.Seconds())
	}
}

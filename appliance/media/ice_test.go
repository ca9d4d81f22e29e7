package media_test

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"sallyport/appliance/edge"
	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// agent is the ICE half of a phone.
type agent struct{ ufrag, pwd string }

func (a agent) lines(p *phone, more ...string) []string {
	rtp, rtcp := local(p.rtp), local(p.rtcp)
	return append([]string{
		"a=ice-ufrag:" + a.ufrag, "a=ice-pwd:" + a.pwd, "a=ice-options:rtp+ecn",
		fmt.Sprintf("a=candidate:1 1 UDP 2130706431 %s %d typ host", rtp.Addr(), rtp.Port()),
		fmt.Sprintf("a=candidate:1 2 UDP 2130706430 %s %d typ host", rtcp.Addr(), rtcp.Port()),
	}, more...)
}

// asks is how one agent asks another whether a path works.
func (a agent) asks(other agent) []byte {
	return stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewUsername(other.ufrag+":"+a.ufrag),
		stun.NewShortTermIntegrity(other.pwd), stun.Fingerprint).Raw
}

var (
	iceA = agent{"aaaa", "aaaaaaaaaaaaaaaaaaaaaaaa"}
	iceB = agent{"bbbb", "bbbbbbbbbbbbbbbbbbbbbbbb"}
)

// outside is a pair whose policy lets clients find a direct path, and two phones
// with SRTP before it.
func outside(t *testing.T) (p *pair, a, b *phone) {
	p = newPair(t)
	p.policy = media.Policy{Inside: media.BestEffort, InsideTLS: true, Passthrough: true}
	a, b = newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, netip.MustParseAddr(strings.Replace(p.clientHost.String(), ".9.1", ".9.2", 1)))
	b.version = 50
	b.secure(sdp.AES128GCM)
	return p, a, b
}

// across makes a call from a client outside to another: call control passes
// descriptions on as they are. It returns what each client was told.
func (p *pair) across(a, b *phone, ofA, ofB []string) (toB, toA string) {
	p.t.Helper()
	p.use(1)
	p.use(2)
	p.edge.Use(2, edge.MediaCall{Client: netip.AddrPortFrom(local(b.rtp).Addr(), 5061), Label: "call-2"})
	at, err := p.inward(1, media.Offer, a.describe(ofA...))
	must(p.t, err)
	toB, err = p.outward(2, media.Offer, at)
	must(p.t, err)
	b.hear(toB)
	back, err := p.inward(2, media.Answer, b.describe(ofB...))
	must(p.t, err)
	toA, err = p.outward(1, media.Answer, back)
	must(p.t, err)
	a.hear(toA)
	return toB, toA
}

func keyLine(body string) string {
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "a=crypto") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

func TestClientsGetEachOthersAgentsAndKeys(t *testing.T) {
	p, a, b := outside(t)
	toB, toA := p.across(a, b, iceA.lines(a), iceB.lines(b))
	for name, c := range map[string]struct {
		told string
		far  *phone
		ice  agent
	}{"b": {toB, a, iceA}, "a": {toA, b, iceB}} {
		own := c.far.describe()
		if keyLine(c.told) != keyLine(own) {
			t.Errorf("%s got %s, want the far client's %s", name, keyLine(c.told), keyLine(own))
		}
		for _, line := range c.ice.lines(c.far) {
			if !strings.Contains(c.told, line+"\r\n") {
				t.Errorf("%s was not told %s:\n%s", name, line, c.told)
			}
		}
		d, err := sdp.Parse([]byte(c.told))
		must(t, err)
		all := d.Media[0].Candidates()
		last := all[len(all)-2:]
		rtp := netip.AddrPortFrom(d.Conn(0).Addr, uint16(d.Media[0].M().Port))
		if got := netip.AddrPortFrom(last[0].Addr, last[0].Port); len(all) != 4 || got != rtp || last[0].Type != "relay" || last[0].Priority != 255 {
			t.Errorf("%s: the default destination %s is no last candidate: %+v", name, rtp, all)
		}
		if got := netip.AddrPortFrom(last[1].Addr, last[1].Port); got != d.RTCP(0) || last[1].Component != 2 {
			t.Errorf("%s: RTCP's default %s is no candidate: %+v", name, d.RTCP(0), last[1])
		}
	}
}

// The relay path is a pipe for both: media with keys end to end, RTCP, and the
// agents' questions, in either component.
func TestRelayCarriesWhatAgentsSend(t *testing.T) {
	p, a, b := outside(t)
	p.across(a, b, iceA.lines(a), iceB.lines(b))
	talk(t, a, b, "a to b")
	talk(t, b, a, "b to a")
	reports(t, a, b)
	reports(t, b, a)
	for _, way := range []struct {
		from *net.UDPConn
		to   netip.AddrPort
		at   *net.UDPConn
	}{{a.rtp, a.to, b.rtp}, {a.rtcp, a.toRTCP, b.rtcp}} {
		ask := iceA.asks(iceB)
		waitFor(t, "the question is passed on", func() bool {
			way.from.WriteToUDPAddrPort(ask, way.to)
			got, err := recv(way.at, 30*time.Millisecond)
			return err == nil && string(got) == string(ask)
		})
	}
	way := p.coreRelay.Status()[0].Streams[0]
	if !strings.HasSuffix(way.Suite, "end to end") || way.Client.Forged > 0 {
		t.Errorf("core: %+v", way)
	}
}

// Media that goes direct is no fault, and one that comes back is seen.
func TestDirectIsNoSilence(t *testing.T) {
	p, a, b := outside(t)
	p.across(a, b, iceA.lines(a), iceB.lines(b))
	talk(t, a, b, "up")
	talk(t, b, a, "down")
	p.clock.advance(40 * time.Second)
	for _, r := range []*media.Relay{p.edgeRelay, p.coreRelay} {
		waitFor(t, "media counts as direct", func() bool { st := p.stats(r); return st.Direct && st.Cause == "" })
	}
	select {
	case s := <-p.silences:
		t.Errorf("a call whose media went direct is called silent: %+v", s)
	default:
	}
	talk(t, a, b, "again")
	talk(t, b, a, "again")
	waitFor(t, "media counts as relayed", func() bool { return !p.stats(p.edgeRelay).Direct && !p.stats(p.coreRelay).Direct })
}

// A NAT that gives a client another port after the window: his agent's question
// proves him, a stranger's packets prove nothing and are not even passed on.
func TestAgentProvesItsSource(t *testing.T) {
	p, a, b := outside(t)
	p.across(a, b, iceA.lines(a), iceB.lines(b))
	talk(t, a, b, "up")
	talk(t, b, a, "down")
	p.clock.advance(time.Minute)
	stranger := newPhone(t, netip.MustParseAddr(strings.Replace(p.clientHost.String(), ".9.1", ".9.66", 1)))
	stranger.to = a.to
	for range 10 {
		stranger.sendFrom(stranger.rtp, []byte("nothing"))
		_, err := stranger.rtp.WriteToUDPAddrPort(a.packet("stolen"), a.to)
		must(t, err)
		_, err = stranger.rtp.WriteToUDPAddrPort(agent{iceA.ufrag, ""}.asks(agent{iceB.ufrag, "guessed-guessed-guessed"}), a.to)
		must(t, err)
	}
	if b.got(b.rtp, "stolen", 100*time.Millisecond) {
		t.Error("a stranger's packet was passed on")
	}
	a.rtp = listen(t, p.clientHost)
	waitFor(t, "the question moves the client", func() bool {
		a.sendFrom(a.rtp, iceA.asks(iceB))
		b.send("to the new port")
		return a.got(a.rtp, "to the new port", 30*time.Millisecond)
	})
	talk(t, a, b, "from the new port")
	b.send("x")
	if got, err := recv(stranger.rtp, 50*time.Millisecond); err == nil {
		t.Errorf("the stranger was sent %d bytes", len(got))
	}
}

// Who has no ICE, on either side, talks by the relay with keys end to end.
func TestOneClientWithoutAgent(t *testing.T) {
	for name, c := range map[string]struct{ a, b bool }{"the caller": {false, true}, "the called": {true, false}} {
		t.Run(name, func(t *testing.T) {
			p, a, b := outside(t)
			var ofA, ofB []string
			if c.a {
				ofA = iceA.lines(a)
			}
			if c.b {
				ofB = iceB.lines(b)
			}
			toB, toA := p.across(a, b, ofA, ofB)
			if strings.Contains(toA, "candidate") || !c.a && strings.Contains(toB, "candidate") {
				t.Errorf("candidates without an agent:\n%s\n%s", toB, toA)
			}
			talk(t, a, b, "up")
			talk(t, b, a, "down")
			reports(t, a, b)
			if p.coreRelay.Status()[0].Relayed == "" {
				t.Error("nothing says why media goes by the relay")
			}
		})
	}
}

// Candidates of an inside phone never leave, whatever it says.
func TestInsideAgentStays(t *testing.T) {
	for name, setup := range map[string]func(*pair, *phone, *phone) string{
		"in an answer": func(p *pair, client, inside *phone) string {
			in, err := p.inward(1, media.Offer, client.describe(iceA.lines(client)...))
			must(p.t, err)
			inside.hear(in)
			out, err := p.outward(1, media.Answer, inside.describe(iceB.lines(inside)...))
			must(p.t, err)
			return out
		},
		"in an offer": func(p *pair, client, inside *phone) string {
			out, err := p.outward(1, media.Offer, inside.describe(iceB.lines(inside)...))
			must(p.t, err)
			client.hear(out)
			in, err := p.inward(1, media.Answer, client.describe(iceA.lines(client)...))
			must(p.t, err)
			inside.hear(in)
			return out
		},
		"with the client's own credentials": func(p *pair, client, inside *phone) string {
			in, err := p.inward(1, media.Offer, client.describe(iceA.lines(client)...))
			must(p.t, err)
			inside.hear(in)
			out, err := p.outward(1, media.Answer, inside.describe(iceA.lines(inside)...))
			must(p.t, err)
			return out
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, client, _ := outside(t)
			inside := newPhone(t, p.insideHost)
			p.use(1)
			out := setup(p, client, inside)
			if strings.Contains(out, "candidate") || strings.Contains(out, "ice-") {
				t.Errorf("ICE of the inside left:\n%s", out)
			}
			if p.coreRelay.Status()[0].Relayed == "" {
				t.Error("nothing says why")
			}
			client.hear(out)
			talk(t, client, inside, "up")
			talk(t, inside, client, "down")
		})
	}
}

// Off means off: no candidate and no key of a client passes.
func TestPassthroughOff(t *testing.T) {
	p, a, b := outside(t)
	p.policy.Passthrough, p.policy.Relayed = false, "it is off"
	toB, toA := p.across(a, b, iceA.lines(a), iceB.lines(b))
	if strings.Contains(toB+toA, "candidate") || strings.Contains(toB+toA, "ice-") {
		t.Errorf("ICE passed:\n%s\n%s", toB, toA)
	}
	if keyLine(toB) == keyLine(a.describe()) {
		t.Error("the client's key passed")
	}
	talk(t, a, b, "up")
	talk(t, b, a, "down")
	if got := p.coreRelay.Status()[0].Relayed; got != "it is off" {
		t.Errorf("why: %q", got)
	}
}

// A list without end, and candidates that are none, cost the sender his ICE and
// nobody anything else.
func TestBadCandidates(t *testing.T) {
	for name, more := range map[string][]string{
		"too many":  strings.Split(strings.Repeat("a=candidate:7 1 UDP 1 192.0.2.1 9 typ host\n", sdp.MaxCandidates+1)+"a=x", "\n"),
		"malformed": {"a=candidate:7 1 UDP x 192.0.2.1 9 typ host"},
		"multicast": {"a=candidate:7 1 UDP 1 224.0.0.1 9 typ host"},
	} {
		t.Run(name, func(t *testing.T) {
			p, a, b := outside(t)
			toB, _ := p.across(a, b, iceA.lines(a, more...), iceB.lines(b))
			if strings.Contains(toB, "candidate") || strings.Contains(toB, "ice-") {
				t.Errorf("passed on:\n%s", toB)
			}
			talk(t, a, b, "up")
			talk(t, b, a, "down")
			if got := p.edgeRelay.Status()[0].Relayed; got == "" {
				t.Error("edge does not say why")
			}
		})
	}
}

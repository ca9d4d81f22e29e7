package netns

import (
	"testing"
	"time"
)

// The peers by themselves, to know that they are fit to judge by:
//
//	alice 10.77.0.2 ──┐
//	bob   10.77.0.3 ──┼── switch ── ucm 10.77.0.1 (kamailio)
//	carol 10.77.0.4 ──┘
func TestPeersByThemselves(t *testing.T) {
	for _, tt := range []struct {
		transport, port string
		srtp            bool
		mode            PathMode
	}{{"tls", "5061", true, PathOff}, {"tls", "5061", true, PathOutbound}, {"tcp", "5060", false, PathLazy}, {"udp", "5060", false, PathStrict}} {
		t.Run(tt.transport+"-"+string(tt.mode), func(t *testing.T) {
			t.Parallel()
			n := New(t, "kamailio", "baresip")
			sw := n.Bridge("sw")
			ca := NewAuthority(t)
			ucm := n.Space("ucm")
			n.Join(ucm, "eth0", "10.77.0.1/24", sw, "")
			ucm.StartKamailio("10.77.0.1", "ucm.test", tt.mode, ca.Issue("ucm.test", "10.77.0.1"))
			phone := func(name, addr string, tone float64) *Phone {
				s := n.Space(name)
				n.Join(s, "eth0", addr+"/24", sw, "")
				return s.StartPhone(PhoneConfig{User: name, Domain: "ucm.test", Addr: addr, Server: "10.77.0.1:" + tt.port,
					Transport: tt.transport, RegInterval: 10, Outbound: tt.mode == PathOutbound, Tone: tone, SRTP: tt.srtp, CA: ca.File, Identity: ca.Issue(name + ".test")})
			}
			alice, bob := phone("alice", "10.77.0.2", 440), phone("bob", "10.77.0.3", 880)
			alice.AwaitRegistered()
			bob.AwaitRegistered()
			Talk(t, alice, bob, 4*time.Second)
			alice.Await("REGISTER_OK", 1, giveUp) // a refresh is told
		})
	}
}

// Talk lets one phone call another for a while and checks that each recorded
// the other's tone nearly all the time.
func Talk(t *testing.T, from, to *Phone, long time.Duration) {
	t.Helper()
	a, b := from.Count("CALL_ESTABLISHED"), to.Count("CALL_ESTABLISHED")
	from.Dial(to.cfg.User)
	from.Await("CALL_ESTABLISHED", a+1, giveUp)
	to.Await("CALL_ESTABLISHED", b+1, giveUp)
	time.Sleep(long) // speech takes its time
	closed := to.Count("CALL_CLOSED")
	from.Hangup()
	to.Await("CALL_CLOSED", closed+1, giveUp)
	Listen(t, from, to.cfg.Tone, long)
	Listen(t, to, from.cfg.Tone, long)
}

// Listen checks a phone's last recording.
func Listen(t *testing.T, p *Phone, hz float64, long time.Duration) {
	t.Helper()
	var last Recording
	Until(t, giveUp, p.cfg.User+"'s recording", func() bool {
		all := p.Heard()
		if len(all) > 0 {
			last = all[len(all)-1]
		}
		return last.Seconds() > long.Seconds()/2
	})
	share := last.Heard(hz)
	t.Logf("%s heard %.0f Hz in %.0f%% of %.1f s", p.cfg.User, hz, 100*share, last.Seconds())
	if share < 0.8 {
		t.Errorf("%s heard %.0f Hz in only %.0f%% of %.1f s", p.cfg.User, hz, 100*share, last.Seconds())
	}
}

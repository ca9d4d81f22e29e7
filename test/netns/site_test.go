package netns

import (
	"strings"
	"testing"
)

// The network by itself: what the stories rely on holds before sallyport comes.
func TestFirewallAndNAT(t *testing.T) {
	s := New(t, "kamailio", "baresip").Firewalled()
	ca := NewAuthority(t)
	ucm := s.AddInside("ucm", UCMAddr)
	ucm.StartKamailio(UCMAddr, Domain, PathStrict, ca.Issue(Domain, UCMAddr))
	s.Edge.StartKamailio(EdgeInner, "dmz.test", PathStrict, ca.Issue("dmz.test", EdgeInner)) // something that listens
	core := s.AddInside("core", CoreAddr)

	if !core.Reaches(EdgeInner, 5060) || !core.Reaches(UCMAddr, 5060) {
		t.Error("core reaches edge and registrar: no")
	}
	if n := s.Tried(); n != 0 {
		t.Errorf("%d packets tried to get in before anybody did", n)
	}
	if s.Edge.Reaches(UCMAddr, 5060) || s.Tried() == 0 {
		t.Error("the firewall let edge in, or did not see it try")
	}
	s.Cut()
	if core.Reaches(EdgeInner, 5060) {
		t.Error("core reaches edge through a cut")
	}
	s.Mend()
	Until(t, giveUp, "core reaches edge again", func() bool { return core.Reaches(EdgeInner, 5060) })
}

// alice behind a NAT and bob in front of it, with the registrar at edge's place.
func TestPhoneBehindNAT(t *testing.T) {
	s := New(t, "kamailio", "baresip").Firewalled()
	ca := NewAuthority(t)
	s.Edge.StartKamailio(EdgeOutside, Domain, PathOff, ca.Issue(Domain, EdgeOutside))
	home := s.AddHome("alice", "203.0.113.20")
	alice := home.Client.StartPhone(outsidePhone(ca, "alice", HomeClient, 440))
	alice.AwaitRegistered()
	if !strings.Contains(s.Edge.Run("ss", "-Htn"), "203.0.113.20:") {
		t.Errorf("the NAT did not translate:\n%s", s.Edge.Run("ss", "-Htn"))
	}
	home.Move("203.0.113.21")
	c, err := home.Client.Dial(t.Context(), "tcp", EdgeOutside+":5060")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if !strings.Contains(s.Edge.Run("ss", "-Htn"), "203.0.113.21:") {
		t.Errorf("the NAT did not take its new address:\n%s", s.Edge.Run("ss", "-Htn"))
	}
}

// outsidePhone is a phone on the Internet side: TLS, SRTP, outbound.
func outsidePhone(ca *Authority, user, addr string, tone float64) PhoneConfig {
	return PhoneConfig{User: user, Domain: Domain, Addr: addr, Server: EdgeOutside + ":5061", Transport: "tls", DNS: NameServer,
		RegInterval: 10, Tone: tone, SRTP: true, Outbound: true, CA: ca.File, Identity: ca.Issue(user + "." + Domain)}
}

package turn

import (
	"encoding/base64"
	"net/netip"
	"testing"
	"time"
)

func addrs(text ...string) (all []netip.Addr) {
	for _, t := range text {
		all = append(all, netip.MustParseAddr(t))
	}
	return all
}

func prefixes(text ...string) (all []netip.Prefix) {
	for _, t := range text {
		all = append(all, netip.MustParsePrefix(t))
	}
	return all
}

// A relay must never lead where the outside has no business.
func TestPeer(t *testing.T) {
	p := Plan{
		Outside: addrs("10.9.0.5", "2a00:1::5"), Advertise: netip.MustParseAddr("8.8.4.4"), Own: addrs("10.9.0.5", "2a00:1::5", "9.9.9.9"),
		Inside: prefixes("9.9.9.0/24"), Allow: prefixes("172.16.5.0/24", "9.9.0.0/16"), PortStart: 60000, PortEnd: 60010,
	}
	for peer, want := range map[string]string{
		"8.8.8.8": RulePublic, "2a00:2::1": RulePublic,
		"10.1.2.3": RuleSpecial, "192.168.1.1": RuleSpecial, "127.0.0.1": RuleSpecial, "::1": RuleSpecial, "169.254.169.254": RuleSpecial,
		"100.64.1.1": RuleSpecial, "0.0.0.0": RuleSpecial, "224.0.0.1": RuleSpecial, "255.255.255.255": RuleSpecial,
		"fe80::1": RuleSpecial, "fc00::1": RuleSpecial, "fec0::1": RuleSpecial, "ff02::1": RuleSpecial, "::ffff:10.0.0.1": RuleSpecial,
		"64:ff9b::a00:1": RuleSpecial, "64:ff9b::808:808": RulePublic, "2002:0a00:0001::1": RuleSpecial, "2001:db8::1": RuleSpecial, "::7f00:1": RuleSpecial,
		"10.9.0.5": RuleRelay, "8.8.4.4": RuleRelay, "2a00:1::5": RuleRelay, "::ffff:8.8.4.4": RuleRelay,
		"9.9.9.9": RuleOwn, "9.9.9.8": RuleInside, "9.9.8.1": RuleAllowed, "172.16.5.1": RuleAllowed, "172.16.6.1": RuleSpecial,
	} {
		rule, ok := p.Peer(netip.MustParseAddr(peer))
		allowed := want == RulePublic || want == RuleRelay || want == RuleAllowed
		if rule != want || ok != allowed {
			t.Errorf("%s: %s, %v; want %s", peer, rule, ok, want)
		}
	}
	if rule, ok := p.Peer(netip.Addr{}); ok {
		t.Errorf("no address at all: %s", rule)
	}
	for at, want := range map[string]bool{"10.9.0.5:60000": true, "8.8.4.4:60010": true, "10.9.0.5:5061": false, "10.9.0.5:60011": false, "9.9.9.9:60001": false} {
		if p.ownRelay(netip.MustParseAddrPort(at)) != want {
			t.Errorf("%s is a relay of ours: %v", at, !want)
		}
	}
}

func TestCredential(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	secret := Secret("edge's own")
	p := Plan{Realm: "TANDBERG", Accounts: map[string]string{"desk": "secret"}}
	name, password := Credential(secret.Key("example.com"), "alice", "example.com", now.Add(time.Hour))
	if name != "1800003600:alice@example.com" || len(password) != base64.StdEncoding.EncodedLen(20) {
		t.Errorf("%s, password of %d", name, len(password))
	}
	for _, c := range []struct {
		what, name string
		at         time.Time
		user       string
	}{
		{"a login", name, now, "alice@example.com"},
		{"in its last second", name, now.Add(time.Hour), "alice@example.com"},
		{"over", name, now.Add(time.Hour + time.Second), ""},
		{"of too long ago to be true", name, now.Add(-30 * 24 * time.Hour), ""},
		{"an account", "desk", now, "account desk"},
		{"no number", "x:alice@example.com", now, ""},
		{"no domain", "1800003600:alice", now, ""},
		{"nobody", "", now, ""},
		{"long", "1800003600:" + string(make([]byte, 600)) + "@example.com", now, ""},
	} {
		user, key, ok := secret.owner(&p, c.name, c.at)
		if user != c.user || ok != (c.user != "") || ok != (len(key) == 16) {
			t.Errorf("%s: %q %v", c.what, user, ok)
		}
	}
	if string(secret.Key("example.com")) == string(secret.Key("example.net")) {
		t.Error("one domain's key makes another's credentials")
	}
}

func TestPool(t *testing.T) {
	now := time.Unix(1000, 0)
	p := newPool()
	p.start, p.end = 100, 103
	seen := map[uint16]bool{}
	for range 4 {
		port, err := p.take(now, false)
		if err != nil || seen[port] {
			t.Fatal(port, err, seen)
		}
		seen[port] = true
	}
	if _, err := p.take(now, false); err == nil {
		t.Error("a fifth port of four")
	}
	p.give(102, now, true)
	if p.want(102, now) == nil {
		t.Error("a port did not rest")
	}
	if err := p.want(102, now.Add(rest)); err != nil {
		t.Error(err)
	}
	p.give(102, now, false)
	if port, err := p.take(now, true); err != nil || port != 102 {
		t.Error("a port that nobody was told rests", port, err)
	}
	if p.want(104, now) == nil || p.want(99, now) == nil {
		t.Error("a port outside the range")
	}
}

func TestConflict(t *testing.T) {
	at := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:3478")}
	for _, c := range []struct {
		plan Plan
		bad  bool
	}{
		{Plan{On: true, Listen: at, PortStart: 60000, PortEnd: 61799, media: [2]int{36000, 59999}}, false},
		{Plan{On: true, Listen: at, PortStart: 59999, PortEnd: 61799, media: [2]int{36000, 59999}}, true},
		{Plan{Listen: at, PortStart: 59999, PortEnd: 61799, media: [2]int{36000, 59999}}, false},
		{Plan{On: true, Listen: at, PortStart: 3000, PortEnd: 4000, media: [2]int{36000, 59999}}, true},
		{Plan{On: true, Listen: at, PortStart: 60000, PortEnd: 61799, media: [2]int{3000, 4001}}, true},
	} {
		if why := c.plan.Conflict(); (why != "") != c.bad {
			t.Errorf("%+v: %q", c.plan, why)
		}
	}
}

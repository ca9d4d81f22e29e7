package netns

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Site is the network that an operator has: the Internet, a DMZ that may open
// nothing inwards, and the inside.
//
//	dns   .53 ─┐
//	alice .10 ─┤                                             ┌─ ucm   10.2.0.1
//	bob   .11 ─┼─ wan 203.0.113.0/24 ── .1 edge 10.1.0.1     ├─ core  10.2.0.2
//	home  .20 ─┘                              │              ├─ carol 10.2.0.10
//	  └ 192.168.7.2 behind NAT               dmz ── firewall ┴─ inside
type Site struct {
	*Net
	Wan, Dmz, Inside, Firewall, Edge *Space
}

// The addresses of a site.
const (
	EdgeOutside = "203.0.113.1"
	EdgeInner   = "10.1.0.1"
	CoreAddr    = "10.2.0.2"
	UCMAddr     = "10.2.0.1"
	CarolAddr   = "10.2.0.10"
	NameServer  = "203.0.113.53"

	CoreAddr6  = "fd00:2::2"
	UCMAddr6   = "fd00:2::1"
	CarolAddr6 = "fd00:2::10"

	firewallDMZ, firewallInside = "10.1.0.254", "10.2.0.254"
)

// Firewalled builds a site without any machine but edge's and the name server.
func (n *Net) Firewalled() *Site {
	n.t.Helper()
	s := &Site{Net: n, Wan: n.Bridge("wan"), Dmz: n.Bridge("dmz"), Inside: n.Bridge("inside"), Firewall: n.Space("fw"), Edge: n.Space("edge")}
	n.Join(s.Firewall, "dmz", firewallDMZ+"/24", s.Dmz, "")
	n.Join(s.Firewall, "inside", firewallInside+"/24", s.Inside, "")
	s.Firewall.Forward()
	s.Firewall.NFT(firewallRules)
	n.Join(s.Edge, "outer", EdgeOutside+"/24", s.Wan, "")
	n.Join(s.Edge, "inner", EdgeInner+"/24", s.Dmz, "")
	s.Edge.IP("route", "add", "10.2.0.0/24", "via", firewallDMZ)
	s.AddOutside("dns", NameServer).StartDNS(NameServer, map[string]string{"edge." + Domain: EdgeOutside})
	return s
}

// firewallRules let the inside open what it likes towards the DMZ, and the DMZ
// nothing towards the inside; what it tries is counted.
const firewallRules = `
table inet fw {
	counter tried { }
	chain forward {
		type filter hook forward priority 0; policy drop;
		ct state established,related accept
		iifname "inside" oifname "dmz" accept
		iifname "dmz" counter name tried drop
	}
}
`

// EdgeHidden is edge's outer address behind a static NAT.
const EdgeHidden = "10.3.0.1"

// HideEdge puts a router in front of edge that translates one to one: the
// Internet goes on to see edge at EdgeOutside, edge knows itself as EdgeHidden.
func (s *Site) HideEdge() {
	s.t.Helper()
	router, perimeter := s.Space("nat"), s.Bridge("perim")
	s.Edge.IP("link", "del", "outer")
	s.Join(router, "eth0", EdgeOutside+"/24", s.Wan, "")
	s.Join(router, "lan", "10.3.0.254/24", perimeter, "")
	s.Join(s.Edge, "outer", EdgeHidden+"/24", perimeter, "10.3.0.254")
	router.Forward()
	router.NFT(staticRules)
}

const staticRules = `
table ip nat {
	chain pre {
		type nat hook prerouting priority -100;
		iifname "eth0" ip daddr ` + EdgeOutside + ` dnat to ` + EdgeHidden + `
	}
	chain post {
		type nat hook postrouting priority 100;
		oifname "eth0" ip saddr ` + EdgeHidden + ` snat to ` + EdgeOutside + `
	}
}
`

// AddInside adds a machine to the inside.
func (s *Site) AddInside(name, addr string) *Space {
	s.t.Helper()
	m := s.Space(name)
	s.Join(m, "eth0", addr+"/24", s.Inside, firewallInside)
	return m
}

// Add6 gives a machine of the inside an IPv6 address too.
func (s *Space) Add6(addr string) {
	s.net.t.Helper()
	s.IP("addr", "add", addr+"/64", "dev", "eth0", "nodad")
}

// AddOutside adds a machine to the Internet.
func (s *Site) AddOutside(name, addr string) *Space {
	s.t.Helper()
	m := s.Space(name)
	s.Join(m, "eth0", addr+"/24", s.Wan, "")
	return m
}

// Home is a NAT router with one machine behind it.
type Home struct {
	*Access
	Client *Space
}

// HomeClient is the address of the machine behind a NAT.
const HomeClient = "192.168.7.2"

// AddHome adds a NAT router with a public address and a machine behind it.
func (s *Site) AddHome(name, public string) *Home {
	s.t.Helper()
	h := &Home{s.AddAccess(name, public, "192.168.7"), s.Space(name)}
	s.Join(h.Client, "eth0", HomeClient+"/24", h.Lan, h.Gateway)
	return h
}

// Cut breaks the way between the DMZ and the inside; Mend joins it again.
func (s *Site) Cut() { s.Firewall.IP("link", "set", "dmz", "down") }

// Mend ends a Cut.
func (s *Site) Mend() { s.Firewall.IP("link", "set", "dmz", "up") }

// Tried is the number of packets that the DMZ tried to open inwards.
func (s *Site) Tried() int {
	s.t.Helper()
	return s.Firewall.counter("inet", "fw", "tried")
}

// counter reads a named counter of a rule set.
func (s *Space) counter(family, table, name string) int {
	s.net.t.Helper()
	out := s.Run("nft", "list", "counter", family, table, name)
	m := regexp.MustCompile(`packets (\d+)`).FindStringSubmatch(out)
	if m == nil {
		s.net.t.Fatalf("no counter in %q", out)
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// Reaches tells whether a TCP connection from a space can be opened.
func (s *Space) Reaches(addr string, port int) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c, err := s.Dial(ctx, "tcp", fmt.Sprintf("%s:%d", addr, port))
	if err == nil {
		c.Close()
	}
	return err == nil
}

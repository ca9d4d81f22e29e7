package pair

import (
	"net/netip"

	"sallyport/test/lab"
)

// TURNLines have edge lend addresses to who bears the account of WithTURN.
func TURNLines() []string {
	return []string{
		"xConfiguration Traversal Server TURN Mode: On",
		`xConfiguration Authentication Credential 1 Name: "` + turnUser + `"`,
		`xConfiguration Authentication Credential 1 Password: "` + turnPassword + `"`,
	}
}

const (
	turnUser     = "softphones"
	turnPassword = "turn-secret"
	turnPort     = 3478
	turnFirst    = 60000 // of the ports that are lent
)

// WithTURN gives a phone edge's TURN server over udp, tcp or tls.
func (p *Pair) WithTURN(network string) func(*lab.PhoneConfig) {
	return func(c *lab.PhoneConfig) {
		c.TURN = &lab.TURN{Server: netip.AddrPortFrom(p.Outer, turnPort), Network: network, User: turnUser, Password: turnPassword}
	}
}

// NotEdge is a wall round a phone's media: edge alone comes through.
func (p *Pair) NotEdge(a netip.AddrPort) bool { return a.Addr() != p.Outer }

// Paths tell which way a call's media takes to and from its far end: "direct",
// "turn" by an address that edge lends to either end, or "relay" by edge and core.
func (p *Pair) Paths(c *lab.Call) (to, from string) {
	sends, hears := c.Lent()
	return p.path(c.Path(), sends), p.path(c.Stats().LastSource, hears)
}

func (p *Pair) path(a netip.AddrPort, lent bool) string {
	switch {
	case !a.IsValid():
		return "nothing"
	case lent, a.Addr() == p.Outer && a.Port() >= turnFirst:
		return "turn"
	case a.Addr() == p.Outer:
		return "relay"
	}
	return "direct"
}

package netns

// Access is a network that machines reach the Internet by: a NAT router with a
// public address, and what lies behind it.
type Access struct {
	Router, Lan     *Space
	Gateway, Client string // addresses: the router's inner one, and that of the one machine
}

// AddAccess adds such a network; lan is the first three parts of its addresses.
// The ports that its router shows to the world have nothing to do with those of
// the machine, and are others each time that it forgets.
func (s *Site) AddAccess(name, public, lan string) *Access {
	s.t.Helper()
	a := &Access{Router: s.AddOutside(name+"-nat", public), Lan: s.Bridge(name + "-lan"), Gateway: lan + ".1", Client: lan + ".2"}
	s.Join(a.Router, "lan", a.Gateway+"/24", a.Lan, "")
	a.Router.Forward()
	a.Router.NFT(natRules)
	return a
}

const natRules = `
table ip nat {
	chain post {
		type nat hook postrouting priority 100;
		oifname "eth0" meta l4proto { tcp, udp } masquerade to :20000-60000 random
	}
}
table ip silence {
	counter swallowed { }
	chain forward {
		type filter hook forward priority 0;
	}
}
`

// Move gives the router another public address, as a provider does: the line
// goes down, and the kernel forgets what it had translated.
func (a *Access) Move(public string) {
	a.Router.IP("link", "set", "eth0", "down")
	a.Router.IP("addr", "flush", "dev", "eth0")
	a.Router.IP("addr", "add", public+"/24", "dev", "eth0")
	a.Router.IP("link", "set", "eth0", "up")
}

// Silence has the router drop whatever it should pass on, without a word to
// either side; Restore ends it.
func (a *Access) Silence() {
	a.Router.NFT("add rule ip silence forward tcp sport 5061 tcp flags & (syn|rst|fin) == 0 counter name swallowed drop\nadd rule ip silence forward drop")
}

// Swallowed is how many packets of edge's SIP connections a Silence swallowed.
func (a *Access) Swallowed() int { return a.Router.counter("ip", "silence", "swallowed") }

// Restore ends a Silence.
func (a *Access) Restore() { a.Router.Run("nft", "flush", "chain", "ip", "silence", "forward") }

// A Mobile is a machine that is in one of several networks at a time.
type Mobile struct {
	*Space
	ways map[string]way
	in   string
}

// way is how a mobile is in one network.
type way struct{ dev, addr, gateway string }

// AddMobile adds a machine that is nowhere yet.
func (n *Net) AddMobile(name string) *Mobile {
	n.t.Helper()
	return &Mobile{Space: n.Space(name), ways: map[string]way{}}
}

// Knows gives the mobile an interface for a network, which stays down.
func (m *Mobile) Knows(network, addr string, bridge *Space, gateway string) {
	m.net.t.Helper()
	m.net.Join(m.Space, network, addr+"/24", bridge, "")
	m.IP("addr", "flush", "dev", network)
	m.IP("link", "set", network, "down")
	m.ways[network] = way{network, addr, gateway}
}

// Leave takes the mobile out of the network that it is in: its address is gone,
// and with it every route.
func (m *Mobile) Leave() {
	m.net.t.Helper()
	if m.in == "" {
		return
	}
	m.IP("addr", "flush", "dev", m.in)
	m.IP("link", "set", m.in, "down")
	m.in = ""
}

// Enter leaves the present network for another and returns the address there.
func (m *Mobile) Enter(network string) string {
	m.net.t.Helper()
	m.Leave()
	w := m.ways[network]
	m.IP("link", "set", w.dev, "up")
	m.IP("addr", "add", w.addr+"/24", "dev", w.dev)
	m.IP("route", "add", "default", "via", w.gateway)
	m.in = network
	return w.addr
}

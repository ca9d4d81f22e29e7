package media_test

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// middle is a NAT between core and edge, for one of the link's two ports: what
// comes from core leaves by a port of its own, which edge sees and answers to.
type middle struct {
	t    *testing.T
	in   *net.UDPConn // core sends here
	edge netip.AddrPort

	mu  sync.Mutex
	out map[netip.AddrPort]*net.UDPConn // the entries, by core's port
}

func newMiddle(t *testing.T, host netip.Addr, edge netip.AddrPort) *middle {
	m := &middle{t: t, in: listen(t, host), edge: edge, out: map[netip.AddrPort]*net.UDPConn{}}
	var wait sync.WaitGroup
	wait.Go(func() {
		buf := make([]byte, 2048)
		for {
			n, src, err := m.in.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			m.entry(&wait, src).WriteToUDPAddrPort(buf[:n], m.edge)
		}
	})
	t.Cleanup(func() {
		m.in.Close()
		m.forget()
		wait.Wait()
	})
	return m
}

// entry is the NAT's for one port of core, made anew if it has none.
func (m *middle) entry(wait *sync.WaitGroup, core netip.AddrPort) *net.UDPConn {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.out[core]; c != nil {
		return c
	}
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local(m.in).Addr(), 0)))
	if err != nil {
		m.t.Error(err)
		return m.in
	}
	m.out[core] = c
	wait.Go(func() {
		buf := make([]byte, 2048)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			m.in.WriteToUDPAddrPort(buf[:n], core)
		}
	})
	return c
}

// forget loses all entries: the next packets leave by other ports, and what edge
// sends to the old ones is lost.
func (m *middle) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for core, c := range m.out {
		c.Close()
		delete(m.out, core)
	}
}

// TestNATBetweenTheNodesForgets kills the entries of a NAT between core and edge
// in the middle of a call. Edge takes nothing from the new ports until core has
// proven them, which it does by itself within its ten seconds.
//
//	client ── edge ── NAT ── core ── inside
func TestNATBetweenTheNodesForgets(t *testing.T) {
	var nat [2]*middle
	p := newPair(t, func(p *pair, _ *media.Config) {
		for i := range nat {
			at := netip.AddrPortFrom(p.edgePlan.Inner.V4, uint16(2776+i))
			nat[i] = newMiddle(t, p.corePlan.Inner.V4.Next(), at)
			p.link[i] = local(nat[i].in)
		}
	})
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	talk(t, client, inside, "up")
	talk(t, inside, client, "down")
	reports(t, client, inside)
	before := p.stats(p.edgeRelay).UC.Remote
	for _, n := range nat {
		n.forget()
	}
	inside.send("from a port that nobody has proven")
	if client.got(client.rtp, "from a port that nobody has proven", 100*time.Millisecond) {
		t.Error("edge believed a port that core has not proven")
	}
	p.clock.advance(10 * time.Second)
	talk(t, inside, client, "down again")
	talk(t, client, inside, "up again")
	reports(t, client, inside)
	if now := p.stats(p.edgeRelay).UC.Remote; now == before {
		t.Errorf("edge still sends to %s: the entry was not lost", before)
	}
}

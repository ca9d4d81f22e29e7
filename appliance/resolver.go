package appliance

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
	"sallyport/appliance/zone"
)

// nameServers answers names by the configured servers, or by the machine's
// own resolver while there are none. It may be used from any goroutine.
type nameServers struct {
	plan atomic.Pointer[namePlan]
	next atomic.Uint32
}

// namePlan is whom the configuration wants asked, and from which ports.
type namePlan struct {
	servers   []netip.AddrPort
	domains   []zone.DomainServer
	low, high int // ports to ask from; 0: whichever the kernel gives
}

func namePlanFrom(snap *config.Snapshot) *namePlan {
	p := &namePlan{}
	for _, i := range snap.Indexes(xapi.DNSServerAddress.Item) {
		if a, err := netip.ParseAddr(snap.Str(xapi.DNSServerAddress, i)); err == nil {
			p.servers = append(p.servers, netip.AddrPortFrom(a, 53))
		}
	}
	for _, i := range snap.Indexes(xapi.DNSPerDomainAddress.Item) {
		a, err := netip.ParseAddr(snap.Str(xapi.DNSPerDomainAddress, i))
		if err != nil {
			continue
		}
		for _, row := range []xapi.Str{xapi.DNSPerDomain1, xapi.DNSPerDomain2} {
			if d := snap.Str(row, i); d != "" {
				p.domains = append(p.domains, zone.DomainServer{Domain: d, Server: netip.AddrPortFrom(a, 53)})
			}
		}
	}
	if low, high := snap.Int(xapi.IPDNSMinPort), snap.Int(xapi.IPDNSMaxPort); !snap.Bool(xapi.IPDNSEphemeral) && low <= high {
		p.low, p.high = low, high
	}
	return p
}

func (s *nameServers) apply(snap *config.Snapshot) *namePlan {
	p := namePlanFrom(snap)
	s.plan.Store(p)
	return p
}

// resolver asks the servers in turn: a retry of the library goes to the next.
// Which servers are asked depends on the name, so a connection is made when the
// question is known.
func (s *nameServers) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		p := s.plan.Load()
		if p == nil || len(p.servers) == 0 && len(p.domains) == 0 && p.low == 0 {
			var d net.Dialer
			return d.DialContext(ctx, network, address)
		}
		q := &question{ctx: ctx, network: network, machine: address, plan: p, turn: int(s.next.Add(1) - 1)}
		if strings.HasPrefix(network, "udp") {
			return datagrams{q}, nil
		}
		return q, nil
	}}
}

// server is whom to ask for a name: those of its domain, else the others, else
// the machine's own.
func (p *namePlan) server(name, machine string, turn int) string {
	list := zone.ServersFor(p.domains, name)
	if len(list) == 0 {
		list = p.servers
	}
	if len(list) == 0 {
		return machine
	}
	return list[turn%len(list)].String()
}

// portTries is how many ports are tried before the kernel's choice is taken.
const portTries = 8

// dial connects from one of the plan's ports.
func (p *namePlan) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	for range portTries {
		if p.low == 0 {
			break
		}
		port := p.low + rand.IntN(p.high-p.low+1)
		if strings.HasPrefix(network, "tcp") {
			d.LocalAddr = &net.TCPAddr{Port: port}
		} else {
			d.LocalAddr = &net.UDPAddr{Port: port}
		}
		c, err := d.DialContext(ctx, network, address)
		if !errors.Is(err, syscall.EADDRINUSE) {
			return c, err
		}
	}
	if p.low != 0 {
		return nil, errors.New("no port of IP DNS MinPort to MaxPort is free")
	}
	return d.DialContext(ctx, network, address)
}

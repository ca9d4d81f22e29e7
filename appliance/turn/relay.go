package turn

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/pion/turn/v5"

	"sallyport/appliance/door"
)

// lender makes relays for the clients of one listener (pion's
// RelayAddressGenerator).
type lender struct {
	s      *Server
	stream bool           // clients come over TCP, so relays may too
	open   sync.WaitGroup // relays
}

var (
	errNoTCPRelay = errors.New("relays over TCP are off, or the client did not come over TCP")
	errPeerDenied = errors.New("peer is not allowed")
)

// bindTries is how many ports that other programs hold are passed over.
const bindTries = 16

// Validate implements turn.RelayAddressGenerator.
func (l *lender) Validate() error { return nil }

// AllocatePacketConn implements turn.RelayAddressGenerator.
func (l *lender) AllocatePacketConn(c turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	var conn net.PacketConn
	at, give, err := l.bind(c, func(at netip.AddrPort) (err error) {
		conn, err = net.ListenPacket("udp"+door.Family(at.Addr()), at.String())
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	told := l.s.plan.Load().told(at)
	return &relay{PacketConn: conn, s: l.s, give: give}, net.UDPAddrFromAddrPort(told), nil
}

// AllocateListener implements turn.RelayAddressGenerator.
func (l *lender) AllocateListener(c turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	if !l.stream || !l.s.plan.Load().TCPRelay {
		return nil, nil, errNoTCPRelay
	}
	var open net.Listener
	at, give, err := l.bind(c, func(at netip.AddrPort) (err error) {
		open, err = (&net.ListenConfig{Control: shared}).Listen(context.Background(), "tcp"+door.Family(at.Addr()), at.String())
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return &peerListener{Listener: open, give: give}, net.TCPAddrFromAddrPort(l.s.plan.Load().told(at)), nil
}

// AllocateConn implements turn.RelayAddressGenerator. It is called by the one
// goroutine of the client's own connection, which waits.
func (l *lender) AllocateConn(c turn.AllocateConnConfig) (net.Conn, error) {
	plan := l.s.plan.Load()
	local, peer := door.AddrPort(c.LocalAddr), door.AddrPort(c.RemoteAddr)
	if !l.stream || !plan.TCPRelay {
		return nil, errNoTCPRelay
	}
	if plan.relays(peer.Addr()) || contains(plan.Own, peer.Addr()) {
		return nil, errPeerDenied // relays of this node meet over UDP
	}
	d := net.Dialer{Timeout: dialTime, Control: shared, LocalAddr: net.TCPAddrFromAddrPort(plan.bound(local)), KeepAliveConfig: door.Probes()}
	return d.Dial(c.Network, peer.String())
}

const soReusePort = 15 // of Linux; package syscall lacks it

// shared lets the connections of a TCP relay leave from the port that it
// listens on.
func shared(_, _ string, c syscall.RawConn) error {
	var inner error
	err := c.Control(func(fd uintptr) {
		inner = errors.Join(syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1),
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, soReusePort, 1))
	})
	return errors.Join(err, inner)
}

// bind finds a port on which open succeeds; give must be called when it is over.
func (l *lender) bind(c turn.AllocateListenerConfig, open func(netip.AddrPort) error) (at netip.AddrPort, give func(), err error) {
	a, ok := l.s.plan.Load().outside(c.Network[len(c.Network)-1] == '6')
	if !ok {
		return at, nil, errors.New("there is no address of that family outside")
	}
	for range bindTries {
		port, err := l.s.book.take(c.UserID, c.RequestedPort)
		if err != nil {
			return at, nil, err
		}
		at = netip.AddrPortFrom(a, port)
		if err = open(at); err == nil {
			l.open.Add(1)
			return at, sync.OnceFunc(func() {
				l.s.book.give(c.UserID, port, c.UserID != "")
				l.open.Done()
			}), nil
		}
		l.s.book.give(c.UserID, port, false)
		if !errors.Is(err, syscall.EADDRINUSE) || c.RequestedPort != 0 {
			return at, nil, err
		}
	}
	return at, nil, errPorts
}

// outside is the address of a family that relays are bound to.
func (p *Plan) outside(v6 bool) (netip.Addr, bool) {
	for _, a := range p.Outside {
		if a.Is6() == v6 {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// told is how a bound address is known outside; bound takes that back.
func (p *Plan) told(at netip.AddrPort) netip.AddrPort {
	if at.Addr().Is4() && p.Advertise.IsValid() {
		return netip.AddrPortFrom(p.Advertise, at.Port())
	}
	return at
}

func (p *Plan) bound(at netip.AddrPort) netip.AddrPort {
	if a, ok := p.outside(at.Addr().Is6()); ok && at.Addr() == p.Advertise {
		return netip.AddrPortFrom(a, at.Port())
	}
	return at
}

// relay is one relay's socket. Between two relays of this node the address that
// a static NAT shows is exchanged for the bound one here, since few NATs send a
// packet back to where it came from.
type relay struct {
	net.PacketConn
	s    *Server
	give func()
}

// ReadFrom implements net.PacketConn.
func (r *relay) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := r.PacketConn.ReadFrom(b)
	if err != nil {
		return n, from, err
	}
	r.s.bytesIn.Add(int64(n))
	plan, at := r.s.plan.Load(), door.AddrPort(from)
	if plan.ownRelay(at) {
		return n, net.UDPAddrFromAddrPort(plan.told(at)), nil
	}
	return n, from, nil
}

// WriteTo implements net.PacketConn. What may not be reached swallows packets;
// the permission was for the address, and only here is its port known.
func (r *relay) WriteTo(b []byte, to net.Addr) (int, error) {
	plan, at := r.s.plan.Load(), door.AddrPort(to)
	if _, ok := plan.Peer(at.Addr()); !ok || plan.relays(at.Addr()) && !plan.ownRelay(at) {
		r.s.book.deny()
		return len(b), nil
	}
	r.s.bytesOut.Add(int64(len(b)))
	n, err := r.PacketConn.WriteTo(b, net.UDPAddrFromAddrPort(plan.bound(at)))
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return len(b), nil // an unreachable peer is the peer's affair
	}
	return n, err
}

// Close implements net.PacketConn. pion stops closing its relays at the first
// error, so there is none.
func (r *relay) Close() error {
	r.PacketConn.Close()
	r.give()
	return nil
}

// peerListener is where peers come to a TCP relay.
type peerListener struct {
	net.Listener
	give  func()
	peers atomic.Int64
}

// Accept implements net.Listener; who finds no room is hung up on.
func (l *peerListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.peers.Add(1) <= maxPeerConns {
			return &peerConn{Conn: c, left: sync.OnceFunc(func() { l.peers.Add(-1) })}, nil
		}
		l.peers.Add(-1)
		c.Close()
	}
}

// Close implements net.Listener.
func (l *peerListener) Close() error {
	l.Listener.Close()
	l.give()
	return nil
}

type peerConn struct {
	net.Conn
	left func()
}

// Close implements net.Conn.
func (c *peerConn) Close() error {
	c.left()
	return c.Conn.Close()
}

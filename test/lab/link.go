package lab

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// link is one way to a peer: a TCP or TLS connection, or a UDP socket together
// with the peer's address. Its messages are handled in order by its reader.
type link struct {
	id            uint64
	network       string
	local, remote netip.AddrPort
	stream        net.Conn     // TCP and TLS
	socket        *net.UDPConn // UDP, shared with other links
	mu            sync.Mutex   // one writer at a time
	deaf          atomic.Bool  // what comes is dropped, as if it never did
}

const writeTimeout = 5 * time.Second

func (l *link) reliable() bool { return l.network != "UDP" }

// send writes one message or keepalive whole.
func (l *link) send(b []byte) error {
	if l.socket != nil {
		_, err := l.socket.WriteToUDPAddrPort(b, l.remote)
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stream.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := l.stream.Write(b)
	return err
}

// close ends a connection; a UDP link has nothing of its own to end.
func (l *link) close() {
	if l.stream != nil {
		l.stream.Close()
	}
}

func linkKey(network string, remote netip.AddrPort) string { return network + " " + remote.String() }

// listen opens a listener and returns its address. A TLS listener needs conf.
func (s *stack) listen(network string, addr netip.AddrPort, conf *tls.Config) (netip.AddrPort, error) {
	if network == "UDP" {
		return s.listenUDP(addr)
	}
	ln, err := net.Listen("tcp", addr.String())
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("lab: listen %s %s: %w", network, addr, err)
	}
	bound := addrPort(ln.Addr())
	if network == "TLS" {
		ln = tls.NewListener(ln, conf)
	}
	s.mu.Lock()
	s.listeners = append(s.listeners, listener{network, bound, ln.Close})
	s.mu.Unlock()
	s.wg.Go(func() { s.accept(network, ln) })
	return bound, nil
}

// listener is an open socket to be closed at the end.
type listener struct {
	network string
	addr    netip.AddrPort
	close   func() error
}

func (s *stack) listenUDP(addr netip.AddrPort) (netip.AddrPort, error) {
	pc, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("lab: listen UDP %s: %w", addr, err)
	}
	bound := addrPort(pc.LocalAddr())
	s.mu.Lock()
	s.listeners = append(s.listeners, listener{"UDP", bound, pc.Close})
	s.sockets = append(s.sockets, pc)
	s.mu.Unlock()
	s.wg.Go(func() { s.readDatagrams(pc, bound) })
	return bound, nil
}

func (s *stack) readDatagrams(pc *net.UDPConn, local netip.AddrPort) {
	buf := make([]byte, maxMessage)
	for {
		n, from, err := pc.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if raw := strings.TrimLeft(string(buf[:n]), "\r\n"); err == nil && raw != "" {
			s.receive(s.udpLink(pc, local, from), []byte(raw))
		}
	}
}

// udpLink makes or finds the link for a peer address on a socket.
func (s *stack) udpLink(pc *net.UDPConn, local, remote netip.AddrPort) *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := linkKey("UDP", remote)
	if l := s.links[key]; l != nil && l.socket == pc {
		return l
	}
	l := &link{id: s.nextID(), network: "UDP", local: local, remote: remote, socket: pc}
	if len(s.links) < maxLinks {
		s.links[key] = l
	}
	return l
}

func (s *stack) accept(network string, ln net.Listener) {
	for {
		c, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // out of descriptors: let some go
			continue
		}
		if l := s.adopt(network, c); l != nil {
			s.wg.Go(func() { s.readStream(l) })
		}
	}
}

// adopt makes a connection known, or closes it when there is no room.
func (s *stack) adopt(network string, c net.Conn) *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.links) >= maxLinks {
		c.Close()
		return nil
	}
	l := &link{id: s.nextID(), network: network, local: addrPort(c.LocalAddr()), remote: addrPort(c.RemoteAddr()), stream: c}
	s.links[linkKey(network, l.remote)] = l
	return l
}

func (s *stack) readStream(l *link) {
	defer s.drop(l)
	r := bufio.NewReaderSize(l.stream, 8<<10)
	for {
		raw, kind, err := readFrame(r)
		if err != nil {
			return
		}
		if l.deaf.Load() {
			continue
		}
		switch kind {
		case framePing:
			l.send([]byte("\r\n"))
		case framePong:
			s.pong(l)
		case frameSTUN:
			s.stun(l, raw)
		case frameMessage:
			s.receive(l, raw)
		}
	}
}

// drop forgets a dead connection and fails what waited on it.
func (s *stack) drop(l *link) {
	l.close()
	s.mu.Lock()
	if s.links[linkKey(l.network, l.remote)] == l {
		delete(s.links, linkKey(l.network, l.remote))
	}
	var orphans []*clientTx
	for _, t := range s.clients {
		if t.link == l {
			orphans = append(orphans, t)
		}
	}
	s.mu.Unlock()
	for _, t := range orphans {
		t.fail(503, "Connection lost")
	}
	if s.cfg.onClosed != nil {
		s.cfg.onClosed(l)
	}
}

// linkTo is the live link to an address, nil if there is none.
func (s *stack) linkTo(network string, remote netip.AddrPort) *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.links[linkKey(network, remote)]
}

// connect finds or opens a link. from is the local address to dial from, zero
// for any; serverName is checked on TLS.
func (s *stack) connect(ctx context.Context, network string, remote netip.AddrPort, serverName string, from netip.Addr) (*link, error) {
	if l := s.linkTo(network, remote); l != nil {
		return l, nil
	}
	if network == "UDP" {
		return s.udpTo(remote)
	}
	c, err := s.dial(ctx, network, remote, serverName, from)
	if err != nil {
		return nil, fmt.Errorf("lab: dial %s %s: %w", network, remote, err)
	}
	l := s.adopt(network, c)
	if l == nil {
		return nil, fmt.Errorf("lab: %s is closed", s.cfg.name)
	}
	s.wg.Go(func() { s.readStream(l) })
	return l, nil
}

func (s *stack) udpTo(remote netip.AddrPort) (*link, error) {
	s.mu.Lock()
	var pc *net.UDPConn
	if len(s.sockets) > 0 {
		pc = s.sockets[0]
	}
	s.mu.Unlock()
	if pc == nil {
		return nil, fmt.Errorf("lab: %s has no UDP socket", s.cfg.name)
	}
	return s.udpLink(pc, addrPort(pc.LocalAddr()), remote), nil
}

func (s *stack) dial(ctx context.Context, network string, remote netip.AddrPort, serverName string, from netip.Addr) (net.Conn, error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	if from.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	c, err := d.DialContext(ctx, "tcp", remote.String())
	if err != nil || network != "TLS" {
		return c, err
	}
	if s.cfg.dialTLS == nil {
		c.Close()
		return nil, errors.New("no TLS configuration")
	}
	conf := s.cfg.dialTLS.Clone()
	if serverName != "" {
		conf.ServerName = serverName
	}
	tc := tls.Client(c, conf)
	if err := tc.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return tc, nil
}

func addrPort(a net.Addr) netip.AddrPort {
	ap, _ := netip.ParseAddrPort(a.String())
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

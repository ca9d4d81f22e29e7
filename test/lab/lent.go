package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/pion/logging"
	"github.com/pion/turn/v5"
)

// TURN is a server that lends a phone addresses outside (RFC 8656).
type TURN struct {
	Server         netip.AddrPort
	Network        string // udp, tcp or tls: how the phone goes there
	User, Password string
}

// lent is an address that a TURN server lends to one component of a leg. What is
// sent by it waits in a queue, since the first packet to each peer asks the server
// for a permission.
type lent struct {
	at     netip.AddrPort // where others reach it
	conn   net.PacketConn
	client *turn.Client
	base   io.Closer
	out    chan parcel
}

type parcel struct {
	raw []byte
	to  netip.AddrPort
}

// lendTime bounds the asking for one address.
const lendTime = 5 * time.Second

// borrow asks for an address of each component.
func (l *leg) borrow(cfg *PhoneConfig) error {
	for component := 1; component <= 2; component++ {
		if component == 2 && cfg.Mux {
			break
		}
		a, err := cfg.lend()
		if err != nil {
			return err
		}
		l.mu.Lock()
		l.agent.lent[component] = a
		l.mu.Unlock()
		l.wg.Go(a.send)
		l.wg.Go(func() { l.readLent(component, a) })
	}
	return nil
}

// lend asks the phone's TURN server for an address.
func (cfg *PhoneConfig) lend() (*lent, error) {
	conn, err := cfg.toTURN()
	if err != nil {
		return nil, fmt.Errorf("lab: TURN: %w", err)
	}
	at := cfg.TURN.Server.String()
	client, err := turn.NewClient(&turn.ClientConfig{TURNServerAddr: at, STUNServerAddr: at, Username: cfg.TURN.User,
		Password: cfg.TURN.Password, Conn: conn, LoggerFactory: &logging.DefaultLoggerFactory{Writer: io.Discard}})
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("lab: TURN: %w", err)
	}
	a := &lent{client: client, base: conn, out: make(chan parcel, maxWaiting)}
	ctx, cancel := context.WithTimeout(context.Background(), lendTime)
	defer cancel()
	if err = client.Listen(); err == nil {
		a.conn, err = client.AllocateWithContext(ctx)
	}
	if err != nil {
		client.Close()
		conn.Close()
		return nil, fmt.Errorf("lab: TURN: %w", err)
	}
	a.at = addrPort(a.conn.LocalAddr())
	return a, nil
}

// toTURN opens the way to the phone's TURN server.
func (cfg *PhoneConfig) toTURN() (net.PacketConn, error) {
	local := netip.AddrPortFrom(cfg.Local, 0)
	if cfg.TURN.Network == "udp" {
		return net.ListenUDP("udp", net.UDPAddrFromAddrPort(local))
	}
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(local), Timeout: lendTime}
	if cfg.TURN.Network == "tcp" {
		c, err := d.Dial("tcp", cfg.TURN.Server.String())
		if err != nil {
			return nil, err
		}
		return turn.NewSTUNConn(c), nil
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cfg.CA)
	c, err := tls.DialWithDialer(&d, "tcp", cfg.TURN.Server.String(), &tls.Config{RootCAs: roots, ServerName: cfg.ServerName})
	if err != nil {
		return nil, err
	}
	return turn.NewSTUNConn(c), nil
}

// send sends what waits, until the address is given back. What the server lets
// nobody reach is lost, as on any way that leads nowhere.
func (a *lent) send() {
	for p := range a.out {
		a.conn.WriteTo(p.raw, net.UDPAddrFromAddrPort(p.to))
	}
}

// readLent takes what others send to a lent address.
func (l *leg) readLent(component int, a *lent) {
	buf := make([]byte, 2048)
	for {
		n, from, err := a.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		l.take(component, a, buf[:n], addrPort(from))
	}
}

// giveBack ends what the leg was lent. Nothing is sent any more.
func (l *leg) giveBack() {
	if l.agent == nil {
		return
	}
	for _, a := range l.agent.lent {
		if a != nil {
			close(a.out)
			a.conn.Close()
			a.client.Close()
			a.base.Close()
		}
	}
}

// Lent tells whether the first media line's packets leave, and came last, by an
// address that a TURN server lends to this end.
func (c *Call) Lent() (sends, hears bool) {
	legs := c.media()
	if len(legs) == 0 || legs[0].agent == nil {
		return false, false
	}
	l := legs[0]
	l.mu.Lock()
	defer l.mu.Unlock()
	way := l.agent.chosen[1]
	return way != nil && way.by != nil, l.heardLent
}

// candidateLines list the addresses of the leg's agent.
func (l *leg) candidateLines(mux bool) (lines []string) {
	for i, c := range []*net.UDPConn{l.rtp, l.rtcp} {
		if i == 1 && mux {
			break
		}
		at := addrPort(c.LocalAddr())
		lines = append(lines, fmt.Sprintf("candidate:1 %d UDP %d %s %d typ host", i+1, ownPriority(i+1), at.Addr(), at.Port()))
		if a := l.agent.lent[i+1]; a != nil {
			lines = append(lines, strings.Join([]string{"candidate:2", fmt.Sprint(i + 1), "UDP", fmt.Sprint(lentPriority(i + 1)), a.at.Addr().String(),
				fmt.Sprint(a.at.Port()), "typ relay raddr", at.Addr().String(), "rport", fmt.Sprint(at.Port())}, " "))
		}
	}
	return lines
}

// Priorities of candidates (RFC 8445 5.1.2.1).
func ownPriority(component int) uint32  { return 126<<24 | 65535<<8 | uint32(256-component) }
func lentPriority(component int) uint32 { return 65535<<8 | uint32(256-component) }

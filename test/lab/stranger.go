package lab

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Stranger is a raw client: it sends what it is told and keeps no rules.
type Stranger struct {
	conn net.Conn
	in   *bufio.Reader
}

// NewStranger connects over TLS (conf not nil) or TCP from an address of its
// own, or from any.
func NewStranger(ctx context.Context, to netip.AddrPort, conf *tls.Config, from netip.Addr) (*Stranger, error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	if from.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	c, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, fmt.Errorf("lab: stranger: %w", err)
	}
	if conf != nil {
		tc := tls.Client(c, conf)
		if err := tc.HandshakeContext(ctx); err != nil {
			c.Close()
			return nil, fmt.Errorf("lab: stranger: %w", err)
		}
		c = tc
	}
	return Adopt(c), nil
}

// Adopt makes a stranger of a connection that was accepted.
func Adopt(c net.Conn) *Stranger { return &Stranger{c, bufio.NewReaderSize(c, 8<<10)} }

// Local is the stranger's own address.
func (s *Stranger) Local() netip.AddrPort { return addrPort(s.conn.LocalAddr()) }

// Send writes bytes as they are.
func (s *Stranger) Send(b []byte) error {
	s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := s.conn.Write(b)
	return err
}

// Drip writes bytes one at a time with a gap, until ctx ends or the far end
// has had enough.
func (s *Stranger) Drip(ctx context.Context, b []byte, gap time.Duration) error {
	tick := time.NewTicker(gap)
	defer tick.Stop()
	for i := range b {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if err := s.Send(b[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// Receive reads the next message; keepalives are skipped. The error says if
// the far end closed the connection or was silent too long.
func (s *Stranger) Receive(within time.Duration) (*Message, error) {
	s.conn.SetReadDeadline(time.Now().Add(within))
	for {
		raw, kind, err := readFrame(s.in)
		if err != nil {
			return nil, err
		}
		if kind == frameMessage {
			return ParseMessage(raw)
		}
	}
}

// Final reads until a final response comes.
func (s *Stranger) Final(within time.Duration) (*Message, error) {
	for {
		m, err := s.Receive(within)
		if err != nil || m.Status() >= 200 {
			return m, err
		}
	}
}

// Forge makes a request with every mandatory header, from and to whom it likes.
func (s *Stranger) Forge(method, uri, from, to string) *Message {
	m := NewRequest(method, uri)
	m.Add("Via", fmt.Sprintf("SIP/2.0/TLS %s;rport;branch=%s", s.Local(), newBranch())).Add("Max-Forwards", "70")
	m.Add("From", fmt.Sprintf("<%s>;tag=%s", from, randomHex(5))).Add("To", "<"+to+">")
	m.Add("Call-ID", randomHex(12)).Add("CSeq", "1 "+method)
	return m.Add("Contact", fmt.Sprintf("<sip:stranger@%s;transport=tls>", s.Local()))
}

// Close closes the connection.
func (s *Stranger) Close() { s.conn.Close() }

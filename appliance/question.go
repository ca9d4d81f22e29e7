package appliance

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"
)

// question is a connection to a name server that is made when the first message
// is written: only then it is known which name is asked for, and thus whom to
// ask. It serves one look-up and is used by one goroutine, as net.Resolver does.
type question struct {
	ctx     context.Context // the look-up's; it lives no longer
	network string
	machine string // the machine's own server
	plan    *namePlan
	turn    int

	conn     net.Conn
	deadline time.Time
}

var errUnasked = errors.New("no question was asked yet")

// Write asks. Over TCP two bytes of length stand before the message.
func (q *question) Write(b []byte) (int, error) {
	if q.conn == nil {
		message := b
		if strings.HasPrefix(q.network, "tcp") && len(b) > 2 {
			message = b[2:]
		}
		c, err := q.plan.dial(q.ctx, q.network, q.plan.server(questionName(message), q.machine, q.turn))
		if err != nil {
			return 0, err
		}
		q.conn = c
		if err := c.SetDeadline(q.deadline); err != nil {
			return 0, err
		}
	}
	return q.conn.Write(b)
}

// questionName reads the name of a message's first question; "" if there is
// none.
func questionName(b []byte) string {
	const header = 12
	if len(b) < header {
		return ""
	}
	var labels []string
	for b = b[header:]; len(b) > 0 && b[0] != 0; {
		n := int(b[0])
		if n > 63 || len(b) <= n {
			return ""
		}
		labels = append(labels, string(b[1:1+n]))
		b = b[1+n:]
	}
	return strings.Join(labels, ".")
}

func (q *question) Read(b []byte) (int, error) {
	if q.conn == nil {
		return 0, errUnasked
	}
	return q.conn.Read(b)
}

func (q *question) Close() error {
	if q.conn == nil {
		return nil
	}
	return q.conn.Close()
}

// SetDeadline holds for the connection to come.
func (q *question) SetDeadline(t time.Time) error {
	q.deadline = t
	if q.conn == nil {
		return nil
	}
	return q.conn.SetDeadline(t)
}

func (q *question) SetReadDeadline(t time.Time) error  { return q.SetDeadline(t) }
func (q *question) SetWriteDeadline(t time.Time) error { return q.SetDeadline(t) }

func (q *question) LocalAddr() net.Addr  { return &net.UDPAddr{} }
func (q *question) RemoteAddr() net.Addr { return &net.UDPAddr{} }

// datagrams is a question over UDP: what has these methods the library takes for
// a socket of datagrams.
type datagrams struct{ *question }

func (d datagrams) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := d.Read(b)
	return n, d.RemoteAddr(), err
}

func (d datagrams) WriteTo(b []byte, _ net.Addr) (int, error) { return d.Write(b) }

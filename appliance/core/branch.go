package core

import (
	"context"
	"strings"

	"sallyport/appliance/flow"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// build makes the branch for one target: each has its own transport, and so
// its own Via, Record-Route and Path.
type build func(target) (signaling.Branch, error)

// forward sends a request to the first target that takes it, the others being
// its fail-over in order.
func (c *Core) forward(r *signaling.Request, session uint64, ts []target, make build) {
	c.forwardMore(r, session, ts, make, nil)
}

// forwardMore is forward with more to try when all of ts have failed; nil: nothing.
func (c *Core) forwardMore(r *signaling.Request, session uint64, ts []target, make build, more func(status int) []target) {
	b, err := c.branch(ts, make, more)
	if err != nil {
		c.desk.Fail(r, session, err)
		return
	}
	r.Forward(*b)
}

func (c *Core) branch(ts []target, make build, more func(status int) []target) (*signaling.Branch, error) {
	t := ts[0]
	b, err := c.spec(t, make)
	if err != nil {
		return nil, err
	}
	b.Next = func(status int) *signaling.Branch {
		if !worthAnother(status) {
			return nil
		}
		rest, more := ts[1:], more
		if len(rest) == 0 && more != nil {
			rest, more = more(status), nil
		}
		if len(rest) == 0 {
			return nil
		}
		next, err := c.branch(rest, make, more)
		if err != nil {
			c.log.Error("sip fail-over", "to", rest[0].host, "err", err)
			return nil
		}
		c.log.Info("sip fail-over", "event", "failover", "from", t.host, "to", rest[0].host, "status", status)
		return next
	}
	b = c.bearing(b, t, func() (signaling.Branch, error) { return c.spec(t, make) })
	return &b, nil
}

// spec is the branch for one target, with nobody to fail over to.
func (c *Core) spec(t target, make build) (signaling.Branch, error) {
	b, err := make(t)
	if err != nil {
		return b, err
	}
	if t.hops > 0 && b.Msg.MaxForwards() > t.hops {
		b.Msg.SetMaxForwards(t.hops)
	}
	b.Via = c.sentBy(c.toward(t))
	if b.Conn = c.opened(t); b.Conn == nil {
		b.Dial = func(ctx context.Context) (signaling.Conn, error) { return c.dial(ctx, t) }
	}
	return b, nil
}

// worthAnother tells whether an answer says that this peer, rather than the
// user behind it, cannot help (RFC 3263 4.3; 404 lets a search go on).
func worthAnother(status int) bool {
	switch status {
	case 404, 408, 500, 503, 504:
		return true
	}
	return false
}

// A passage is how an inside peer and core reach each other.
type passage struct {
	network string // transport
	v6      bool   // by IPv6
}

// cameOver is the way of a connection.
func cameOver(conn *flow.Conn) passage {
	return passage{conn.Network(), conn.Remote().Addr().Unmap().Is6()}
}

// toward is the way to a target. One that is known by name only, and was not
// reached lately, is taken for one of IPv4 where core has both.
func (c *Core) toward(t target) passage {
	w := passage{network: t.network}
	if !c.plan.Load().dual {
		return w
	}
	if t.conn != nil {
		return cameOver(t.conn)
	}
	if addr, ok := c.reach.of(t); ok {
		w.v6 = addr.Addr().Unmap().Is6()
	}
	return w
}

// sentBy is core's own address on the inside, as Via and its URIs write it.
func (c *Core) sentBy(w passage) string {
	return hostport(c.plan.Load().Listen(w.network, w.v6))
}

// uri is core's own URI on the inside with a token for a user part.
func (c *Core) uri(token string, w passage, params string) string {
	return "<sip:" + token + "@" + c.sentBy(w) + ";transport=" + lower(w.network) + params + ">"
}

func lower(network string) string {
	switch network {
	case "TLS":
		return "tls"
	case "TCP":
		return "tcp"
	}
	return "udp"
}

// lists tells whether a comma-separated header has a token, case aside.
func lists(m *sip.Message, name, token string) bool {
	for _, v := range m.Values(name) {
		if strings.EqualFold(v, token) {
			return true
		}
	}
	return false
}

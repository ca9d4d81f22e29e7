package flow

import (
	"container/list"
	"errors"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"sallyport/appliance/door"
	"sallyport/appliance/sip"
	"sallyport/appliance/stun"
)

// udpSocket is a UDP listener. Each remote address looks like a connection;
// those not heard of for longest are forgotten when there are too many.
type udpSocket struct {
	*listener
	pc    *net.UDPConn
	local netip.AddrPort

	mu    sync.Mutex
	held  map[netip.AddrPort]*list.Element
	order list.List // of *Conn, the latest in front
}

func newUDPSocket(l *listener, pc *net.UDPConn) *udpSocket {
	return &udpSocket{listener: l, pc: pc, local: door.AddrPort(pc.LocalAddr()), held: map[netip.AddrPort]*list.Element{}}
}

// conn is the connection that stands for a remote address.
func (u *udpSocket) conn(remote netip.AddrPort) *Conn {
	u.mu.Lock()
	defer u.mu.Unlock()
	if e := u.held[remote]; e != nil {
		u.order.MoveToFront(e)
		return e.Value.(*Conn)
	}
	for len(u.held) >= u.flows.limits.Load().UDPRemotes {
		e := u.order.Back()
		delete(u.held, e.Value.(*Conn).remote)
		u.order.Remove(e)
	}
	c := u.newConn(remote)
	u.held[remote] = u.order.PushFront(c)
	return c
}

func (u *udpSocket) newConn(remote netip.AddrPort) *Conn {
	f := u.flows
	c := &Conn{flows: f, listener: u.Listener, id: f.ids.Add(1), network: "UDP", zone: u.Zone,
		local: u.local, remote: remote, since: f.cfg.Clock(), udp: u}
	if f.cfg.ZoneOf != nil {
		c.zone = f.cfg.ZoneOf(u.Listener, remote)
	}
	c.authenticated.Store(!u.Open)
	return c
}

// SendTo sends to another port of the remote address: the answer to a request
// without rport goes to the port that its Via names (RFC 3261 18.2.2).
func (c *Conn) SendTo(port uint16, b []byte) error {
	if c.udp == nil {
		return c.Send(b)
	}
	return c.udp.conn(netip.AddrPortFrom(c.remote.Addr(), port)).Send(b)
}

const datagram = 64 << 10

func (u *udpSocket) read() {
	buf := make([]byte, datagram)
	for {
		n, remote, err := u.pc.ReadFromUDPAddrPort(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			u.flows.sleep(udpPause) // such as an ICMP error of an earlier send
		case n > 4: // fewer bytes are a keepalive that wants no answer
			u.received(buf[:n], netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port()))
		}
	}
}

func (u *udpSocket) received(b []byte, remote netip.AddrPort) {
	defer func() {
		if v := recover(); v != nil {
			u.flows.count.panics.Add(1)
			u.flows.cfg.Log.Error("reader panicked", "remote", remote, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	if mayBeSTUN(b) {
		if answer, err := stun.AnswerTo(b, remote); err == nil {
			_, _ = u.pc.WriteToUDPAddrPort(answer, remote)
		}
		return
	}
	if u.Open && !u.flows.sources.limiter(remote.Addr()).Allow() {
		u.flows.count.slowed.Add(1)
		return
	}
	u.message(u.conn(remote), append([]byte(nil), b...))
}

func (u *udpSocket) message(c *Conn, b []byte) {
	f := u.flows
	c.seen.Store(f.cfg.Clock().UnixNano())
	if f.cfg.Tap != nil {
		f.cfg.Tap(c, false, b)
	}
	m, fault := sip.Parse(b)
	if fault != nil {
		f.count.faults.Add(1)
		if f.cfg.OnFault != nil {
			f.cfg.OnFault(c, fault)
		}
		return
	}
	f.count.messages.Add(1)
	f.cfg.OnMessage(c, m)
}

// udpPause is how long a socket rests after an error.
const udpPause = 5 * time.Millisecond

func (f *Flows) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-f.ctx.Done():
	}
}

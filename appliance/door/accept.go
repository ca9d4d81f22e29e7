package door

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// Accept hands each connection to take until the listener is closed or ctx
// ends; take must not block. A machine that has run out of something gets time
// to recover; trouble, which may be nil, is told.
func Accept(ctx context.Context, open net.Listener, trouble func(error), take func(net.Conn)) error {
	for pause := time.Duration(0); ; {
		c, err := open.Accept()
		switch {
		case err == nil:
			pause = 0
			take(c)
			continue
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return err
		}
		if trouble != nil {
			trouble(err)
		}
		pause = min(max(2*pause, firstPause), lastPause)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// Probes finds a far end that vanished without a word within two minutes.
func Probes() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 15 * time.Second, Count: 4}
}

// userTimeout is TCP_USER_TIMEOUT of Linux, in milliseconds: how long sent
// bytes may stay without an acknowledgement. Without it words to a dead client
// would be repeated for a quarter of an hour.
const userTimeout = 18

// Listen opens a TCP port whose connections notice a far end that is gone
// within two minutes. An address without a number, 0.0.0.0 or ::, stands for its
// own family only, so that both can be listed.
func Listen(addr netip.AddrPort) (net.Listener, error) {
	conf := net.ListenConfig{
		KeepAliveConfig: Probes(),
		Control: func(_, _ string, c syscall.RawConn) error {
			var inner error
			err := c.Control(func(fd uintptr) {
				inner = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, userTimeout, int((2 * time.Minute).Milliseconds()))
			})
			return errors.Join(err, inner)
		},
	}
	return conf.Listen(context.Background(), "tcp"+Family(addr.Addr()), addr.String())
}

// Family is "4" or "6", as package net wants it behind "tcp" and "udp".
func Family(a netip.Addr) string {
	if a.Unmap().Is4() {
		return "4"
	}
	return "6"
}

// AddrPort reads a TCP or UDP address of package net; an IPv4 address comes as
// one, whatever socket it came from. Of others it is zero.
func AddrPort(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.TCPAddr:
		ap = a.AddrPort()
	case *net.UDPAddr:
		ap = a.AddrPort()
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

package media

import (
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	legBuffer  = 128 << 10 // about 50 packets: more would only turn overload into delay
	linkBuffer = 4 << 20   // the shared pair carries every call
)

// socket is a UDP socket in one worker's epoll set, and whose packets come
// out of it.
type socket struct {
	fd    int
	local netip.AddrPort
	comp  component
	recv  func(*worker, *socket) // reads once
	owner any                    // *EdgeStream, *CoreStream, *coreLink or nil for edge's shared pair
	out   *outbox                // of a socket of the link
}

// component is one half of a stream.
type component uint8

const (
	compRTP  component = 0 // RTP, and RTCP if muxed
	compRTCP component = 1
)

// openUDP binds a non-blocking socket for media.
func openUDP(a netip.AddrPort, buffer int) (int, error) {
	family := unix.AF_INET
	if a.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("udp socket: %w", err)
	}
	if err := setUp(fd, a, buffer); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("udp %s: %w", a, err)
	}
	return fd, nil
}

// setUp lets the network fragment, because a relay cannot make a far encoder send
// less.
func setUp(fd int, a netip.AddrPort, buffer int) error {
	var errs []error
	if a.Addr().Is4() {
		errs = append(errs, unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT))
	} else {
		errs = append(errs,
			unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1),
			unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IP_PMTUDISC_DONT))
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer) != nil { // only root may go over the system's limit
		errs = append(errs, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return unix.Bind(fd, sockaddr(a))
}

// shareSocket readies a socket of the link for many calls: room for bursts of
// all of them, and trains in one piece. A kernel that has no trains to give
// passes single frames.
func shareSocket(fd int) {
	for force, plain := range map[int]int{unix.SO_RCVBUFFORCE: unix.SO_RCVBUF, unix.SO_SNDBUFFORCE: unix.SO_SNDBUF} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, linkBuffer) != nil {
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, plain, linkBuffer)
		}
	}
	unix.SetsockoptInt(fd, unix.SOL_UDP, unix.UDP_GRO, 1)
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// The calls below never block, so they skip the scheduler (RawSyscall): that
// is a quarter of a relay's cost. They run on a worker, or rarely on a role's
// goroutine.

// receive reads one datagram and its source.
func receive(fd int, buf []byte, from *rawAddr) (int, unix.Errno) {
	size := uint32(len(from))
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
		uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), unix.MSG_DONTWAIT|unix.MSG_TRUNC,
		uintptr(unsafe.Pointer(from)), uintptr(unsafe.Pointer(&size)))
	return int(n), errno
}

// send writes one datagram.
func send(fd int, b []byte, to *endpoint) unix.Errno {
	if len(b) == 0 {
		return unix.EINVAL
	}
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd),
		uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL,
		uintptr(unsafe.Pointer(&to.raw)), uintptr(to.size))
	return errno
}

// message is the kernel's struct mmsghdr.
type message struct {
	header unix.Msghdr
	length uint32
	_      [4]byte
}

// receiveMany reads up to len(m) datagrams.
func receiveMany(fd int, m []message) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&m[0])), uintptr(len(m)), unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

// sendMany writes datagrams until one fails.
func sendMany(fd int, m []message) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&m[0])), uintptr(len(m)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	return int(n), errno
}

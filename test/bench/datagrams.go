package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batchSize is how many datagrams one system call moves here.
const batchSize = 64

// batch is room for datagrams as sendmmsg and recvmmsg take them. The load
// has to be cheaper than what it measures, so it goes to the kernel directly
// and never waits for it.
type batch struct {
	msgs  [batchSize]mmsghdr
	vecs  [batchSize]unix.Iovec
	data  [batchSize][512]byte
	extra [batchSize][64]byte
}

// mmsghdr is the kernel's struct mmsghdr.
type mmsghdr struct {
	header unix.Msghdr
	length uint32
	_      [4]byte
}

func newBatch() *batch {
	b := &batch{}
	for i := range b.msgs {
		b.vecs[i].Base = &b.data[i][0]
		b.msgs[i].header.Iov = &b.vecs[i]
		b.msgs[i].header.SetIovlen(1)
	}
	return b
}

// set fills in the i-th datagram to be sent; its bytes are in data[i].
func (b *batch) set(i, size int, to *unix.RawSockaddrInet4) {
	b.vecs[i].SetLen(size)
	b.msgs[i].header.Name = (*byte)(unsafe.Pointer(to))
	b.msgs[i].header.Namelen = unix.SizeofSockaddrInet4
}

// send sends the first n and reports how many the kernel took.
func (b *batch) send(fd, n int) int {
	took := 0
	for at := 0; at < n; {
		sent, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.msgs[at])),
			uintptr(n-at), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		if errno != 0 {
			at++ // refused: a port that is closed, say
			continue
		}
		took += int(sent)
		at += int(sent)
	}
	return took
}

// receive reads what waits, up to a batch.
func (b *batch) receive(fd int) int {
	for i := range b.msgs {
		b.vecs[i].SetLen(len(b.data[i]))
		b.msgs[i].header.Control = &b.extra[i][0]
		b.msgs[i].header.SetControllen(len(b.extra[i]))
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.msgs[0])),
		batchSize, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// datagram is the i-th that came.
func (b *batch) datagram(i int) []byte { return b.data[i][:b.msgs[i].length] }

// arrived is when the kernel had it.
func (b *batch) arrived(i int) time.Time {
	e := b.extra[i][:]
	h := (*unix.Cmsghdr)(unsafe.Pointer(&e[0]))
	if b.msgs[i].header.Controllen == 0 || h.Level != unix.SOL_SOCKET || h.Type != unix.SO_TIMESTAMPNS {
		return time.Time{}
	}
	return time.Unix(int64(binary.NativeEndian.Uint64(e[16:])), int64(binary.NativeEndian.Uint64(e[24:])))
}

// openDatagrams binds a socket with much room, whose datagrams are stamped.
func openDatagrams(addr string) (fd int, at netip.AddrPort, err error) {
	if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return -1, at, fmt.Errorf("udp socket: %w", err)
	}
	const room = 64 << 20
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room) != nil { // only root may
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, room)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, room)
	if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: netip.MustParseAddr(addr).As4()})
	}
	var name unix.Sockaddr
	if err == nil {
		name, err = unix.Getsockname(fd)
	}
	if err != nil {
		unix.Close(fd)
		return -1, at, fmt.Errorf("udp %s: %w", addr, err)
	}
	in4 := name.(*unix.SockaddrInet4)
	return fd, netip.AddrPortFrom(netip.AddrFrom4(in4.Addr), uint16(in4.Port)), nil
}

// rawAddr is an address as the kernel takes it.
func rawAddr(a netip.AddrPort) unix.RawSockaddrInet4 {
	r := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: a.Addr().As4()}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&r.Port))[:], a.Port())
	return r
}

package media

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// endpoint is a far address, with the form the kernel takes made once.
type endpoint struct {
	addr netip.AddrPort
	raw  rawAddr
	size uint32
}

// rawAddr has room for sockaddr_in and sockaddr_in6.
type rawAddr [unix.SizeofSockaddrInet6]byte

func newEndpoint(a netip.AddrPort) *endpoint {
	e := &endpoint{addr: a}
	e.size = e.raw.put(a)
	return e
}

// put writes the kernel's form: family, port, address.
func (r *rawAddr) put(a netip.AddrPort) uint32 {
	*r = rawAddr{}
	binary.BigEndian.PutUint16(r[2:], a.Port())
	if a.Addr().Is4() {
		binary.NativeEndian.PutUint16(r[0:], unix.AF_INET)
		ip := a.Addr().As4()
		copy(r[4:], ip[:])
		return unix.SizeofSockaddrInet4
	}
	binary.NativeEndian.PutUint16(r[0:], unix.AF_INET6)
	ip := a.Addr().As16()
	copy(r[8:], ip[:])
	return unix.SizeofSockaddrInet6
}

// get reads the kernel's form.
func (r *rawAddr) get() netip.AddrPort {
	port := binary.BigEndian.Uint16(r[2:])
	if binary.NativeEndian.Uint16(r[0:]) == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(r[4:8])), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(r[8:24])), port)
}

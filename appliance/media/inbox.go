package media

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	inboxSize = 16
	inboxRoom = 64 << 10 // a whole train; pages that nothing fills cost nothing
)

// inbox receives from a link socket: many datagrams at once, each of which may
// be a train of frames (UDP_GRO).
type inbox struct {
	msgs  [inboxSize]message
	vecs  [inboxSize]unix.Iovec
	names [inboxSize]rawAddr
	sizes [inboxSize]mergeControl
	data  []byte
}

// mergeControl is the control message that says how long a train's frames are.
type mergeControl struct {
	header unix.Cmsghdr
	size   int32
	_      [4]byte
}

func newInbox() *inbox {
	in := &inbox{data: make([]byte, inboxSize*inboxRoom)}
	for i := range in.msgs {
		in.vecs[i].Base = &in.data[i*inboxRoom]
		in.vecs[i].SetLen(inboxRoom)
		h := &in.msgs[i].header
		h.Iov = &in.vecs[i]
		h.SetIovlen(1)
		h.Name = &in.names[i][0]
		h.Control = (*byte)(unsafe.Pointer(&in.sizes[i]))
	}
	return in
}

// receive reads what waits and hands each frame to take, with its source. A
// frame is good until the next receive. It reports how many there were.
func (in *inbox) receive(fd int, take func(src netip.AddrPort, b []byte)) int {
	for i := range in.msgs {
		h := &in.msgs[i].header
		h.Namelen = uint32(len(rawAddr{}))
		h.SetControllen(int(unsafe.Sizeof(in.sizes[i])))
	}
	n, errno := receiveMany(fd, in.msgs[:])
	if errno != 0 {
		return 0
	}
	frames := 0
	for i := range n {
		frames += in.part(i, take)
	}
	return frames
}

// part walks the frames of one datagram. No slice reaches into the next.
func (in *inbox) part(i int, take func(netip.AddrPort, []byte)) int {
	b := in.data[i*inboxRoom:][:in.msgs[i].length]
	src := in.names[i].get()
	size := max(len(b), 1)
	if c := &in.sizes[i]; in.msgs[i].header.Controllen != 0 && c.header.Level == unix.SOL_UDP && c.header.Type == unix.UDP_GRO && c.size > 0 {
		size = int(c.size)
	}
	frames := 0
	for len(b) > 0 {
		n := min(size, len(b))
		if n <= maxFrame {
			take(src, b[:n:n])
		}
		b = b[n:]
		frames++
	}
	return frames
}

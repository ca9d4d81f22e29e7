package media

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// outbox gathers the frames that leave by one link socket in a round. All
// calls share that socket, and the frames of a round are mostly of one size,
// because calls mostly speak one codec: such a train goes through the
// network stack once and is parted where it leaves the machine (UDP_SEGMENT).
type outbox struct {
	fd    int
	limit int    // the largest frame that the kernel takes in a train; 0 = none
	round uint32 // counts flushes
	n     int
	heads [maxTrains]train
	vecs  [maxTrains][maxSegments]unix.Iovec
	msgs  [maxTrains]message
	parts [maxTrains]control
}

// train is frames of one size and mark to one address.
type train struct {
	to   *endpoint
	size int
	n    int
	mark mark
}

// lane keeps the order of one half of a stream: a frame never boards a train
// that leaves before its forerunner's.
type lane struct {
	round uint32
	train int
	mark  mark // of its frames
}

const (
	maxTrains   = 64
	maxSegments = 64       // what every kernel that parts trains allows
	trainBytes  = 60 << 10 // an IP packet ends at 64 KiB
)

// control is what a train may say beside its frames. The kernel is shown one of
// the two, or both.
type control struct {
	segment segmentControl
	class   classControl
}

// classControl is the control message that marks a train otherwise than the
// socket would.
type classControl struct {
	header unix.Cmsghdr
	class  int32
	_      [4]byte
}

// segmentControl is the control message that says how to part a train.
type segmentControl struct {
	header unix.Cmsghdr
	size   uint16
	_      [6]byte
}

func newOutbox(fd int) *outbox {
	o := &outbox{fd: fd, limit: maxFrame, round: 1}
	for i := range o.parts {
		c := &o.parts[i].segment
		c.header.Level, c.header.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		c.header.SetLen(unix.CmsgLen(2))
	}
	return o
}

// put adds a frame; b stays untouched until flush.
func (o *outbox) put(b []byte, to *endpoint, l *lane) {
	i := o.board(len(b), to, l)
	if i < 0 {
		o.flush()
		i = o.board(len(b), to, l)
	}
	t := &o.heads[i]
	v := &o.vecs[i][t.n]
	v.Base = &b[0]
	v.SetLen(len(b))
	t.n++
	l.round, l.train = o.round, i
}

// board finds a train for a frame or makes one; -1 if there is no room.
func (o *outbox) board(size int, to *endpoint, l *lane) int {
	first := 0
	if l.round == o.round {
		first = l.train
	}
	for i := o.n - 1; i >= first && size <= o.limit; i-- {
		t := &o.heads[i]
		if t.size == size && t.mark == l.mark && t.n < maxSegments && (t.n+1)*size <= trainBytes && (t.to == to || t.to.addr == to.addr) {
			return i
		}
	}
	if o.n == maxTrains {
		return -1
	}
	o.heads[o.n] = train{to: to, size: size, mark: l.mark}
	o.n++
	return o.n - 1
}

// flush sends all. What the kernel refuses as a train goes frame by frame;
// a frame that it refuses is dropped.
func (o *outbox) flush() {
	for i := range o.n {
		o.load(i)
	}
	for at := 0; at < o.n; {
		sent, errno := sendMany(o.fd, o.msgs[at:o.n])
		switch {
		case errno == unix.EINTR:
			continue
		case errno != 0 || sent == 0:
			o.part(at, errno)
			sent = 1
		}
		at += sent
	}
	o.clear()
}

// clear empties the outbox for the next round.
func (o *outbox) clear() {
	o.n = 0
	o.round++
}

// load writes the kernel's header of a train.
func (o *outbox) load(i int) {
	t, h := &o.heads[i], &o.msgs[i].header
	h.Name, h.Namelen = &t.to.raw[0], t.to.size
	h.Iov = &o.vecs[i][0]
	h.SetIovlen(t.n)
	h.Control = nil
	h.SetControllen(0)
	o.parts[i].describe(h, t)
}

// describe adds to a header how a train is to be parted and marked.
func (c *control) describe(h *unix.Msghdr, t *train) {
	if t.mark != 0 {
		c.class.header.Level, c.class.header.Type = unix.IPPROTO_IP, unix.IP_TOS
		if !t.to.addr.Addr().Is4() {
			c.class.header.Level, c.class.header.Type = unix.IPPROTO_IPV6, unix.IPV6_TCLASS
		}
		c.class.header.SetLen(unix.CmsgLen(4))
		c.class.class = int32(t.mark &^ marked)
		h.Control = (*byte)(unsafe.Pointer(&c.class))
		h.SetControllen(int(unsafe.Sizeof(c.class)))
	}
	if t.n > 1 {
		c.segment.size = uint16(t.size)
		h.Control = (*byte)(unsafe.Pointer(&c.segment))
		h.SetControllen(int(unsafe.Sizeof(c.segment)) + int(h.Controllen))
	}
}

// part sends a refused train frame by frame, and learns what not to try
// again: frames over the way's MTU, or on some ways (IPsec, a driver without
// checksums) trains at all.
func (o *outbox) part(i int, errno unix.Errno) {
	t := o.heads[i]
	if t.n == 1 {
		return
	}
	switch errno {
	case unix.EINVAL, unix.EMSGSIZE:
		o.limit = min(o.limit, t.size-1)
	case unix.EIO, unix.EOPNOTSUPP:
		o.limit = 0
	}
	for at := range t.n {
		o.single(i, at)
	}
}

// single sends one frame of a train.
func (o *outbox) single(i, at int) {
	t := o.heads[i]
	t.n = 1
	h := &o.msgs[i].header
	h.Iov = &o.vecs[i][at]
	h.SetIovlen(1)
	h.Control = nil
	h.SetControllen(0)
	o.parts[i].describe(h, &t)
	sendMany(o.fd, o.msgs[i:i+1])
}

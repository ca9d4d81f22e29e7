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
	parts [maxTrains]segmentControl
}

// train is frames of one size to one address.
type train struct {
	to   *endpoint
	size int
	n    int
}

// lane keeps the order of one half of a stream: a frame never boards a train
// that leaves before its forerunner's.
type lane struct {
	round uint32
	train int
}

const (
	maxTrains   = 64
	maxSegments = 64       // what every kernel that parts trains allows
	trainBytes  = 60 << 10 // an IP packet ends at 64 KiB
)

// segmentControl is the control message that says how to part a train.
type segmentControl struct {
	header unix.Cmsghdr
	size   uint16
	_      [6]byte
}

func newOutbox(fd int) *outbox {
	o := &outbox{fd: fd, limit: maxFrame, round: 1}
	for i := range o.parts {
		c := &o.parts[i]
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
		if t.size == size && t.n < maxSegments && (t.n+1)*size <= trainBytes && (t.to == to || t.to.addr == to.addr) {
			return i
		}
	}
	if o.n == maxTrains {
		return -1
	}
	o.heads[o.n] = train{to: to, size: size}
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
	if t.n > 1 {
		o.parts[i].size = uint16(t.size)
		h.Control = (*byte)(unsafe.Pointer(&o.parts[i]))
		h.SetControllen(int(unsafe.Sizeof(o.parts[i])))
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
	for _, v := range o.vecs[i][:t.n] {
		send(o.fd, unsafe.Slice(v.Base, t.size), t.to)
	}
}

package media

import (
	"golang.org/x/sys/unix"
)

// outbox gathers what goes out of one shared socket in a round, for one
// system call. Only a shared socket gains by it: every other stream has a
// socket of its own.
type outbox struct {
	fd   int
	n    int
	msgs [bufferRing]message
	vecs [bufferRing]unix.Iovec
}

func newOutbox(fd int) *outbox {
	o := &outbox{fd: fd}
	for i := range o.msgs {
		o.msgs[i].header.Iov = &o.vecs[i]
		o.msgs[i].header.SetIovlen(1)
	}
	return o
}

// put adds a datagram; b stays untouched until flush.
func (o *outbox) put(b []byte, to *endpoint) {
	if o.n == len(o.msgs) {
		o.flush()
	}
	o.vecs[o.n].Base = &b[0]
	o.vecs[o.n].SetLen(len(b))
	o.msgs[o.n].header.Name = &to.raw[0]
	o.msgs[o.n].header.Namelen = to.size
	o.n++
}

// flush sends all; one that the kernel refuses is skipped.
func (o *outbox) flush() {
	for at := 0; at < o.n; {
		sent, errno := sendMany(o.fd, o.msgs[at:o.n])
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 || sent == 0 {
			sent = 1
		}
		at += sent
	}
	o.n = 0
}

// outboxFor finds the worker's outbox of a shared socket.
func (w *worker) outboxFor(fd int) *outbox {
	for _, o := range w.out {
		if o.fd == fd {
			return o
		}
	}
	o := newOutbox(fd)
	w.out = append(w.out, o)
	return o
}

// flush sends what waits and makes every buffer free again.
func (w *worker) flush() {
	for _, o := range w.out {
		o.flush()
	}
	w.taken = 0
}

const inboxSize = 32

// inbox receives many datagrams of a shared socket at once.
type inbox struct {
	msgs  [inboxSize]message
	vecs  [inboxSize]unix.Iovec
	names [inboxSize]rawAddr
	data  [inboxSize][maxFrame]byte
}

func (in *inbox) init() {
	for i := range in.msgs {
		in.vecs[i].Base = &in.data[i][0]
		in.vecs[i].SetLen(maxFrame)
		in.msgs[i].header.Iov = &in.vecs[i]
		in.msgs[i].header.SetIovlen(1)
		in.msgs[i].header.Name = &in.names[i][0]
	}
}

// receive fills the inbox and reports how many came.
func (in *inbox) receive(fd int) int {
	for i := range in.msgs {
		in.msgs[i].header.Namelen = uint32(len(rawAddr{}))
	}
	n, errno := receiveMany(fd, in.msgs[:])
	if errno != 0 {
		return 0
	}
	return n
}

// datagram is the i-th that came; nil if it was cut off.
func (in *inbox) datagram(i int) []byte {
	if in.msgs[i].header.Flags&unix.MSG_TRUNC != 0 {
		return nil
	}
	return in.data[i][:in.msgs[i].length]
}

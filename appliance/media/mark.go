package media

import (
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// marks are the DSCPs (RFC 2474) of what the relay sends: pictures by one, sound
// and all else by the other. A socket of the link carries both; it marks sound,
// and frames of pictures say otherwise.
type marks struct{ audio, video atomic.Int32 }

// set takes the marks of a plan and reports whether they differ.
func (m *marks) set(p Plan) bool {
	a, v := m.audio.Swap(int32(p.Audio)), m.video.Swap(int32(p.Video))
	return a != int32(p.Audio) || v != int32(p.Video)
}

func (m *marks) of(kind string) int {
	if kind == "video" {
		return int(m.video.Load())
	}
	return int(m.audio.Load())
}

// linkMark is how the frames of a stream are marked on the link.
func (m *marks) linkMark(kind string) mark {
	if kind != "video" {
		return 0
	}
	return mark(m.video.Load())<<2 | marked
}

// mark is the traffic class byte of a frame with the lowest bit set; 0 leaves it
// to the socket.
type mark uint8

const marked = 1

// setMark has a socket mark what it sends.
func setMark(fd int, v6 bool, dscp int) error {
	if v6 {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, dscp<<2)
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TOS, dscp<<2)
}

// mark has the leg mark what it sends as the relay's plan wants for its kind of
// media, which is read under the leg's lock: the last caller leaves the newest.
func (l *leg) mark(kind func() string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	dscp := l.relay.marks.of(kind())
	for _, k := range l.pair {
		setMark(k.fd, k.local.Addr().Is6(), dscp) // every DSCP is allowed to everybody; a packet unmarked is no call lost
	}
}

// remarkLocked brings a new plan's marks to what is open, and the marks as they
// are to edge's link pair, which may be new.
func (r *Relay) remarkLocked(changed bool) {
	for _, k := range r.shared {
		setMark(k.fd, k.local.Addr().Is6(), r.marks.of(""))
	}
	if !changed {
		return
	}
	for _, l := range r.links {
		l.leg.mark(func() string { return "" })
	}
	for _, s := range r.sessions {
		s.mu.Lock()
		streams := slices.Clone(s.streams)
		s.mu.Unlock()
		for _, st := range streams {
			st.remark()
		}
	}
}

func (st *EdgeStream) remark() {
	st.leg.mark(st.kind)
	st.work.do(func() { setLanes(&st.lane, st.sess.relay.marks.linkMark(st.kind())) })
}

func (st *EdgeStream) kind() string { return st.want.Load().Type }

func (st *CoreStream) remark() {
	st.inside.mark(st.kind)
	if f := st.fork.Load(); f != nil {
		f.remark()
	}
	st.work.do(func() { setLanes(&st.lane, st.sess.relay.marks.linkMark(st.kind())) })
}

func (st *CoreStream) kind() string { return st.want.Load().Type }

func (f *Fork) remark() {
	f.near.leg.mark(f.st.kind)
	f.far.leg.mark(f.st.kind)
}

func (st *BridgeStream) remark() {
	for _, l := range st.legs {
		l.mark(func() string { return st.want.Load().Type })
	}
}

func setLanes(lanes *[2]lane, m mark) {
	for c := range lanes {
		lanes[c].mark = m
	}
}

package media

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// channelTable finds the stream of a channel on edge's shared pair.
type channelTable struct {
	sync.RWMutex
	m map[uint32]*EdgeStream
}

// claim files a stream under its channel, unless another has it.
func (t *channelTable) claim(id uint32, st *EdgeStream) bool {
	t.Lock()
	defer t.Unlock()
	if other := t.m[id]; other != nil && other != st {
		return false
	}
	t.m[id] = st
	return true
}

func (t *channelTable) release(id uint32, st *EdgeStream) {
	t.Lock()
	defer t.Unlock()
	if t.m[id] == st {
		delete(t.m, id)
	}
}

func (t *channelTable) find(id uint32) *EdgeStream {
	t.RLock()
	defer t.RUnlock()
	return t.m[id]
}

// listenLocked opens edge's link pair on every inner address, once per
// worker: the kernel spreads the cores' 5-tuples over them.
func (r *Relay) listenLocked(p Plan) error {
	if !p.Edge || p.Edge == r.plan.Edge && p.Inner == r.plan.Inner && p.LinkRTP == r.plan.LinkRTP && p.LinkRTCP == r.plan.LinkRTCP {
		return nil
	}
	var fresh []*socket
	for _, a := range p.Inner.list() {
		for c, port := range []int{p.LinkRTP, p.LinkRTCP} {
			at := netip.AddrPortFrom(a, uint16(port))
			ours := slices.ContainsFunc(r.shared, func(k *socket) bool { return k.local == at })
			socks, err := openShared(at, component(c), len(r.workers), ours)
			fresh = append(fresh, socks...)
			if err != nil {
				for _, k := range fresh {
					unix.Close(k.fd)
				}
				return err
			}
		}
	}
	r.replaceSharedLocked(fresh)
	return nil
}

func (r *Relay) replaceSharedLocked(fresh []*socket) {
	old := r.shared
	r.shared = fresh
	for i, k := range fresh {
		r.workers[i%len(r.workers)].adopt(k)
	}
	if len(old) == 0 {
		return
	}
	for i, k := range old {
		r.workers[i%len(r.workers)].disown(k)
	}
	r.afterAll(func() {
		for _, k := range old {
			unix.Close(k.fd)
		}
	})
}

// openShared first makes sure that no other program has the port, unless it
// is ours already: a group of sockets that share it would let a second node
// take half the packets in silence.
func openShared(a netip.AddrPort, c component, n int, ours bool) ([]*socket, error) {
	if !ours {
		alone, err := openUDP(a, linkBuffer)
		if err != nil {
			return nil, fmt.Errorf("media link port: %w", err)
		}
		unix.Close(alone)
	}
	var socks []*socket
	for range n {
		fd, err := openGroup(a)
		if err != nil {
			return socks, err
		}
		socks = append(socks, &socket{fd: fd, local: a, comp: c, recv: receiveLink})
	}
	return socks, nil
}

func openGroup(a netip.AddrPort) (int, error) {
	family := unix.AF_INET
	if a.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("udp socket: %w", err)
	}
	if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err == nil {
		err = setUp(fd, a, linkBuffer)
		shareSocket(fd)
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("media link port %s: %w", a, err)
	}
	return fd, nil
}

// adopt gives the worker a socket of the link, for both ways.
func (w *worker) adopt(k *socket) {
	w.do(func() {
		w.hold(k)
		w.shared = append(w.shared, k)
		k.out = newOutbox(k.fd)
		w.out = append(w.out, k.out)
	})
}

func (w *worker) disown(k *socket) {
	w.do(func() {
		w.part(k)
		w.shared = slices.DeleteFunc(w.shared, func(o *socket) bool { return o == k })
		w.out = slices.DeleteFunc(w.out, func(o *outbox) bool { return o == k.out })
	})
}

// linkOut is edge's outbox towards a core of that family.
func (w *worker) linkOut(c component, to *endpoint) *outbox {
	for _, k := range w.shared {
		if k.comp == c && k.local.Addr().Is4() == to.addr.Addr().Is4() {
			return k.out
		}
	}
	return nil
}

// receiveLink reads the frames that wait on one of edge's shared ports.
func receiveLink(w *worker, k *socket) {
	w.burst += w.in.receive(k.fd, func(src netip.AddrPort, b []byte) {
		f, ok := parseFrame(b)
		if !ok {
			return
		}
		st := w.relay.channels.find(f.channel)
		if st == nil {
			return
		}
		switch f.kind {
		case frameMedia:
			st.fromCore(w, k.comp, src, b[frameHeader:])
		case frameProbe:
			st.probed(w, k, src, f, b)
		case frameConfirm:
			st.confirmed(k.comp, src, f, b)
		}
	})
}

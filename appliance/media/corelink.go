package media

import (
	"net/netip"
)

// coreLink is the pair of ports by which one of core's workers speaks to every
// edge. Its calls share it, as they share edge's pair at the far end, so that
// their frames travel in trains. A frame's source and channel tell whose it is.
type coreLink struct {
	relay *Relay
	place linkPlace
	leg   *leg
	uses  int // guarded by the relay's lock

	streams map[netip.AddrPort]map[uint32]*CoreStream // by edge's port and channel; the worker's own
}

// linkPlace says where a link is bound.
type linkPlace struct {
	work *worker
	at   netip.Addr
}

// linkAt finds or opens the link of a worker on an address. Each use is to be
// released; the last one closes it and its ports rest.
func (r *Relay) linkAt(w *worker, at netip.Addr) (*coreLink, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	place := linkPlace{w, at}
	if l := r.links[place]; l != nil {
		l.uses++
		return l, nil
	}
	g, err := r.openLegLocked(at)
	if err != nil {
		return nil, err
	}
	l := &coreLink{relay: r, place: place, leg: g, uses: 1, streams: map[netip.AddrPort]map[uint32]*CoreStream{}}
	for _, k := range g.pair {
		shareSocket(k.fd)
		k.owner, k.recv = l, receiveEdge
		w.adopt(k)
	}
	r.links[place] = l
	return l, nil
}

func (l *coreLink) release() {
	l.relay.mu.Lock()
	l.uses--
	last := l.uses == 0
	if last {
		delete(l.relay.links, l.place)
	}
	l.relay.mu.Unlock()
	if !last {
		return
	}
	for _, k := range l.leg.pair {
		l.place.work.disown(k)
	}
	l.leg.close()
}

// enter files a stream under the channel that edge's frames for it carry. Of
// two streams that one edge gives the same channel the later is heard.
func (l *coreLink) enter(st *CoreStream, id uint32) {
	for _, e := range st.edge {
		if l.streams[e.addr] == nil {
			l.streams[e.addr] = map[uint32]*CoreStream{}
		}
		l.streams[e.addr][id] = st
	}
}

func (l *coreLink) leave(st *CoreStream, id uint32) {
	for _, e := range st.edge {
		if l.streams[e.addr][id] == st {
			delete(l.streams[e.addr], id)
		}
		if len(l.streams[e.addr]) == 0 {
			delete(l.streams, e.addr)
		}
	}
}

// receiveEdge reads the frames that wait on one half of a core link.
func receiveEdge(w *worker, k *socket) {
	l := k.owner.(*coreLink)
	w.burst += w.in.receive(k.fd, func(src netip.AddrPort, b []byte) {
		f, ok := parseFrame(b)
		if !ok {
			return
		}
		if st := l.streams[src][f.channel]; st != nil && st.edge[k.comp].addr == src {
			st.fromLink(w, k.comp, f, b)
		}
	})
}

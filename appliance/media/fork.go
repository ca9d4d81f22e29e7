package media

import (
	"net/netip"
	"sync"

	"sallyport/appliance/rtp"
)

// Fork sends a copy of what both sides of a stream say to a recorder, each side
// from ports of its own (RFC 7866). A stream without one pays a look at a
// pointer for each packet; a fork holds two buffers and no queue, and a recorder
// that does not listen costs the call nothing.
type Fork struct {
	st        *CoreStream
	near, far forkLeg
	notice    *notice
	once      sync.Once
}

// forkLeg is one side; but for leg, the stream's worker alone uses it.
type forkLeg struct {
	leg  *leg
	to   *endpoint
	keys *rtp.Sender
	buf  [maxPacket + 64]byte
}

// ForkTo is where a recorder takes one side.
type ForkTo struct {
	Addr netip.AddrPort // invalid: it does not want this side
	Keys rtp.Keys       // that we protect with; unset = RTP
}

// Fork binds the ports of a copy; nothing is sent before Start. Close must be
// called, though the end of the stream does so too.
func (st *CoreStream) Fork() (*Fork, error) {
	f := &Fork{st: st}
	at := st.inside.local().Addr()
	var err error
	if f.near.leg, err = st.sess.relay.openLeg(at); err != nil {
		return nil, err
	}
	if f.far.leg, err = st.sess.relay.openLeg(at); err != nil {
		f.near.leg.close()
		return nil, err
	}
	f.remark()
	return f, nil
}

// Local is where the copies come from.
func (f *Fork) Local() (near, far netip.AddrPort) { return f.near.leg.local(), f.far.leg.local() }

// Start begins to copy. tone has both sides of the call hear a notice while
// that lasts, on G.711.
func (f *Fork) Start(near, far ForkTo, tone bool) error {
	if err := f.near.aim(f.st.work.room, near); err != nil {
		return err
	}
	if err := f.far.aim(f.st.work.room, far); err != nil {
		return err
	}
	if tone {
		f.notice = &notice{}
	}
	f.st.mu.Lock()
	defer f.st.mu.Unlock()
	if f.st.closed {
		return ErrClosed
	}
	f.st.fork.Store(f)
	f.remark() // the plan may have changed since its ports were bound
	return nil
}

func (l *forkLeg) aim(room *rtp.Room, to ForkTo) (err error) {
	if to.Addr.IsValid() && to.Addr.Port() != 0 {
		l.to = newEndpoint(to.Addr)
	}
	if to.Keys.Set() {
		l.keys, err = room.Sender(to.Keys)
	}
	return err
}

// wipe forgets the keys, on the worker that used them.
func (l *forkLeg) wipe() {
	if l.keys != nil {
		l.keys.Wipe()
	}
	l.keys, l.to = nil, nil
}

// Close ends the copy; its ports rest. It may be called again.
func (f *Fork) Close() {
	f.once.Do(func() {
		f.st.fork.CompareAndSwap(f, nil)
		f.st.work.do(func() {
			f.near.wipe()
			f.far.wipe()
		})
		f.near.leg.close()
		f.far.leg.close()
	})
}

// fromClient and fromInside take a packet in clear on its way, on the worker.
func (f *Fork) fromClient(kind rtp.Kind, pkt []byte) {
	f.near.copy(kind, pkt)
	if f.notice != nil && kind == rtp.RTP {
		f.notice.toInside.mix(pkt)
	}
}

func (f *Fork) fromInside(kind rtp.Kind, pkt []byte) {
	f.far.copy(kind, pkt)
	if f.notice != nil && kind == rtp.RTP {
		f.notice.toClient.mix(pkt)
	}
}

func (l *forkLeg) copy(kind rtp.Kind, pkt []byte) {
	if kind != rtp.RTP || l.to == nil || len(pkt) > maxPacket {
		return
	}
	out, ok := pkt, true
	if l.keys != nil {
		out, ok = seal(l.keys, kind, l.buf[:copy(l.buf[:maxPacket], pkt)])
	}
	if ok {
		send(l.leg.pair[compRTP].fd, out, l.to)
	}
}

package rtp

// window tells which packets of a source came: the highest index, and which
// of those before it (RFC 3711 3.3.2). An RTP index is the rollover counter and
// the sequence number; an RTCP index is told in the packet.
type window struct {
	top   uint64
	seen  [windowSize / 64]uint64 // bit n: top-n came
	begun bool
}

const windowSize = 128 // packets: 2.5 s of audio, a burst of video

// guess is the index that a sequence number stands for (RFC 3711 3.3.1).
func (w *window) guess(seq uint16) uint64 {
	turn := w.top >> 16
	if w.begun {
		switch ahead := int(seq) - int(uint16(w.top)); {
		case ahead > 1<<15 && turn > 0:
			turn--
		case ahead < -1<<15:
			turn++
		}
	}
	return turn<<16 | uint64(seq)
}

// had reports whether a packet came before, or is too old to know.
func (w *window) had(index uint64) bool {
	if !w.begun || index > w.top {
		return false
	}
	back := w.top - index
	return back >= windowSize || w.seen[back/64]>>(back%64)&1 != 0
}

// note takes a packet in.
func (w *window) note(index uint64) {
	if !w.begun {
		*w = window{top: index, begun: true}
	}
	if index > w.top {
		w.slide(index - w.top)
		w.top = index
	}
	back := w.top - index
	w.seen[back/64] |= 1 << (back % 64)
}

// slide moves all by n packets. A shift by a word's size or more gives zero.
func (w *window) slide(n uint64) {
	if n >= 64 {
		w.seen[1], w.seen[0] = w.seen[0], 0
		n -= 64
	}
	if n > 0 {
		w.seen[1] = w.seen[1]<<n | w.seen[0]>>(64-min(n, 64))
		w.seen[0] <<= n
	}
}

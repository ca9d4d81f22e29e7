package media

import (
	"time"

	"sallyport/appliance/rtp"
)

// made keeps the contexts of a stream's keys. A context must outlive a
// change and its undoing: a fresh one for old keys would forget what was
// replayed, and would spend a keystream twice.
type made struct {
	room *rtp.Room // the worker's
	in   []madeIn
	out  []madeOut
}

type madeIn struct {
	keys rtp.Keys
	ctx  *rtp.Receiver
}

type madeOut struct {
	keys rtp.Keys
	ctx  *rtp.Sender
}

const maxMade = 16 // incoming: forks and re-keyings in one call; the oldest go

// receiver finds or makes the context; nil for no keys.
func (m *made) receiver(k rtp.Keys) (*rtp.Receiver, error) {
	if !k.Set() {
		return nil, nil
	}
	for _, have := range m.in {
		if have.keys.Equal(k) {
			return have.ctx, nil
		}
	}
	ctx, err := m.room.Receiver(k)
	if err != nil {
		return nil, err
	}
	if len(m.in) == maxMade {
		m.in = append(m.in[:0], m.in[1:]...)
	}
	m.in = append(m.in, madeIn{k, ctx})
	return ctx, nil
}

// sender finds or makes the context; nil for no keys. Those are few, because
// our own keys are one per suite and side.
func (m *made) sender(k rtp.Keys) (*rtp.Sender, error) {
	if !k.Set() {
		return nil, nil
	}
	for _, have := range m.out {
		if have.keys.Equal(k) {
			return have.ctx, nil
		}
	}
	ctx, err := m.room.Sender(k)
	if err != nil {
		return nil, err
	}
	m.out = append(m.out, madeOut{k, ctx})
	return ctx, nil
}

// wipe forgets all keys, on the worker that used them.
func (m *made) wipe() {
	for _, have := range m.in {
		have.ctx.Wipe()
	}
	for _, have := range m.out {
		have.ctx.Wipe()
	}
	m.in, m.out = nil, nil
}

// contexts is the set for what is wanted.
func (m *made) contexts(w CoreWant, old *contexts, now time.Time) (*contexts, error) {
	next := &contexts{before: old.before, until: old.until}
	var err error
	if next.fromClient, err = m.receiver(w.FromClient); err != nil {
		return nil, err
	}
	if next.toClient, err = m.sender(w.ToClient); err != nil {
		return nil, err
	}
	if next.fromInside, err = m.receiver(w.FromInside); err != nil {
		return nil, err
	}
	if next.toInside, err = m.sender(w.ToInside); err != nil {
		return nil, err
	}
	if old.fromClient != nil && old.fromClient != next.fromClient {
		next.before, next.until = old.fromClient, now.Add(keysOverlap).UnixNano()
	}
	return next, nil
}

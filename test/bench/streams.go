package main

import (
	"context"
	"encoding/binary"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"sallyport/appliance/rtp"
)

// voice is the size of an RTP packet of 20 ms of G.711.
const voice = 172

// looked is how many packets go by for each that is looked at.
const looked = 101

// end is one side of all calls: one socket that sends to every port of the
// relay and hears them all.
type end struct {
	fd    int
	at    netip.AddrPort
	to    []unix.RawSockaddrInet4
	send  []*rtp.Sender   // nil: plain RTP
	heard []*rtp.Receiver // nil: plain RTP
	seq   []uint16
	out   *batch
	held  int
	in    *batch

	sent, got int64
	bad       int64           // of those looked at
	delays    []time.Duration // of those looked at
}

func newEnd(addr string) (*end, error) {
	fd, at, err := openDatagrams(addr)
	return &end{fd: fd, at: at, out: newBatch(), in: newBatch()}, err
}

// add is one more call: where its packets go, and its keys in each direction.
func (e *end) add(to netip.AddrPort, sends, hears *keySet) error {
	e.to = append(e.to, rawAddr(to))
	e.seq = append(e.seq, 1)
	if sends == nil {
		return nil
	}
	s, err := rtp.NewSender(*sends)
	if err != nil {
		return err
	}
	r, err := rtp.NewReceiver(*hears)
	e.send, e.heard = append(e.send, s), append(e.heard, r)
	return err
}

// Where a packet carries when it was sent.
const stampAt = rtp.HeaderSize

// queue makes the next packet of a call ready; flush sends what is queued.
func (e *end) queue(i int, now time.Time) {
	if e.held == batchSize {
		e.flush()
	}
	b := e.out.data[e.held][:voice]
	clear(b[stampAt:])
	b[0], b[1] = 0x80, 0
	binary.BigEndian.PutUint16(b[2:], e.seq[i])
	binary.BigEndian.PutUint32(b[4:], uint32(e.seq[i])*160)
	binary.BigEndian.PutUint32(b[8:], uint32(i)+1)
	binary.BigEndian.PutUint64(b[stampAt:], uint64(now.UnixNano()))
	e.seq[i]++
	if e.send != nil {
		out, err := e.send[i].Protect(b)
		if err != nil {
			return
		}
		b = out
	}
	e.out.set(e.held, len(b), &e.to[i])
	e.held++
}

func (e *end) flush() {
	e.sent += int64(e.out.send(e.fd, e.held))
	e.held = 0
}

// hear counts what waits, and looks into some.
func (e *end) hear() {
	for {
		n := e.in.receive(e.fd)
		for i := range n {
			if e.got++; e.got%looked == 0 {
				e.look(i)
			}
		}
		if n < batchSize {
			return
		}
	}
}

// look checks that a packet is what the far side sent, and how long it took.
func (e *end) look(i int) {
	b, ok := e.open(e.in.datagram(i))
	if !ok {
		e.bad++
		return
	}
	sent := time.Unix(0, int64(binary.BigEndian.Uint64(b[stampAt:])))
	if at := e.in.arrived(i); !at.IsZero() {
		e.delays = append(e.delays, at.Sub(sent))
	}
}

func (e *end) open(b []byte) ([]byte, bool) {
	if len(b) < voice {
		return nil, false
	}
	if e.heard != nil {
		call := int(binary.BigEndian.Uint32(b[8:])) - 1
		if call < 0 || call >= len(e.heard) {
			return nil, false
		}
		out, verdict := e.heard[call].Unprotect(b)
		if verdict != rtp.Good {
			return nil, false
		}
		b = out
	}
	return b, len(b) == voice && b[0] == 0x80 && b[100] == 0
}

// streams is a set of two-way calls through one relay, or two in a row. One
// goroutine uses it.
type streams struct {
	phone, uc *end
	next      int
}

func newStreams(phone, uc string) (*streams, error) {
	a, err := newEnd(phone)
	if err != nil {
		return nil, err
	}
	b, err := newEnd(uc)
	if err != nil {
		unix.Close(a.fd)
		return nil, err
	}
	return &streams{phone: a, uc: b}, nil
}

func (s *streams) close() {
	unix.Close(s.phone.fd)
	unix.Close(s.uc.fd)
}

// tally is what was counted so far.
type tally struct{ sent, got, bad int64 }

func (s *streams) tally() tally {
	return tally{s.phone.sent + s.uc.sent, s.phone.got + s.uc.got, s.phone.bad + s.uc.bad}
}

func (t tally) less(o tally) tally { return tally{t.sent - o.sent, t.got - o.got, t.bad - o.bad} }

// missing is the share of what was sent that did not come.
func (t tally) missing() float64 { return max(0, 1-float64(t.got)/float64(max(t.sent, 1))) }

// drain hears what is still under way, so that it does not count for the next.
func (s *streams) drain(ctx context.Context) {
	for range 40 {
		before := s.tally().got
		if s.run(ctx, 0, 50*time.Millisecond); s.tally().got == before {
			return
		}
	}
}

// delays gives away the delays that were seen.
func (s *streams) delays() []time.Duration {
	all := append(s.phone.delays, s.uc.delays...)
	s.phone.delays, s.uc.delays = nil, nil
	return all
}

// maxDebt bounds what is sent at once after somebody else had the processor:
// no phone sends a third of a second of voice in one burst.
const maxDebt = 10 * time.Millisecond

// run sends packets of both sides at a rate for a while and hears what comes.
// Packets leave each millisecond, call after call.
func (s *streams) run(ctx context.Context, perSecond int, d time.Duration) {
	begun := time.Now()
	beat := begun
	for n := 0; ctx.Err() == nil; {
		now := time.Now()
		if now.Sub(begun) >= d {
			return
		}
		due := int(now.Sub(begun) * time.Duration(perSecond) / time.Second)
		n = max(n, due-int(maxDebt*time.Duration(perSecond)/time.Second))
		for ; n < due; n += 2 {
			s.phone.queue(s.next, now)
			s.uc.queue(s.next, now)
			s.next = (s.next + 1) % len(s.phone.to)
		}
		s.phone.flush()
		s.uc.flush()
		s.phone.hear()
		s.uc.hear()
		if beat = beat.Add(time.Millisecond); now.Sub(beat) > maxDebt {
			beat = now
		}
		rest := unix.NsecToTimespec(int64(max(0, time.Until(beat))))
		_ = unix.Nanosleep(&rest, nil)
	}
}

package media

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	tick       = 100 * time.Millisecond // how often streams are looked after
	maxEvents  = 128
	bufferRing = 128 // datagrams that may wait for one send
	headroom   = frameHeader
)

// worker is one thread of engine U: it owns an epoll set, the sockets in it,
// and every SRTP context behind them. Others reach it by do only.
type worker struct {
	relay *Relay
	epfd  int
	wake  int // eventfd

	mu    sync.Mutex // guards todo and ended
	todo  []func()
	ended bool

	// The rest is the worker's own.
	sockets map[int]*socket
	streams map[stream]struct{}
	now     int64 // unix nanoseconds, read once per round
	ticked  int64
	load    loadMeter
	handled atomic.Uint64 // packets, for status
	buffers [bufferRing][maxFrame + headroom]byte
	taken   int
	out     []*outbox
	shared  []*socket // of edge's link pair
	burst   int       // datagrams of this round that came many at a time
	in      inbox
	from    rawAddr
	scratch [maxFrame]byte
}

// stream is what a worker looks after between packets.
type stream interface {
	tick(w *worker)
}

func newWorker(r *Relay) (*worker, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("media worker: epoll: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(epfd)
		return nil, fmt.Errorf("media worker: eventfd: %w", err)
	}
	w := &worker{relay: r, epfd: epfd, wake: wake, sockets: map[int]*socket{}, streams: map[stream]struct{}{}}
	w.in.init()
	if err := w.watch(wake); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *worker) watch(fd int) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	if err := unix.EpollCtl(w.epfd, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return fmt.Errorf("media worker: watch: %w", err)
	}
	return nil
}

// do runs f on the worker between two rounds. After the worker has ended it
// runs at once, because nothing else runs then.
func (w *worker) do(f func()) {
	if !w.queue(f) {
		f()
	}
}

// queue holds the lock over the wake-up, so that the descriptor is still open.
func (w *worker) queue(f func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return false
	}
	w.todo = append(w.todo, f)
	one := [8]byte{}
	binary.NativeEndian.PutUint64(one[:], 1)
	unix.Write(w.wake, one[:]) // can fail only if it is already full of wake-ups
	return true
}

// add puts sockets under the worker's care.
func (w *worker) add(s stream, socks ...*socket) {
	w.do(func() {
		w.streams[s] = struct{}{}
		defer s.tick(w) // a core leg is proven at once, not at the next tick
		for _, k := range socks {
			w.sockets[k.fd] = k
			if err := w.watch(k.fd); err != nil {
				w.relay.log.Error("media socket lost", "local", k.local, "err", err)
			}
		}
	})
}

// drop takes sockets out; they stay open until closeAll.
func (w *worker) drop(s stream, socks ...*socket) {
	w.do(func() {
		delete(w.streams, s)
		for _, k := range socks {
			if w.sockets[k.fd] == k {
				delete(w.sockets, k.fd)
				unix.EpollCtl(w.epfd, unix.EPOLL_CTL_DEL, k.fd, nil)
			}
		}
	})
}

// run serves the sockets until ctx ends. A panic is one stream's fault at
// most: it is logged and the worker goes on.
func (w *worker) run(ctx context.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	stop := context.AfterFunc(ctx, func() { w.do(func() {}) })
	defer stop()
	for ctx.Err() == nil {
		w.guarded(ctx)
	}
	w.mu.Lock()
	w.ended = true
	rest := w.todo
	w.todo = nil
	w.mu.Unlock()
	for _, f := range rest {
		f()
	}
}

func (w *worker) guarded(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			w.relay.log.Error("media worker panicked", "panic", p, "stack", string(debug.Stack()))
			w.taken = 0
		}
	}()
	var events [maxEvents]unix.EpollEvent
	for ctx.Err() == nil {
		n := w.wait(events[:])
		w.now = w.relay.clock().UnixNano()
		for i := range n {
			w.serve(int(events[i].Fd))
		}
		w.flush()
		w.work()
		w.lookAfter()
		w.pause(n)
	}
}

// wait asks without blocking first, because under load there always is something.
func (w *worker) wait(events []unix.EpollEvent) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(w.epfd),
		uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if errno == 0 && n > 0 {
		return int(n)
	}
	got, err := unix.EpollWait(w.epfd, events, int(tick/time.Millisecond))
	if err != nil {
		return 0 // EINTR
	}
	return got
}

func (w *worker) serve(fd int) {
	if fd == w.wake {
		var b [8]byte
		unix.Read(w.wake, b[:])
		return
	}
	if s := w.sockets[fd]; s != nil {
		s.recv(w, s)
	}
}

// work runs what others asked for.
func (w *worker) work() {
	w.mu.Lock()
	todo := w.todo
	w.todo = nil
	w.mu.Unlock()
	for _, f := range todo {
		f()
	}
}

// lookAfter gives every stream its turn.
func (w *worker) lookAfter() {
	if w.now-w.ticked < int64(tick) {
		return
	}
	w.ticked = w.now
	for s := range w.streams {
		s.tick(w)
	}
	w.flush()
}

// buffer hands out room for one datagram with headroom in front of it. It is
// good until the next flush.
func (w *worker) buffer() []byte {
	if w.taken == bufferRing {
		w.flush()
	}
	w.taken++
	return w.buffers[w.taken-1][:]
}

// giveBack returns the buffer that was taken last.
func (w *worker) giveBack() { w.taken-- }

// loadMeter tells how busy a worker is, in packets.
type loadMeter struct {
	since, packets int64
	busy           bool
}

const (
	meterSpan = int64(10 * time.Millisecond)
	busyRate  = 4000 // packets per second from which batching pays
)

func (m *loadMeter) count(now int64, n int) {
	m.packets += int64(n)
	if span := now - m.since; span >= meterSpan || span < 0 {
		m.busy = m.packets*int64(time.Second) > busyRate*span
		m.since, m.packets = now, 0
	}
}

// pause lets packets gather for half a millisecond under load: one wake-up
// then serves many, which costs a third less and no ear hears it.
func (w *worker) pause(n int) {
	n += w.burst
	w.burst = 0
	w.handled.Add(uint64(n))
	w.load.count(w.now, n)
	if !w.load.busy || w.relay.cfg.Pause < 0 {
		return
	}
	d := unix.NsecToTimespec(int64(w.relay.pause))
	unix.Nanosleep(&d, nil)
}

// close frees the worker's own descriptors.
func (w *worker) close() {
	unix.Close(w.wake)
	unix.Close(w.epfd)
}

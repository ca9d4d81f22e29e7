package media

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"sallyport/appliance/rtp"
)

const (
	tick       = 100 * time.Millisecond // how often streams are looked after
	maxEvents  = 256
	maxPasses  = 16  // looks at the sockets in one round
	bufferRing = 256 // datagrams that may wait for one send
	headroom   = frameHeader
)

// worker is one goroutine of engine U: it owns an epoll set, the sockets in
// it, and every SRTP context behind them. Others reach it by do only.
type worker struct {
	relay *Relay
	epfd  int
	wake  int // eventfd

	mu    sync.Mutex // guards todo and ended
	todo  []func()
	ended bool

	// The rest is the worker's own.
	sockets []*socket // by descriptor
	streams map[stream]struct{}
	now     int64 // unix nanoseconds, read once per pass
	ticked  int64
	due     bool // a tick
	load    loadMeter
	beat    *cadence
	handled atomic.Uint64 // packets, for status
	buffers *[bufferRing][maxFrame + headroom]byte
	taken   int
	out     []*outbox
	shared  []*socket // of the link
	burst   int       // frames of this pass that came many at a time
	in      *inbox
	from    rawAddr
	room    *rtp.Room // where SRTP works
	scratch [maxFrame]byte
	events  [maxEvents]unix.EpollEvent
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
	w := &worker{relay: r, epfd: epfd, wake: wake, streams: map[stream]struct{}{},
		in: newInbox(), room: rtp.NewRoom(), buffers: new([bufferRing][maxFrame + headroom]byte)}
	if err = w.watch(wake); err == nil {
		w.beat, err = newCadence(epfd)
	}
	if err != nil {
		unix.Close(wake)
		unix.Close(epfd)
		return nil, err
	}
	return w, nil
}

func (w *worker) watch(fd int) error {
	if err := watch(w.epfd, fd); err != nil {
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
			w.hold(k)
		}
	})
}

// hold begins to read a socket.
func (w *worker) hold(k *socket) {
	for len(w.sockets) <= k.fd {
		w.sockets = append(w.sockets, nil)
	}
	w.sockets[k.fd] = k
	if err := w.watch(k.fd); err != nil {
		w.relay.log.Error("media socket lost", "local", k.local, "err", err)
	}
}

// part ends it; the socket stays open.
func (w *worker) part(k *socket) {
	if k.fd < len(w.sockets) && w.sockets[k.fd] == k {
		w.sockets[k.fd] = nil
		unix.EpollCtl(w.epfd, unix.EPOLL_CTL_DEL, k.fd, nil)
	}
}

// drop takes sockets out; they stay open until closeAll.
func (w *worker) drop(s stream, socks ...*socket) {
	w.do(func() {
		delete(w.streams, s)
		for _, k := range socks {
			w.part(k)
		}
	})
}

// run serves the sockets until ctx ends. A panic is one stream's fault at
// most: it is logged and the worker goes on.
func (w *worker) run(ctx context.Context) {
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
			w.forget()
		}
	}()
	for ctx.Err() == nil {
		w.rest(w.round())
	}
}

// round reads until nothing waits, sends what that made and does what is due.
// It reports how many packets came.
func (w *worker) round() int {
	packets := 0
	for range maxPasses {
		n := w.ready()
		packets += w.pass(n)
		if n == 0 {
			break
		}
	}
	w.flush()
	w.work()
	w.lookAfter()
	return packets
}

// pass serves the first n events.
func (w *worker) pass(n int) int {
	w.now = w.relay.clock().UnixNano()
	for i := range n {
		w.serve(int(w.events[i].Fd))
	}
	n += w.burst
	w.burst = 0
	return n
}

// ready asks for events without blocking.
func (w *worker) ready() int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(w.epfd),
		uintptr(unsafe.Pointer(&w.events[0])), maxEvents, 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// rest waits for the next beat under load, and for the next packet or tick
// otherwise. Nothing ticks where there is no stream.
func (w *worker) rest(packets int) {
	w.handled.Add(uint64(packets))
	w.load.count(w.now, packets)
	switch {
	case w.load.busy && w.relay.pause > 0:
		w.beat.beat(w.relay.pause)
	case len(w.streams) > 0:
		w.due = w.beat.rest(tick)
	default:
		w.beat.rest(0)
	}
}

func (w *worker) serve(fd int) {
	if fd == w.wake {
		var b [8]byte
		unix.Read(w.wake, b[:])
		return
	}
	if fd < len(w.sockets) && w.sockets[fd] != nil {
		w.sockets[fd].recv(w, w.sockets[fd])
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
	if !w.due && w.now-w.ticked < int64(tick) {
		return
	}
	w.ticked, w.due = w.now, false
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

// forget drops what waits to be sent, whose buffers are in doubt.
func (w *worker) forget() {
	for _, o := range w.out {
		o.clear()
	}
	w.taken, w.burst = 0, 0
}

// flush sends what waits and makes every buffer free again.
func (w *worker) flush() {
	for _, o := range w.out {
		o.flush()
	}
	w.taken = 0
}

// close frees the worker's own descriptors.
func (w *worker) close() {
	w.beat.close()
	unix.Close(w.wake)
	unix.Close(w.epfd)
}

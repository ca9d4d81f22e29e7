package media

import (
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cadence is when a worker looks at its sockets. A busy one does so once a
// beat instead of at every packet, so that what came meanwhile shares one
// wake-up and one train. A packet waits half a beat on average and never more
// than one, which adds a third of a beat to its jitter: nothing beside the
// twenty milliseconds between two packets of a voice. One with less to do
// looks when a packet comes.
//
// Both waits are in the runtime's poller: a gate that holds the timer always
// and the worker's sockets while it rests. A thread that blocks in a system
// call keeps its share of the processors until the runtime's monitor takes
// it away, which may be ten milliseconds later, and on a small box everything
// else stands still for so long.
type cadence struct {
	file    *os.File // the gate
	conn    syscall.RawConn
	gate    int
	sockets int // the worker's epoll set
	timer   int
	every   time.Duration // what the timer is set to; 0 = it stands
	open    bool          // the gate holds sockets
	fired   bool          // the timer, in the last wait
	events  [2]unix.EpollEvent
	looked  func(fd uintptr) bool
}

// deaf is how often a worker looks that cannot be woken.
const deaf = 10 * time.Millisecond

// newCadence makes the cadence of a worker with these sockets, an epoll set.
func newCadence(sockets int) (*cadence, error) {
	gate, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("media worker: gate: %w", err)
	}
	timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		unix.Close(gate)
		return nil, fmt.Errorf("media worker: timer: %w", err)
	}
	c := &cadence{gate: gate, sockets: sockets, timer: timer}
	c.looked = c.look
	if err = watch(gate, timer); err == nil {
		err = unix.SetNonblock(gate, true) // or the runtime's poller does not take it
	}
	c.file = os.NewFile(uintptr(gate), "media gate")
	if err == nil {
		c.conn, err = c.file.SyscallConn()
	}
	if err != nil {
		c.close()
		return nil, fmt.Errorf("media worker: gate: %w", err)
	}
	return c, nil
}

// watch puts a descriptor into an epoll set.
func watch(set, fd int) error {
	return unix.EpollCtl(set, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// beat waits for the next beat. Packets alone do not end the wait.
func (c *cadence) beat(period time.Duration) {
	if c.open {
		unix.EpollCtl(c.gate, unix.EPOLL_CTL_DEL, c.sockets, nil)
		c.open = false
	}
	c.set(period)
	c.wait()
}

// rest waits for a packet and for tick, 0 = no tick, and tells whether a tick
// is due. Where the gate does not take the sockets it only ticks.
func (c *cadence) rest(tick time.Duration) (due bool) {
	if !c.open {
		c.open = watch(c.gate, c.sockets) == nil
	}
	if !c.open {
		tick = deaf
	}
	c.set(tick)
	c.wait()
	return c.fired
}

// set leaves a timer alone that runs as wished: it costs a system call.
func (c *cadence) set(every time.Duration) {
	if c.every == every {
		return
	}
	c.every = every
	at := unix.NsecToTimespec(int64(every))
	unix.TimerfdSettime(c.timer, 0, &unix.ItimerSpec{Interval: at, Value: at}, nil)
}

func (c *cadence) wait() {
	c.fired = false
	c.conn.Read(c.looked) // fails only after close
}

// look reports whether something is at the gate. Its calls are raw ones: the
// runtime's monitor would wake for one that it was told of.
func (c *cadence) look(gate uintptr) bool {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, gate,
		uintptr(unsafe.Pointer(&c.events[0])), uintptr(len(c.events)), 0, 0, 0)
	if errno != 0 {
		return true // the round looks itself
	}
	for i := range c.events[:n] {
		if int(c.events[i].Fd) == c.timer {
			c.fired = true
			var beats uint64
			unix.RawSyscall(unix.SYS_READ, uintptr(c.timer), uintptr(unsafe.Pointer(&beats)), unsafe.Sizeof(beats))
		}
	}
	return n > 0
}

func (c *cadence) close() {
	unix.Close(c.timer)
	c.file.Close()
}

// loadMeter tells how busy a worker is, in packets.
type loadMeter struct {
	since, packets int64
	busy           bool
}

const (
	meterSpan = int64(10 * time.Millisecond)
	busyRate  = 2000 // packets per second from which a beat pays
)

func (m *loadMeter) count(now int64, n int) {
	m.packets += int64(n)
	if span := now - m.since; span >= meterSpan || span < 0 {
		m.busy = m.packets*int64(time.Second) > busyRate*span
		m.since, m.packets = now, 0
	}
}

package media

import (
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cadence is the beat of a busy worker: it then looks at its sockets once a
// period instead of at every packet, so that what came meanwhile shares one
// wake-up and one train. A packet waits half a period on average and never
// more than one, which adds a third of a period to its jitter: nothing beside
// the twenty milliseconds between two packets of a voice.
//
// The wait is a timer in the runtime's poller, read by a raw system call. A
// thread that tells the runtime of a system call each millisecond, or blocks
// in one, keeps the runtime's monitor awake, and that costs as much as a third
// of the packets.
type cadence struct {
	file   *os.File
	conn   syscall.RawConn
	fd     int
	period time.Duration
	on     bool
	beaten func(fd uintptr) bool
}

func newCadence(period time.Duration) (*cadence, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("media worker: timer: %w", err)
	}
	c := &cadence{file: os.NewFile(uintptr(fd), "media beat"), fd: fd, period: period, beaten: readBeat}
	if c.conn, err = c.file.SyscallConn(); err != nil {
		c.file.Close()
		return nil, fmt.Errorf("media worker: timer: %w", err)
	}
	return c, nil
}

// readBeat reports whether the timer has fired since it was read last.
func readBeat(fd uintptr) bool {
	var beats uint64
	_, _, errno := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&beats)), unsafe.Sizeof(beats))
	return errno != unix.EAGAIN
}

// wait blocks until the next beat. The first call starts the beat.
func (c *cadence) wait() {
	if !c.on {
		c.set(c.period)
		c.on = true
	}
	c.conn.Read(c.beaten) // fails only after close
}

// stop ends the beat while there is little to do.
func (c *cadence) stop() {
	if c.on {
		c.set(0)
		c.on = false
	}
}

func (c *cadence) set(d time.Duration) {
	at := unix.NsecToTimespec(int64(d))
	unix.TimerfdSettime(c.fd, 0, &unix.ItimerSpec{Interval: at, Value: at}, nil)
}

func (c *cadence) close() { c.file.Close() }

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

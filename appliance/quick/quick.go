// Package quick reads and writes TCP connections without telling the runtime
// about each system call. The socket never blocks, so there is nothing to
// tell; but the telling wakes a sleeping monitor thread, and on a node that
// sleeps between messages that costs as much as routing one. Packages flow
// and traversal stand on it.
package quick

import (
	"io"
	"net"
	"syscall"
	"time"
	"unsafe"
)

// Conn is a TCP connection with one reader and one writer at a time. Deadlines
// hold as on the connection below.
type Conn struct {
	*net.TCPConn

	// OnWait, if it is set, is called in Read before it waits: the place to set
	// a read deadline, since most reads find what they want and need none.
	OnWait func()

	// Patience bounds how long Write waits for room; 0 leaves that to the write
	// deadline. With it, nobody else may set one.
	Patience time.Duration

	raw syscall.RawConn
	in  transfer
	out transfer
}

// New wraps an open connection, which from then on belongs to the Conn.
func New(c *net.TCPConn) *Conn {
	raw, _ := c.SyscallConn() // fails only for a nil connection
	q := &Conn{TCPConn: c, raw: raw}
	q.in.ready, q.out.ready = q.mayRead, q.mayWrite
	return q
}

// transfer is a read or a write in progress. It lives with the connection, so
// that none of them allocates.
type transfer struct {
	b     []byte
	n     int
	errno syscall.Errno
	wait  bool // for room, until all of b is written
	bound bool // the deadline is that of Patience
	ready func(fd uintptr) bool
}

// Read reads what there is, or waits for it.
func (c *Conn) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	t := &c.in
	t.b, t.n, t.errno = b, 0, 0
	err := c.raw.Read(t.ready)
	t.b = nil
	switch {
	case err != nil:
		return 0, err
	case t.errno != 0:
		return 0, t.errno
	case t.n == 0:
		return 0, io.EOF
	}
	return t.n, nil
}

// Write writes all of b, waiting for room.
func (c *Conn) Write(b []byte) (int, error) { return c.send(b, true) }

// TryWrite writes what there is room for now; it does not wait.
func (c *Conn) TryWrite(b []byte) (int, error) { return c.send(b, false) }

func (c *Conn) send(b []byte, wait bool) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	t := &c.out
	t.b, t.n, t.errno, t.wait = b, 0, 0, wait
	err := c.raw.Write(t.ready)
	t.b = nil
	if t.bound {
		t.bound = false
		_ = c.SetWriteDeadline(time.Time{})
	}
	if err == nil && t.errno != 0 {
		err = t.errno
	}
	return t.n, err
}

// mayRead is called when there may be something to read; false waits on.
func (c *Conn) mayRead(fd uintptr) bool {
	if c.in.read(fd) {
		return true
	}
	if c.OnWait != nil {
		c.OnWait()
	}
	return false
}

// mayWrite is called when there may be room; false waits on.
func (c *Conn) mayWrite(fd uintptr) bool {
	t := &c.out
	if t.write(fd) {
		return true
	}
	if c.Patience > 0 && !t.bound {
		t.bound = true
		_ = c.SetWriteDeadline(time.Now().Add(c.Patience))
	}
	return false
}

func (t *transfer) read(fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&t.b[0])), uintptr(len(t.b)))
		switch errno {
		case 0:
			t.n = int(n)
			return true
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			t.errno = errno
			return true
		}
	}
}

func (t *transfer) write(fd uintptr) bool {
	for t.n < len(t.b) {
		rest := t.b[t.n:]
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(&rest[0])), uintptr(len(rest)))
		switch errno {
		case 0:
			t.n += int(n)
		case syscall.EINTR:
		case syscall.EAGAIN:
			return !t.wait
		default:
			t.errno = errno
			return true
		}
	}
	return true
}

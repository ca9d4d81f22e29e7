package flow

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime/debug"
	"sync"
	"time"
)

const (
	bufferSize = 4 << 10
	mostFaults = 20 // refused messages that a stranger may send on one connection
	mostWait   = 5 * time.Second
)

var (
	errFraming = errors.New("flow: not SIP")
	errFaults  = errors.New("flow: too many refused messages")
	errRate    = errors.New("flow: too many requests")
	errTimeout = errors.New("flow: idle for too long")
	errSlowly  = errors.New("flow: message came too slowly")
	errSilent  = errors.New("flow: no message came")
)

var buffers = sync.Pool{New: func() any {
	b := make([]byte, bufferSize)
	return &b
}}

// reader is the state of reading one connection.
type reader struct {
	*Conn
	buf     []byte // borrowed while bytes come; an inside connection keeps its own
	held    int    // bytes in buf, or in idle while buf is nil
	spoke   bool   // a whole message has come
	last    time.Time
	now     time.Time // when bytes last came, or the wait for its rate ended
	opened  time.Time
	faults  int
	pooled  *[]byte
	started time.Time // when the message in buf began
	within  bool      // reading on in that message
	limit   time.Time // the read deadline that is set
	ended   error     // why
}

// startLocked reads messages, in a goroutine that Flows waits for, until the
// connection ends.
//
// The loop is one function without results to keep, because thousands of these
// wait in it, in some 1,200 bytes of stack below crypto/tls. A frame or two
// more, and the runtime would not give half of each one's 8 KiB back: it does
// so where less than a quarter is in use, its own reserve included.
func (c *Conn) startLocked() {
	r := &reader{Conn: c, opened: time.Now()}
	r.now = r.opened
	c.stream.OnWait = r.limitWait
	c.flows.wait.Add(1)
	go func() {
		for r.ended == nil {
			r.took(r.net.Read(r.room()))
		}
		r.end()
	}()
}

// contain makes a panic of a message's handling end its connection only.
func (r *reader) contain() {
	if v := recover(); v != nil {
		r.flows.count.panics.Add(1)
		r.flows.cfg.Log.Error("reader panicked", "conn", r.id, "panic", v, "stack", string(debug.Stack()))
		r.ended = errFraming
	}
}

// end lets go of everything.
func (r *reader) end() {
	defer r.flows.wait.Done()
	r.giveBack()
	if !errors.Is(r.ended, io.EOF) {
		r.why.CompareAndSwap(nil, &closeReason{r.ended})
	}
	r.Close()
	r.leaveSource()
	r.flows.remove(r.Conn)
	r.flows.count.closed.Add(1)
	if r.flows.cfg.OnClose != nil {
		r.flows.cfg.OnClose(r.Conn)
	}
}

// room is what to read into: the rest of the buffer in the middle of a message,
// else next to no memory, or an inside connection's own.
func (r *reader) room() []byte {
	r.within = r.busy()
	switch {
	case r.within && r.held == len(r.buf):
		r.grow()
	case r.within:
	case r.listener.Open:
		r.settle()
		return r.idle[r.held:]
	default:
		r.started = time.Time{}
		r.borrow()
	}
	return r.buf[r.held:]
}

// took deals with what a read brought; ended says if that was the last.
func (r *reader) took(n int, err error) {
	defer r.contain()
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		if end := r.until(); time.Now().Before(end) { // it has moved meanwhile
			r.setLimit(end)
			return
		}
	}
	if n > 0 && r.buf == nil {
		r.borrow()
		copy(r.buf, r.idle[:r.held+n])
	}
	r.held += n
	r.ended = r.arrived(n, err)
}

// near is how much too early a deadline may be set: setting one costs as much
// as routing a message, and when it passes it is looked at again anyway.
const near = 10 * time.Minute

// limitWait sets the deadline of a read that has to wait.
func (r *reader) limitWait() {
	end := r.until()
	if early := end.Sub(r.limit); early < 0 || early > near || end.Sub(r.now) < 2*near {
		r.setLimit(end)
	}
}

func (r *reader) setLimit(end time.Time) {
	r.limit = end
	_ = r.stream.SetReadDeadline(end)
}

// until is when waiting becomes too long.
func (r *reader) until() time.Time {
	if r.within {
		return r.started.Add(r.flows.limits.Load().Message)
	}
	return r.idleUntil()
}

// idleUntil is when silence becomes too long. Only messages count for a
// stranger, any byte for those we know.
func (r *reader) idleUntil() time.Time {
	lim := r.flows.limits.Load()
	switch {
	case r.authenticated.Load():
		return time.Unix(0, r.seen.Load()).Add(lim.IdleKept)
	case !r.spoke:
		return r.opened.Add(lim.FirstMessage)
	}
	return r.last.Add(lim.Idle)
}

// arrived deals with new bytes and names a timeout.
func (r *reader) arrived(n int, err error) error {
	if n > 0 {
		r.now = time.Now()
		r.seen.Store(r.now.UnixNano())
		if r.started.IsZero() {
			r.started = r.now
		}
		if e := r.consume(); e != nil {
			return e
		}
	}
	switch {
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case r.busy():
		return errSlowly
	case !r.spoke && r.listener.Open:
		return errSilent
	}
	return errTimeout
}

// busy tells whether the buffer holds the beginning of a message. A line end
// alone is none: a client may leave one behind its message, and it may be the
// first half of a keepalive.
func (r *reader) busy() bool {
	if r.buf == nil || r.held == 0 {
		return false
	}
	return r.held > 3 || len(bytes.Trim(r.buf[:r.held], "\r\n")) > 0
}

// settle goes back to waiting with little memory.
func (r *reader) settle() {
	r.started = time.Time{}
	if r.buf != nil {
		copy(r.idle[:], r.buf[:r.held]) // at most a line end or two
		r.giveBack()
	}
}

func (r *reader) borrow() {
	if r.buf == nil {
		r.pooled = buffers.Get().(*[]byte)
		r.buf = *r.pooled
	}
}

func (r *reader) giveBack() {
	if r.pooled != nil {
		buffers.Put(r.pooled)
	}
	r.buf, r.pooled = nil, nil
}

// grow doubles the buffer up to the largest message and one read more.
func (r *reader) grow() {
	bigger := make([]byte, min(2*len(r.buf), r.flows.limits.Load().MessageSize+bufferSize))
	if len(bigger) <= len(r.buf) {
		bigger = make([]byte, len(r.buf)+bufferSize)
	}
	copy(bigger, r.buf[:r.held])
	r.giveBack()
	r.buf = bigger
}
